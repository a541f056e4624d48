import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readUpTopic } from '../../../../agent/contract/door.js';
import { fromBase64url, fromUtf8, newId } from '../../../../agent/contract/text.js';
import { topics } from '../../../../agent/contract/topics.js';
import { fingerprintOf, loadDoorCertificate } from '../../../../agent/page/door-certificate.js';
import { EventStreams, MOST_STREAMS, MOST_STREAMS_PER_ADDRESS, type StreamSink } from '../../../../agent/page/event-streams.js';
import { isOwnHost, plainAddress } from '../../../../agent/page/host-policy.js';
import { isNear } from '../../../../agent/page/near.js';

const SCOPE = { tenant: 'local', serial: 'SNAAAAAAAA' };

class Sink implements StreamSink {
  waitingBytes = 0;
  isEnded = false;
  readonly lines: string[] = [];
  write(line: string): void {
    this.lines.push(line);
  }
  end(): void {
    this.isEnded = true;
  }
  messages(): (readonly [string, string])[] {
    const all = this.lines.slice(1).filter((line) => line !== '\n');
    return all
      .map((line) => JSON.parse(line) as { topic: string; payload: string })
      .map((one) => [one.topic, fromUtf8(fromBase64url(one.payload))]);
  }
}

test('what can be heard at the door: exact topics of this recorder', () => {
  const id = newId();
  assert.is(readUpTopic(SCOPE, topics.status(SCOPE)), 'status');
  assert.is(readUpTopic(SCOPE, topics.checkpoint(SCOPE)), 'checkpoint');
  assert.is(readUpTopic(SCOPE, topics.reply(SCOPE, id)), 'reply');
  assert.is(readUpTopic(SCOPE, topics.pairUp(SCOPE, id)), 'pair');
  assert.is(readUpTopic(SCOPE, topics.site(SCOPE, id)), 'site');
  const root = 'sl/1/local/SNAAAAAAAA';
  for (const topic of [
    '#',
    `${root}/up/#`,
    `${root}/up/+`,
    `${root}/up/reply/+`,
    `${root}/up/reply/`,
    `${root}/down/cmd/${id}`,
    `${root}/up/other/${id}`,
    topics.status({ ...SCOPE, serial: 'SNBBBBBBBB' }),
    `/${topics.status(SCOPE)}`,
    `${topics.status(SCOPE)}/`,
    '',
  ])
    assert.is(readUpTopic(SCOPE, topic), undefined, topic);
});

test('a message goes to those who asked for its topic, and to nobody else', () => {
  const streams = new EventStreams(SCOPE);
  const [one, two] = [new Sink(), new Sink()];
  const [first = '', second = ''] = [streams.open('a', one), streams.open('b', two)];
  const mine = topics.reply(SCOPE, newId());
  assert.is(streams.change(first, { add: [mine], remove: [] }), 'done');
  assert.is(streams.change(second, { add: [topics.status(SCOPE)], remove: [] }), 'done');
  assert.is(streams.publish(mine, 'häuser'), true);
  assert.is(streams.publish(topics.reply(SCOPE, newId()), 'for nobody'), false);
  assert.equal([one.messages(), two.messages()], [[[mine, 'häuser']], []]);
  streams.change(first, { add: [], remove: [mine] });
  assert.is(streams.publish(mine, 'again'), false);
  streams.close(second);
  assert.is(streams.publish(topics.status(SCOPE), 'x'), false);
});

test('a change is whole or refused: foreign topics, too many, an unknown stream', () => {
  const streams = new EventStreams(SCOPE);
  const name = streams.open('a', new Sink()) ?? '';
  const own = topics.status(SCOPE);
  assert.is(streams.change(name, { add: [own, 'sl/1/local/+/up/status'], remove: [] }), 'topic_not_allowed');
  assert.is(streams.publish(own, 'x'), false, 'the good half was not taken either');
  const many = Array.from({ length: 32 }, () => topics.reply(SCOPE, newId()));
  assert.is(streams.change(name, { add: many, remove: [] }), 'done');
  assert.is(streams.change(name, { add: [own], remove: [] }), 'too_many_topics');
  assert.is(streams.change(name, { add: [own], remove: many.slice(0, 1) }), 'done');
  assert.is(streams.change(newId(), { add: [], remove: [] }), 'unknown_stream');
});

