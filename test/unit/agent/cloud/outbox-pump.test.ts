import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OutboxPump } from '../../../../agent/cloud/outbox-pump.js';
import { utf8 } from '../../../../agent/contract/text.js';
import type { Database } from '../../../../agent/store/database.js';
import { type OutboxMessage, OutboxStore } from '../../../../agent/store/outbox-store.js';
import { TestLog } from '../../../support/test-log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { withDatabase } from '../store/scratch.js';
import { FakeLink, lost } from './fake-link.js';

interface Rig {
  readonly database: Database;
  readonly outbox: OutboxStore;
  readonly link: FakeLink;
  readonly clock: VirtualClock;
  readonly log: TestLog;
  pump: OutboxPump;
  put(text: string, change?: Partial<OutboxMessage>): Promise<unknown>;
}

const it = suite('outbox pump');

/** An own database, link and started pump for each test. */
function run(name: string, body: (rig: Rig) => Promise<void>): void {
  it(name, () =>
    withDatabase(async (database) => {
      const clock = new VirtualClock();
      const outbox = await OutboxStore.open(database, clock);
      const link = new FakeLink();
      const log = new TestLog();
      const pump = new OutboxPump(outbox, link, clock, log);
      const put: Rig['put'] = (text, change = {}) =>
        outbox.enqueue({
          topic: 't',
          payload: utf8(text),
          qos: 1,
          retain: false,
          class: 'reply',
          expiresAt: null,
          dedupeKey: null,
          ...change,
        });
      const rig: Rig = { database, outbox, link, clock, log, pump, put };
      await pump.start();
      try {
        await body(rig);
      } finally {
        await rig.pump.stop();
      }
    }),
  );
}

/** Waits for something that comes about by itself. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

run('offline everything is kept; online it goes out once, in order, and is forgotten', async ({ outbox, link, put }) => {
  for (const text of ['one', 'two', 'three']) await put(text);
  assert.equal(link.sent, []);
  assert.is(outbox.counts.rows, 3);
  link.set(true);
  await until(() => outbox.counts.rows === 0);
  assert.equal(link.sent, ['one', 'two', 'three']);
  link.set(false);
  link.set(true);
  await put('four');
  await until(() => outbox.counts.rows === 0);
  assert.equal(link.sent, ['one', 'two', 'three', 'four']);
});

run('online, a message goes at once', async ({ outbox, link, put }) => {
  link.set(true);
  await put('now');
  await until(() => outbox.counts.rows === 0);
  assert.equal(link.sent, ['now']);
});

run('PUBACK lost: the message is kept and sent again with the next connection', async ({ outbox, link, put }) => {
  link.answer = (text) => (text === 'two' ? Promise.reject(lost()) : Promise.resolve());
  link.set(true);
  for (const text of ['one', 'two', 'three']) await put(text);
  await until(() => outbox.counts.rows === 1);
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  const before = link.sent.filter((text) => text === 'two').length;
  // Once for each thing that happened (three were put in, one link came up), not in a circle.
  assert.ok(before >= 1 && before <= 4, String(before));
  link.set(false);
  link.answer = async () => undefined;
  link.set(true);
  await until(() => outbox.counts.rows === 0);
  assert.is(link.sent.filter((text) => text === 'two').length, before + 1);
  assert.is(link.sent.filter((text) => text === 'one').length, 1);
});

run('a broker that is slow to answer: nothing is sent twice meanwhile, and 20 are on their way at most', async ({ outbox, link, put }) => {
  const answers: (() => void)[] = [];
  link.answer = () => new Promise((resolve) => answers.push(resolve));
  for (let at = 0; at < 50; at += 1) await put(`m${at}`);
  link.set(true);
  await until(() => answers.length === 20);
  link.set(true);
  await put('m50');
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.is(link.sent.length, 20);
  while (outbox.counts.rows > 0) {
    for (const answer of answers.splice(0)) answer();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.is(link.sent.length, 51);
  assert.is(new Set(link.sent).size, 51);
  assert.is(link.mostAtOnce, 20);
});

run('a message that is put in while the last one is being sent is not forgotten', async ({ outbox, link, put }) => {
  let begun: () => void = () => undefined;
  let answer: () => void = () => undefined;
  const sending = new Promise<void>((resolve) => {
    begun = resolve;
  });
  link.answer = () =>
    new Promise((resolve) => {
      answer = resolve;
      begun();
    });
  link.set(true);
  await put('first');
  await sending;
  await put('second');
  link.answer = async () => undefined;
  answer();
  await until(() => outbox.counts.rows === 0);
  assert.equal(link.sent, ['first', 'second']);
});

run('what was not sent survives a restart and goes out then', async (rig) => {
  await rig.put('before the power cut');
  await rig.pump.stop();
  const again = await OutboxStore.open(rig.database, rig.clock);
  rig.pump = new OutboxPump(again, rig.link, rig.clock, rig.log);
  await rig.pump.start();
  rig.link.set(true);
  await until(() => again.counts.rows === 0);
  assert.equal(rig.link.sent, ['before the power cut']);
});

run('too old is not sent: removed once a minute, and never delivered', async ({ outbox, link, clock, put }) => {
  await put('a short life', { expiresAt: clock.now() + 30_000 });
  await put('for ever');
  await clock.advance(60_000);
  await until(() => outbox.counts.expired === 1);
  link.set(true);
  await until(() => outbox.counts.rows === 0);
  assert.equal(link.sent, ['for ever']);
});

run('stopping waits for what is on its way and sends nothing more', async ({ outbox, link, pump, put }) => {
  let answer: () => void = () => undefined;
  link.answer = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  link.set(true);
  await put('on its way');
  await until(() => link.sent.length === 1);
  let isStopped = false;
  const stopped = pump.stop().then(() => {
    isStopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(isStopped, false);
  answer();
  await stopped;
  assert.is(outbox.counts.rows, 0);
  await put('too late');
  link.set(true);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(link.sent, ['on its way']);
});

it.run();
