import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientCertificate } from '../../agent/cloud/link.js';
import { MqttLink, type MqttLinkParts } from '../../agent/cloud/mqtt-link.js';
import { type Clock, systemClock } from '../../agent/kernel/clock.js';
import type { AgentError } from '../../agent/kernel/errors.js';
import { issueServerIdentity, openAuthority } from '../../scripts/portal/authority.js';
import { levelOf, type MqttStub, packetId, type StubClient, type StubPacket, startMqttStub } from '../support/mqtt-stub.js';
import { certificateFor } from '../support/recorder-certificate.js';
import { TestLog } from '../support/test-log.js';
import { until } from '../support/until.js';

const CONNECT = 1;
const PUBLISH = 3;
const SUBSCRIBE = 8;
const MINUTE = 60_000;

let stub: MqttStub;
let link: MqttLink;
let answer: (client: StubClient, packet: StubPacket) => void;
let connects: number;
let alarms: string[];
/** What the link waited, ms; a second or more goes by at once. */
let waits: number[];
let aheadMs: number;

const it = suite('mqtt-link: versions, reasons and a clone');

const hurried: Clock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() + aheadMs,
  after: (delayMs, act, background) => {
    if (delayMs < 1_000 || delayMs === 30_000) return systemClock.after(delayMs, act, background);
    waits.push(delayMs);
    return systemClock.after(1, act, background);
  },
};

/** A broker of MQTT 5 that takes everything. `properties` of its CONNACK. */
function welcome(client: StubClient, packet: StubPacket, properties: readonly number[] = []): void {
  const isNew = client.packets[0] !== undefined && levelOf(client.packets[0]) === 5;
  if (packet.type === CONNECT) {
    if (isNew) client.send(0x20, 3 + properties.length, 0, 0, properties.length, ...properties);
    else client.send(0x20, 2, 0, 0);
  }
  if (packet.type === SUBSCRIBE) client.send(...(isNew ? [0x90, 4, ...packetId(packet), 0, 1] : [0x90, 3, ...packetId(packet), 1]));
  if (packet.type === PUBLISH) client.send(0x40, 2, ...packetId(packet));
}

function makeLink(parts: Partial<MqttLinkParts> = {}): MqttLink {
  return new MqttLink({
    url: stub.url,
    clientId: 'SNTEST0001',
    caFile: undefined,
    subscription: 'down/#',
    connectFacts: async () => {
      connects += 1;
      return { username: 'SNTEST0001', password: `proof-${connects}`, will: { topic: 'up/status', payload: 'gone' } };
    },
    onTakenOver: (how) => void alarms.push(how),
    clock: hurried,
    log: new TestLog(),
    random: () => 0.5,
    backoff: { firstMs: 20, baseMs: 20, capMs: 20 },
    ...parts,
  });
}

/** Resolves with the next change to this state. */
function changesTo(state: boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = link.onOnline((now) => {
      if (now !== state) return;
      stop();
      resolve();
    });
  });
}
/** Begins, or ends a connection, and waits for the next one. */
async function online(act: () => unknown): Promise<void> {
  const isThere = changesTo(true);
  await act();
  await isThere;
}
const levels = (): number[] => stub.clients.map(({ packets: [first] }) => (first === undefined ? 0 : levelOf(first)));
function newest(): StubClient {
  const client = stub.clients.at(-1);
  if (client === undefined) throw new RangeError('nobody has connected');
  return client;
}
const published = (client: StubClient): number => client.packets.filter(({ type }) => type === PUBLISH).length;
const codeOf = (act: Promise<unknown>): Promise<string> =>
  act.then(
    () => 'resolved',
    (error: AgentError) => error.code,
  );

it.before.each(async () => {
  connects = 0;
  alarms = [];
  waits = [];
  aheadMs = 0;
  answer = welcome;
  stub = await startMqttStub((client, packet) => answer(client, packet));
  link = makeLink();
});

it.after.each(async () => {
  await link.stop();
  await stub.stop();
});

it('MQTT 5 first: a clean start that leaves nothing behind, 20 messages at once, packets of 64 KiB', async () => {
  await online(() => link.start());
  assert.equal(levels(), [5]);
  const body = newest().packets[0]?.body ?? Buffer.alloc(0);
  assert.is((body[7] ?? 0) & 0b10, 0b10, 'clean start');
  // Receive maximum (0x21) 20 and maximum packet size (0x27) 65 536; a session expiry (0x11) would stand here too.
  assert.equal([...body.subarray(10, 19)], [8, 0x21, 0, 20, 0x27, 0, 1, 0, 0]);
});

