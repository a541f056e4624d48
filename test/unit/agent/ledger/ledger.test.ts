import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../../../agent/kernel/log.js';
import { Ledger } from '../../../../agent/ledger/ledger.js';
import { type ConsentFacts, dayOf, LEAVING, mayLeave, totals } from '../../../../agent/ledger/policy.js';
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

test.run();
