import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Origin } from '../../../../agent/cloud/call.js';
import { OncePer, RateLimit, SlidingCount } from '../../../../agent/cloud/rate.js';
import { Router } from '../../../../agent/cloud/router.js';
import { MAX_MESSAGE_BYTES } from '../../../../agent/contract/guard.js';
import { newId, utf8 } from '../../../../agent/contract/text.js';
import { topics } from '../../../../agent/contract/topics.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { TestLog } from '../../../support/test-log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const SCOPE = { tenant: 'local', serial: 'SN4F2K7Q9D' };
const id = newId();
const COMMAND = topics.command(SCOPE, id);
const PAIR = topics.pairDown(SCOPE, id);

let clock: VirtualClock;
let log: TestLog;
let router: Router;
let heard: string[];
let onCommand: (id: string, letter: string) => Promise<void>;

const it = suite('router');

it.before.each(() => {
  clock = new VirtualClock();
  log = new TestLog();
  heard = [];
  onCommand = async (at, letter) => void heard.push(`cmd ${at} ${letter}`);
  router = new Router({
    scope: SCOPE,
    onCommand: (at, letter) => onCommand(at, letter),
    onPair: async (sid, request) => void heard.push(`pair ${sid} ${request.t}`),
    onWithdraw: async (statement, from) => void heard.push(`withdraw ${statement} ${from.source}`),
    onCancel: async (statement, from) => void heard.push(`cancel ${statement} ${from.source}`),
    clock,
    log,
  });
});

const RELAY: Origin = { source: 'relay' };
const lan = (at: number): Origin => ({ source: 'lan', remote: `r${at}` });
const send = (topic: string, payload: string | Uint8Array, from = RELAY): Promise<void> =>
  router.receive(topic, typeof payload === 'string' ? utf8(payload) : payload, from);
const hello = (sid = id): string => JSON.stringify({ t: 'pair.hello', v: 1, sid, app: newId() });

it('each kind goes to its handler', async () => {
  await send(COMMAND, 'a letter');
  await send(PAIR, hello());
  await send(topics.withdraw(SCOPE, 'b'.repeat(22)), 'a statement');
  await send(topics.cancel(SCOPE, 'o'.repeat(22)), 'a list', lan(1));
  assert.equal(heard, [`cmd ${id} a letter`, `pair ${id} pair.hello`, 'withdraw a statement relay', 'cancel a list lan']);
  assert.equal(router.refusals, {});
  assert.equal(log.lines, []);
});

it('an empty message is a retained one that was cleared: nothing happens', async () => {
  for (const topic of [COMMAND, PAIR, topics.withdraw(SCOPE, 'b'.repeat(22))]) await send(topic, '');
  assert.equal([heard, router.refusals], [[], {}]);
});

const REFUSED: readonly [name: string, topic: string, payload: string | Uint8Array, code: string][] = [
  ['a topic of another recorder', topics.command({ ...SCOPE, serial: 'SN4F2K7Q9E' }, id), 'x', 'message.unknown_topic'],
  ['a topic that means nothing', 'sl/1/local/SN4F2K7Q9D/down/reboot', 'x', 'message.unknown_topic'],
  ['its own topic', topics.status(SCOPE), 'x', 'message.unknown_topic'],
  ['a command that is too large', COMMAND, new Uint8Array(MAX_MESSAGE_BYTES + 1), 'message.too_large'],
  ['a withdrawal that is too large', topics.withdraw(SCOPE, 'b'.repeat(22)), new Uint8Array(1_000_000), 'message.too_large'],
  ['a letter of nothing but dots', COMMAND, '.'.repeat(60_000), 'message.malformed'],
  ['a statement of four parts', topics.withdraw(SCOPE, 'b'.repeat(22)), 'a.b.c.d', 'message.malformed'],
  ['a command that is no text', COMMAND, Uint8Array.from([0xff, 0xfe]), 'message.malformed'],
  ['a pairing message that is no text', PAIR, Uint8Array.from([0xff, 0xfe]), 'message.malformed'],
  ['a pairing message that is no JSON', PAIR, 'hello', 'message.malformed'],
  ['one that is nested too deep', PAIR, '['.repeat(50) + ']'.repeat(50), 'message.too_deep'],
  ['one that names a field twice', PAIR, `{"t":"pair.hello","t":"pair.hello","v":1,"sid":"${id}","app":"${id}"}`, 'message.duplicate_key'],
  ['one of an unknown kind', PAIR, hello().replace('hello', 'stop'), 'message.invalid'],
  ['one with an unknown field', PAIR, hello().replace('"v":1', '"v":1,"code":"K7MPX2QRT"'), 'message.invalid'],
  ['one for another session than its topic', PAIR, hello(newId()), 'message.invalid'],
];