for (const [name, refusal] of [
  ['as 3.1.1 says it', [0x20, 2, 0, 1]],
  ['as MQTT 5 says it', [0x20, 3, 0, 0x84, 0]],
] as const) {
  it(`a broker that refuses MQTT 5 (${name}) is spoken to in 3.1.1, at once and from then on`, async () => {
    answer = (client, packet) => {
      if (packet.type === CONNECT && levelOf(packet) === 5) client.send(...refusal);
      else welcome(client, packet);
    };
    link = makeLink({ backoff: { firstMs: 600 * MINUTE, baseMs: 20, capMs: 20 } });
    await online(() => link.start());
    assert.equal(waits, [], 'it does not wait for that');
    assert.equal(levels(), [5, 4]);
    assert.is(connects, 2, 'each with credentials of its own');
    await online(() => newest().close());
    assert.equal(levels(), [5, 4, 4]);
    assert.is(await codeOf(link.publish('up/x', 'x')), 'resolved');
  });
}

it('"session taken over" raises the alarm, once in 15 minutes, and the link stays away for a minute each time', async () => {
  await online(() => link.start());
  const takeOver = (): Promise<void> =>
    online(() => {
      newest().send(0xe0, 1, 0x8e);
      newest().close();
    });
  await takeOver();
  await takeOver();
  aheadMs = 14 * MINUTE;
  await takeOver();
  assert.equal(alarms, ['told']);
  aheadMs = 16 * MINUTE;
  await takeOver();
  assert.equal(alarms, ['told', 'told']);
  assert.is(waits.length, 4);
  assert.ok(
    waits.every((waitMs) => waitMs >= MINUTE),
    waits.join(' '),
  );
});

it('other reasons raise nothing; three short connections that end without a word do', async () => {
  await online(() => link.start());
  const end = (...goodbye: number[]): Promise<void> =>
    online(() => {
      if (goodbye.length > 0) newest().send(...goodbye);
      newest().close();
    });
  for (const reason of [0x8b, 0x89, 0x97, 0x98, 0x8b]) await end(0xe0, 1, reason);
  assert.equal(waits, []);
  await end();
  await end();
  assert.equal(alarms, []);
  await end();
  assert.equal(alarms, ['suspected']);
  assert.is(waits.length, 1);
});

it('no more messages are on their way than the broker allows; the others follow in order', async () => {
  const held: [number, number][] = [];
  answer = (client, packet) => {
    if (packet.type === PUBLISH) held.push(packetId(packet));
    else welcome(client, packet, [0x21, 0, 2]);
  };
  await online(() => link.start());
  const sent = Promise.all(['a', 'b', 'c', 'd', 'e'].map((text) => link.publish('up/x', text)));
  await until('two are there', () => held.length === 2);
  for (let released = 0; released < 5; released += 1) {
    await until('the next is there', () => held.length > released);
    assert.ok(held.length - released <= 2, `${held.length} came, ${released} were answered`);
    newest().send(0x40, 2, ...(held[released] ?? [0, 0]));
  }
  await sent;
  const texts = newest()
    .packets.filter(({ type }) => type === PUBLISH)
    .map(({ body }) => String.fromCharCode(body.at(-1) ?? 0));
  assert.is(texts.join(''), 'abcde');
});

it('what waits for its turn when the connection ends is told so', async () => {
  answer = (client, packet) => {
    if (packet.type !== PUBLISH) welcome(client, packet, [0x21, 0, 1]);
  };
  await online(() => link.start());
  const outcomes = Promise.all(['a', 'b', 'c'].map((text) => codeOf(link.publish('up/x', text))));
  await until('one is there', () => published(newest()) === 1);
  newest().close();
  assert.equal(await outcomes, ['cloud.offline', 'cloud.offline', 'cloud.offline']);
});

it('a message the broker will never take is told from one that may go later', async () => {
  let reason = 0x87;
  answer = (client, packet) => {
    if (packet.type === PUBLISH) client.send(0x40, 4, ...packetId(packet), reason, 0);
    else welcome(client, packet);
  };
  await online(() => link.start());
  for (const [code, outcome] of [
    [0x87, 'cloud.refused'],
    [0x90, 'cloud.refused'],
    [0x97, 'cloud.offline'],
    [0x83, 'cloud.offline'],
    [0x10, 'resolved'],
    [0, 'resolved'],
  ] as const) {
    reason = code;
    assert.is(await codeOf(link.publish('up/x', 'x')), outcome, code.toString(16));
  }
  assert.is(link.isOnline, true);
});

