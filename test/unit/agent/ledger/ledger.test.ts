import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BookedMedia, bookConnection, bookedLink, classOf } from '../../../../agent/compose/booked.js';
import { topics } from '../../../../agent/contract/topics.js';
import { createLog } from '../../../../agent/kernel/log.js';
import { Ledger } from '../../../../agent/ledger/ledger.js';
import { type ConsentFacts, dayOf, LEAVING, type LedgerLine, mayLeave, totals } from '../../../../agent/ledger/policy.js';
import { LedgerStore } from '../../../../agent/store/ledger-store.js';
import { codeOf, ManualClock, withDatabase } from '../store/scratch.js';

const OWNED: ConsentFacts = { hasOwner: true, isOperatorAgreed: true };
const quiet = (clock: ManualClock) => createLog({ level: 'error', clock, format: 'json', write: () => undefined });

test('before the owner consents only what says that the recorder is there, and what makes consenting possible', () => {
  const before = LEAVING.filter((what) => mayLeave(what, 'relay', { hasOwner: false, isOperatorAgreed: true }));
  assert.equal(before, ['status', 'pairing', 'identity', 'answer', 'time', 'connection']);
  for (const what of LEAVING) {
    assert.ok(mayLeave(what, 'relay', OWNED), what);
    assert.not.ok(mayLeave(what, 'relay', { ...OWNED, isOperatorAgreed: false }), `${what} to another relay`);
    assert.ok(mayLeave(what, 'lan', { ...OWNED, isOperatorAgreed: false }), `${what} on site`);
  }
});

test('sums are kept by day, class and destination, also when writing failed for a while', () =>
  withDatabase(async (database) => {
    const clock = new ManualClock();
    const ledger = new Ledger({
      store: new LedgerStore(database),
      consent: () => OWNED,
      onRefused: () => undefined,
      clock,
      log: quiet(clock),
    });
    await ledger.start();
    ledger.book('status', 'relay', 300);
    ledger.book('status', 'relay', 200);
    ledger.book('media', 'viewer', 1_000_000, 900);
    await database.write(async (tx) => void (await tx.run('ALTER TABLE ledger RENAME TO away')));
    await ledger.flush();
    ledger.book('status', 'relay', 1);
    await database.write(async (tx) => void (await tx.run('ALTER TABLE away RENAME TO ledger')));
    const today = dayOf(clock.at);
    clock.at += 86_400_000;
    ledger.book('status', 'relay', 7);
    assert.equal(await ledger.between(today, today), [
      { day: today, what: 'media', to: 'viewer', messages: 900, bytes: 1_000_000 },
      { day: today, what: 'status', to: 'relay', messages: 3, bytes: 501 },
    ]);
    assert.equal(
      totals(await ledger.between(today, today + 1)).map(({ what, bytes }) => [what, bytes]),
      [
        ['media', 1_000_000],
        ['status', 508],
      ],
    );
    await ledger.stop();
  }));

test('what the consent does not cover does not leave, and that is told once an hour', () =>
  withDatabase(async (database) => {
    const clock = new ManualClock();
    const told: string[] = [];
    const consent = { hasOwner: false, isOperatorAgreed: true };
    const parts = {
      store: new LedgerStore(database),
      consent: () => consent,
      onRefused: (what: string) => told.push(what),
      clock,
      log: quiet(clock),
    };
    const ledger = new Ledger(parts);
    for (let at = 0; at < 3; at += 1) assert.is(await codeOf((async () => ledger.ask('log', 'relay'))()), 'ledger.outside_consent');
    ledger.ask('status', 'relay');
    assert.equal(told, ['log']);
  }));

test('no booking is lost or counted twice, in whatever order it is booked and written', async () => {
  const steps = fc.array(fc.oneof(fc.record({ what: fc.constantFrom(...LEAVING), bytes: fc.nat(5_000) }), fc.constant('flush' as const)), {
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (run) => {
      const kept = new Map<string, number>();
      const clock = new ManualClock();
      const store = {
        add: async (lines: readonly { what: string; bytes: number }[]) => {
          for (const { what, bytes } of lines) kept.set(what, (kept.get(what) ?? 0) + bytes);
        },
        between: async () => [],
        prune: async () => undefined,
      };
      const ledger = new Ledger({ store, consent: () => OWNED, onRefused: () => undefined, clock, log: quiet(clock) });
      const sums = new Map<string, number>();
      for (const step of run) {
        if (step === 'flush') void ledger.flush();
        else {
          ledger.book(step.what, 'relay', step.bytes);
          sums.set(step.what, (sums.get(step.what) ?? 0) + step.bytes);
        }
      }
      await ledger.flush();
      assert.equal(new Map([...kept].sort()), new Map([...sums].sort()));
    }),
  );
});

interface Booked {
  readonly ledger: Ledger;
  readonly clock: ManualClock;
  readonly writings: LedgerLine[][];
  /** Ten minutes later, as the ledger sees it. */
  later(times?: number): Promise<void>;
}

async function withLedger(body: (booked: Booked) => Promise<void>): Promise<void> {
  const writings: LedgerLine[][] = [];
  const store = {
    add: async (lines: readonly LedgerLine[]) => void writings.push([...lines]),
    between: async () => [],
    prune: async () => undefined,
  };
  const clock = new ManualClock();
  let nowMs = 0;
  clock.monotonicMs = () => nowMs;
  const ledger = new Ledger({ store, consent: () => OWNED, onRefused: () => undefined, clock, log: quiet(clock) });
  await ledger.start();
  const later = async (times = 1): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      nowMs += 600_000;
      clock.fire();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await body({ ledger, clock, writings, later });
  await ledger.stop();
}