for (const [name, topic, payload, code] of REFUSED)
  it(`refused and counted: ${name}`, async () => {
    await send(topic, payload);
    assert.equal(heard, []);
    assert.equal(router.refusals, { [code]: 1 });
    assert.equal(
      log.lines.map(({ level, facts }) => [level, facts.kind]),
      [['warn', code]],
    );
  });

it('what a handler throws is a refusal too, and never reaches the link', async () => {
  onCommand = () => Promise.reject(new AgentError({ code: 'command.replayed', say: 's', fix: 'f' }));
  await send(COMMAND, 'x');
  onCommand = () => {
    throw new TypeError('a bug');
  };
  await send(COMMAND, 'x');
  assert.equal(router.refusals, { 'command.replayed': 1, 'message.failed': 1 });
});

it('every refusal is counted, each kind is logged once per minute with what was held back', async () => {
  const minutes = async (kind: string): Promise<unknown[]> =>
    log.lines.filter(({ facts }) => facts.kind === kind).map(({ facts }) => facts.alsoSince);
  for (let at = 0; at < 10; at += 1) {
    await send(PAIR, 'no json');
    await send('elsewhere', 'x');
  }
  assert.equal(router.refusals, { 'message.malformed': 10, 'message.unknown_topic': 10 });
  assert.is(log.lines.length, 2);
  await clock.advance(59_999);
  await send('elsewhere', 'x');
  assert.is(log.lines.length, 2);
  await clock.advance(1);
  await send('elsewhere', 'x');
  await send(PAIR, 'no json');
  assert.equal(await minutes('message.unknown_topic'), [undefined, 10]);
  assert.equal(await minutes('message.malformed'), [undefined, 9]);
});

it('a flood: 200 at once, then 50 a second; a withdrawal is not kept out by it', async () => {
  for (let at = 0; at < 1_000; at += 1) await send(COMMAND, 'x');
  assert.is(heard.length, 200);
  assert.equal(router.refusals, { 'message.too_many': 800 });
  await send(topics.withdraw(SCOPE, 'b'.repeat(22)), 'stop');
  assert.is(heard.at(-1), 'withdraw stop relay');
  await clock.advance(1_000);
  for (let at = 0; at < 100; at += 1) await send(COMMAND, 'x');
  assert.is(heard.length, 251);
});

it('large letters: 2 MiB at once, then a quarter of one a second', async () => {
  const large = 'x'.repeat(65_536);
  for (let at = 0; at < 100; at += 1) await send(COMMAND, large);
  assert.is(heard.length, 32);
  await clock.advance(1_000);
  for (let at = 0; at < 100; at += 1) await send(COMMAND, large);
  assert.is(heard.length, 36);
  await send(COMMAND, 'x');
  assert.is(heard.length, 36, 'a small one waits its turn too');
  await clock.advance(1);
  await send(COMMAND, 'x');
  assert.is(heard.length, 37);
});