test('the oldest stream of an address gives way to its next; all together have a limit', () => {
  const streams = new EventStreams(SCOPE);
  const sinks = Array.from({ length: MOST_STREAMS_PER_ADDRESS + 1 }, () => new Sink());
  for (const sink of sinks) assert.ok(streams.open('phone', sink) !== undefined);
  assert.equal(sinks.map(({ isEnded }) => isEnded).indexOf(false), 1);
  for (let at = streams.count; at < MOST_STREAMS; at += 1) assert.ok(streams.open(`other-${at}`, new Sink()) !== undefined);
  assert.is(streams.open('one-more', new Sink()), undefined);
});

test('who does not read is ended; a sign of life goes to everybody', () => {
  const streams = new EventStreams(SCOPE);
  const [reader, sleeper] = [new Sink(), new Sink()];
  streams.open('a', reader);
  streams.open('b', sleeper);
  sleeper.waitingBytes = 300_000;
  streams.beat();
  assert.equal([reader.lines.at(-1), reader.isEnded, sleeper.isEnded, streams.count], ['\n', false, true, 1]);
  streams.closeAll();
  assert.is(reader.isEnded, true);
});

test('addresses in one form; our own names', () => {
  assert.is(plainAddress('::ffff:192.168.1.5'), '192.168.1.5');
  assert.is(plainAddress('fe80::1%eth0'), 'fe80::1');
  assert.is(plainAddress('FD00:0:0::0005'), 'fd00::5');
  const own = { localAddress: 'fd00::5', serial: 'SN4F2K7Q9D' };
  assert.ok(isOwnHost('[fd00:0::5]:8443', own) && isOwnHost('sn4f2k7q9d.local', own) && isOwnHost('LOCALHOST:1', own));
  for (const host of [undefined, '', 'fd00::5', '[fd00::6]', 'sn4f2k7q9d.local.example', 'sn4f2k7q9d', 'local', '0x7f.1', 'x'.repeat(90)])
    assert.not.ok(isOwnHost(host, own), String(host));
});

test('near: private networks and our own, whatever the router forwards', () => {
  const own = () =>
    ({
      eth0: [
        { address: '203.0.113.7', family: 'IPv4', cidr: '203.0.113.7/24' },
        { address: '2001:db8:1::7', family: 'IPv6', cidr: '2001:db8:1::7/64' },
      ],
    }) as never;
  for (const address of [
    '127.0.0.1',
    '10.9.8.7',
    '172.31.0.1',
    '192.168.1.2',
    '169.254.3.4',
    '::1',
    'fd12::1',
    'fe80::9',
    '203.0.113.200',
    '2001:db8:1::9',
  ])
    assert.ok(isNear(address, own), address);
  for (const address of ['198.51.100.1', '172.32.0.1', '203.0.114.1', '2001:db8:2::9', '8.8.8.8', ''])
    assert.not.ok(isNear(address, own), address);
  const wide = () => ({ ppp0: [{ address: '203.0.113.7', family: 'IPv4', cidr: '203.0.113.7/0' }] }) as never;
  assert.not.ok(isNear('198.51.100.1', wide), 'a network that is everything says nothing');
});

test('the certificate is made once, for the names of the recorder, and only its owner may read the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-door-'));
  try {
    const made = await loadDoorCertificate(folder, 'SN4F2K7Q9D');
    assert.equal(await loadDoorCertificate(folder, 'SN4F2K7Q9D'), made);
    assert.is((await stat(join(folder, 'door.pem'))).mode & 0o777, 0o600);
    const read = new X509Certificate(made.cert);
    assert.is(read.fingerprint256, await fingerprintOf(made));
    assert.ok(read.verify(read.publicKey) && read.checkHost('sn4f2k7q9d.local') !== undefined && read.checkIP('127.0.0.1') !== undefined);
    assert.ok(Date.parse(read.validTo) > Date.UTC(2045, 0, 1) && Date.parse(read.validFrom) < Date.UTC(2025, 0, 1));
    await writeFile(join(folder, 'door.pem'), made.key);
    assert.is.not((await loadDoorCertificate(folder, 'SN4F2K7Q9D')).cert, made.cert, 'half a file is made anew');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.run();