it('a packet of 200 MB that a broker of 3.1.1 announces ends the connection at its first bytes; one of 200 kB is read and left', async () => {
  answer = (client, packet) => {
    if (packet.type === CONNECT && levelOf(packet) === 5) client.send(0x20, 2, 0, 1);
    else welcome(client, packet);
  };
  await online(() => link.start());
  const before = connects;
  const isHeard = new Promise<number>((resolve) => {
    link.onMessage((_topic, payload) => resolve(payload.length));
  });
  // QoS 0, topic "a", 200,000 bytes.
  const body = 200_000;
  const length = body + 3;
  newest().send(0x30, 128 | (length & 127), 128 | ((length >> 7) & 127), length >> 14, 0, 1, 0x61);
  for (let part = 0; part < 10; part += 1) newest().send(...new Uint8Array(body / 10));
  assert.equal([await isHeard, connects], [body, before]);
  await online(() => newest().send(0x30, 0x80, 0x84, 0xaf, 0x5f, 0, 1, 0x61));
  assert.is(connects, before + 1);
  assert.equal(alarms, [], 'nobody else has this identity');
});

it('a wait can be ended; while connected there is nothing to end', async () => {
  answer = (client, packet) => (packet.type === CONNECT ? client.send(0x20, 3, 0, 0x88, 0) : undefined);
  link = makeLink({ clock: systemClock, backoff: { firstMs: 600 * MINUTE, baseMs: 600 * MINUTE, capMs: 600 * MINUTE } });
  await link.start();
  await until('it waits', () => connects === 1 && newest().packets.length > 0);
  answer = welcome;
  await until('it is online', () => {
    link.retryNow();
    return link.isOnline;
  });
  assert.is(connects, 2);
  link.retryNow();
  link.retryNow();
  assert.is(await codeOf(link.publish('up/x', 'x')), 'resolved');
  assert.is(connects, 2);
});

it('asked in the middle of an attempt, the next one follows at once', async () => {
  let isAsked = false;
  answer = (client, packet) => {
    if (isAsked) welcome(client, packet);
    else {
      isAsked = true;
      link.retryNow();
      client.send(0x20, 3, 0, 0x88, 0);
    }
  };
  link = makeLink({ clock: systemClock, backoff: { firstMs: 600 * MINUTE, baseMs: 600 * MINUTE, capMs: 600 * MINUTE } });
  await online(() => link.start());
  assert.is(connects, 2);
});

it('the certificate is asked for each connection, and who gave it hears how it went', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-link-identity-'));
  const authority = await openAuthority(folder);
  const [one, two] = await Promise.all([certificateFor('SNTEST0001', authority), certificateFor('SNTEST0001', authority)]);
  const told: string[] = [];
  const row = [one, undefined, two];
  const name = (used: ClientCertificate | undefined): string => (used === one ? 'one' : used === two ? 'two' : 'none');
  const identity = {
    current: () => row[connects],
    accepted: (used: ClientCertificate | undefined) => void told.push(`accepted ${name(used)}`),
    refused: (used: ClientCertificate | undefined) => void told.push(`refused ${name(used)}`),
  };
  await stub.stop();
  stub = await startMqttStub(
    (client, packet) => {
      if (packet.type !== CONNECT || connects === 3) welcome(client, packet);
      else client.send(0x20, 3, 0, connects === 1 ? 0x87 : 0x88, 0);
    },
    await issueServerIdentity(authority, { names: [], ips: ['127.0.0.1'] }),
  );
  link = makeLink({ identity, caFile: authority.file });
  await online(() => link.start());
  assert.equal(told, ['refused one', 'accepted two'], 'a broker that is busy (0x88) has not refused anyone');
  await rm(folder, { recursive: true, force: true });
});

it('without TLS no certificate is used, and mqtt:// stays what it is', async () => {
  const identity = { current: () => assert.unreachable('nobody asks') as undefined, accepted: () => undefined, refused: () => undefined };
  link = makeLink({ identity });
  await online(() => link.start());
});

it.run();