it('knocking is slower still: 20 at once, then 2 a second', async () => {
  for (let at = 0; at < 100; at += 1) await send(PAIR, hello());
  assert.is(heard.length, 20);
  await clock.advance(10_000);
  for (let at = 0; at < 100; at += 1) await send(PAIR, hello());
  assert.is(heard.length, 40);
  await send(COMMAND, 'x');
  assert.is(heard.length, 41);
});

it('whoever floods the relay does not keep out somebody at the recorder, and one at the recorder does not keep out another', async () => {
  const heardOf = async (times: number, topic: string, payload: () => string, from: Origin): Promise<number> => {
    const before = heard.length;
    for (let at = 0; at < times; at += 1) await send(topic, payload(), from);
    return heard.length - before;
  };
  const letter = (): string => 'x';
  assert.is(await heardOf(1_000, COMMAND, letter, RELAY), 200);
  assert.is(await heardOf(1_000, COMMAND, letter, lan(1)), 80);
  assert.is(await heardOf(10, COMMAND, letter, lan(2)), 10);
  assert.is(await heardOf(100, PAIR, hello, RELAY), 20);
  assert.is(await heardOf(100, PAIR, hello, lan(1)), 10);
  assert.is(await heardOf(5, PAIR, hello, lan(2)), 5);
  // Many addresses are still one network: together they have what the relay has.
  let many = 0;
  for (let at = 10; at < 60; at += 1) many += await heardOf(20, COMMAND, letter, lan(at));
  assert.is(many, 200 - 80 - 10);
  assert.is(await heardOf(1, topics.withdraw(SCOPE, 'b'.repeat(22)), letter, lan(1)), 1);
});

it('1 MB of noise on a topic of ours costs no more than looking at its length', async () => {
  const noise = new Uint8Array(1_000_000);
  const startMs = performance.now();
  for (let at = 0; at < 1_000; at += 1) await send(COMMAND, noise);
  assert.ok(performance.now() - startMs < 200);
});

it('rate limit: a bucket per key that refills with time and never overflows', () => {
  const limit = new RateLimit(2, 3);
  const takes = (key: string, nowMs: number, times: number): boolean[] => Array.from({ length: times }, () => limit.take(key, nowMs));
  assert.equal(takes('a', 0, 4), [true, true, true, false]);
  assert.equal(takes('b', 0, 1), [true]);
  assert.equal(takes('a', 499, 1), [false]);
  assert.equal(takes('a', 1_000, 3), [true, true, false], 'refusals cost nothing');
  assert.equal(takes('a', 1_000_000, 4), [true, true, true, false]);
});

it('rate limit: tells how long to wait, and a key that is in use is not forgotten because of many others', () => {
  const limit = new RateLimit(0.5, 1);
  assert.is(limit.waitMs('a', 0), 0);
  limit.take('a', 0);
  assert.equal([limit.waitMs('a', 0), limit.waitMs('a', 500), limit.waitMs('a', 2_000)], [2_000, 1_500, 0]);
  for (let at = 0; at < 1_000; at += 1) {
    limit.take(`k${at}`, 100);
    assert.is(limit.take('a', 100), false);
  }
});

it('sliding count: never more in any stretch of time', () => {
  const count = new SlidingCount(3, 1_000);
  const waits = [0, 400, 800, 900, 999, 1_000, 1_399, 1_400].map((nowMs) => count.take('a', nowMs));
  assert.equal(waits, [0, 0, 0, 100, 1, 0, 1, 0]);
  assert.is(count.take('b', 1_400), 0);
  count.forget('a');
  assert.is(count.take('a', 1_400), 0);
});

it('rate limit and once-per: strangers cannot fill the memory', () => {
  const limit = new RateLimit(1, 1);
  const once = new OncePer(1_000);
  for (let at = 0; at < 100_000; at += 1) {
    limit.take(`k${at}`, 0);
    once.isDue(`k${at}`, 0);
  }
  assert.is(limit.take('k99999', 0), false);
  assert.is(once.isDue('k99999', 0), false);
  assert.is(once.isDue('k99999', 1_000), true);
});

it.run();