test('small sums are written once an hour, large ones within ten minutes, the last ones at the stop: flash wears by writings', () =>
  withLedger(async ({ ledger, writings, later }) => {
    await later(12);
    assert.equal(writings, [], 'nothing left, nothing is written');
    ledger.book('status', 'relay', 900);
    await later(6);
    assert.is(writings.length, 1);
    ledger.book('connection', 'relay', 900, 0);
    await later(5);
    assert.is(writings.length, 1);
    ledger.book('media', 'viewer', 70_000, 60);
    await later();
    assert.is(writings.length, 2);
    ledger.book('status', 'relay', 1);
    await ledger.stop();
    assert.equal(
      writings.map((lines) => lines.reduce((sum, { bytes }) => sum + bytes, 0)),
      [900, 70_900, 1],
    );
  }));

test('what a socket wrote beyond its messages is booked as the connection: sums are those of the socket, also when it lags behind', () =>
  withLedger(async ({ ledger, writings }) => {
    let sent = 0;
    bookConnection(ledger, 'relay', () => sent);
    sent = 40;
    await ledger.flush();
    ledger.book('status', 'relay', 100);
    ledger.book('status', 'lan', 7);
    // Handed over and not written yet.
    sent = 90;
    await ledger.flush();
    sent = 175;
    await ledger.flush();
    const relay = writings.flat().filter(({ to }) => to === 'relay');
    assert.equal(
      relay.map(({ what, bytes, messages }) => [what, bytes, messages]),
      [
        ['connection', 40, 0],
        ['status', 100, 1],
        ['connection', 35, 0],
      ],
    );
    assert.is(ledger.bookedBytes('relay'), 175);
  }));

test('pictures are booked while they run and once in all, over midnight too', () =>
  withLedger(async ({ ledger, clock, writings }) => {
    const running = [
      { sessionId: 'a', bytes: 0, packets: 0 },
      { sessionId: 'b', bytes: 0, packets: 0 },
    ];
    const media = new BookedMedia(ledger, () => running);
    Object.assign(running[0] as object, { bytes: 1_000, packets: 2 });
    await ledger.flush();
    await ledger.flush();
    clock.at += 86_400_000;
    Object.assign(running[0] as object, { bytes: 1_500, packets: 3 });
    Object.assign(running[1] as object, { bytes: 10, packets: 1 });
    await ledger.flush();
    running.length = 0;
    media.ended({ sessionId: 'a', bytes: 1_700, packets: 4 });
    media.ended({ sessionId: 'c', bytes: 5, packets: 1 });
    await ledger.flush();
    assert.equal(
      writings.flat().map(({ day, bytes, messages }) => [day - dayOf(clock.at), bytes, messages]),
      [
        [-1, 1_000, 2],
        [0, 510, 2],
        [0, 205, 2],
      ],
    );
  }));

test('the link: refused before it leaves and told; booked when it is handed over, not when nobody is there', () =>
  withLedger(async ({ ledger }) => {
    const consent = { hasOwner: false, isOperatorAgreed: true };
    const refused: string[] = [];
    const clock = new ManualClock();
    const store = { add: async () => undefined, between: async () => [], prune: async () => undefined };
    const asked = new Ledger({
      store,
      consent: () => consent,
      onRefused: (what, to) => refused.push(`${what} ${to}`),
      clock,
      log: quiet(clock),
    });
    const sent: string[] = [];
    const link = {
      isOnline: true,
      publish: async (topic: string) => {
        sent.push(topic);
        throw new RangeError('no acknowledgement');
      },
      onMessage: () => () => undefined,
      onOnline: () => () => undefined,
    };
    const booked = bookedLink(link, asked);
    const scope = { tenant: 'local', serial: 'SN4F2K7Q9D' };
    assert.is(await codeOf(booked.publish(topics.checkpoint(scope), 'x'.repeat(50))), 'ledger.outside_consent');
    assert.equal([sent, refused, asked.bookedBytes('relay')], [[], ['log relay'], 0]);
    consent.hasOwner = true;
    const topic = topics.checkpoint(scope);
    await booked.publish(topic, 'x'.repeat(50)).catch(() => undefined);
    assert.equal([sent.length, asked.bookedBytes('relay')], [1, topic.length + 50], 'it may have arrived all the same');
    Object.assign(link, { isOnline: false });
    await booked.publish(topic, 'x'.repeat(50)).catch(() => undefined);
    assert.is(asked.bookedBytes('relay'), topic.length + 50);
    assert.is(ledger.bookedBytes('relay'), 0);
  }));

test('every topic of the contract has a class of its own; what is unknown counts as a report', () => {
  const scope = { tenant: 'local', serial: 'SN4F2K7Q9D' };
  const id = 'A'.repeat(22);
  assert.equal(
    [
      topics.status(scope),
      topics.checkpoint(scope),
      topics.reply(scope, id),
      topics.site(scope, id),
      topics.pairUp(scope, id),
      'sl/1/x/y/up/new',
    ].map((topic) => classOf(topic, 9)),
    ['status', 'log', 'answer', 'site', 'pairing', 'report'],
  );
  assert.is(classOf(topics.site(scope, id), 0), 'status', 'taking away is always possible');
});

test.run();
