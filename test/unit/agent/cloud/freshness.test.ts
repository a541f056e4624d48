import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Sender } from '../../../../agent/cloud/actor.js';
import { judgeAge } from '../../../../agent/cloud/freshness.js';
import { FORGET_AFTER_MS, MOST_KEYS_PER_ORGANISATION, MOST_STRANGERS, ReplayBook } from '../../../../agent/cloud/replay-book.js';
import { newId } from '../../../../agent/contract/text.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { type Desk, openDesk } from './desk-rig.js';

const it = suite('freshness and replay');
const employee = (organisation: string, kid: string): Sender => ({ kind: 'employee', kid, organisation });
const OWNER: Sender = { kind: 'owner', kid: 'owner' };

it('a command is good from 30 s before to 30 s after the moment it names, to the millisecond', () => {
  const ages = [-30_001, -30_000, 0, 30_000, 30_001].map((age) => judgeAge(100_000, 100_000 + age));
  assert.equal(ages, ['ahead', 'fresh', 'fresh', 'fresh', 'too_old']);
});

it('the desk says why, counts each, and tells its own time so that the sender can set his right', async () => {
  const desk = await openDesk();
  await desk.clock.advance(100_000);
  const old = await desk.letter('permissions.list', {}, desk.owner);
  const ahead = await desk.letter('permissions.list', {}, desk.owner, { at: 200_000 });
  const earlier = await desk.letter('permissions.list', {}, desk.owner, { boot: newId() });
  await desk.clock.advance(30_001);
  const errors = [];
  for (const letter of [old, ahead, earlier]) errors.push((await desk.post(letter)).error);
  assert.equal(
    errors.map((error) => [error?.code, error?.retryable, error?.detail]),
    ['too_old', 'ahead', 'stale_boot'].map((reason) => [`command.${reason}`, true, { up: 130_001 }]),
  );
  assert.equal(desk.refused, ['command.too_old', 'command.ahead', 'command.stale_boot']);
  assert.equal(desk.rows, [], 'an app that is asleep is nothing to tell the owner of');
});

it('the signature comes first: a stranger learns nothing of counters, and a forged letter uses up no number', async () => {
  const desk = await openDesk();
  const [stranger, n] = [await newSigningKey(), 7];
  const forged = await desk.letter(
    'permissions.list',
    {},
    { ...stranger, signer: { ...stranger.signer, kid: desk.owner.signer.kid } },
    { n },
  );
  assert.is((await desk.post(forged)).error?.code, 'signature.invalid');
  const own = await desk.letter('permissions.list', {}, desk.owner, { n });
  assert.is((await desk.post(own)).error, null);
  assert.is((await desk.post(own)).error?.code, 'command.replayed');
});

it('two letters with the same number at the same moment: one is carried out', async () => {
  let done = 0;
  const desk = await openDesk({
    'permissions.decline': async () => {
      done += 1;
      return { isDone: true };
    },
  });
  const letters = await Promise.all(
    Array.from({ length: 5 }, () => desk.letter('permissions.decline', { application: newId() }, desk.owner, { n: 9 })),
  );
  const results = await Promise.all(letters.map((letter) => desk.post(letter)));
  assert.is(done, 1);
  assert.equal(results.map(({ error }) => error?.code ?? 'done').sort(), [...Array(4).fill('command.replayed'), 'done']);
});

it('a key is forgotten two minutes after it was last used, and not before', () => {
  const book = new ReplayBook();
  book.take(OWNER, 5, 0);
  assert.is(book.judge(OWNER, 5, FORGET_AFTER_MS), 'seen');
  book.judge(employee('a', 'k'), 1, FORGET_AFTER_MS + 1_001);
  assert.is(book.size, 0);
});

it('one organisation cannot crowd out another, strangers crowd out nobody, and the owner always has room', () => {
  const book = new ReplayBook();
  const fill = (many: number, of: (kid: string) => Sender): void => {
    for (let at = 0; at < many; at += 1) {
      const sender = of(`${at}`);
      if (book.judge(sender, 1, 0) === 'new') book.take(sender, 1, 0);
    }
  };
  fill(5_000, (kid) => employee('a', kid));
  fill(5_000, (kid) => ({ kind: 'applicant', kid }));
  fill(5_000, (kid) => ({ kind: 'bearer', kid: `b${kid}` }));
  assert.is(book.size, MOST_KEYS_PER_ORGANISATION + MOST_STRANGERS);
  assert.is(book.judge(employee('a', 'one more'), 1, 0), 'full');
  assert.is(book.judge(employee('a', '0'), 1, 0), 'seen', 'known keys keep their place');
  assert.is(book.judge(employee('b', 'first'), 1, 0), 'new');
  assert.is(book.judge(OWNER, 1, 0), 'new');
  assert.is(book.judge(employee('a', 'one more'), 1, FORGET_AFTER_MS + 1), 'new', 'two minutes later there is room');
});

/** What a relay may do with a letter: deliver it at any time, any number of times, in any order. */
const delivery = fc.record({ letter: fc.nat(9), afterMs: fc.nat(45_000) });

it('whatever a relay holds back, repeats or swaps: nothing is carried out twice, and nothing that is older than 30 s', () => {
  const letters = fc.array(fc.record({ key: fc.nat(3), n: fc.integer({ min: 1, max: 8 }), at: fc.nat(240_000) }), {
    minLength: 10,
    maxLength: 10,
  });
  fc.assert(
    fc.property(letters, fc.array(delivery, { maxLength: 60 }), (made, deliveries) => {
      const book = new ReplayBook();
      const done = new Set<string>();
      let nowMs = 0;
      for (const { letter, afterMs } of deliveries) {
        nowMs += afterMs;
        const { key, n, at } = made[letter] ?? { key: 0, n: 1, at: 0 };
        const sender = key === 0 ? OWNER : employee(key === 1 ? 'a' : 'b', `k${key}`);
        if (judgeAge(at, nowMs) !== 'fresh' || book.judge(sender, n, nowMs) !== 'new') continue;
        book.take(sender, n, nowMs);
        // The same letter is meant: another one with its number may be taken once the key is forgotten.
        if (done.has(`${letter}`) || nowMs - at > 30_000) return false;
        done.add(`${letter}`);
      }
      return true;
    }),
    { numRuns: 1_000 },
  );
});

it('the same at the desk, with real letters', async () => {
  const seen = new Set<number>();
  const wrong: string[] = [];
  const desk: Desk = await openDesk((own) => ({
    'permissions.decline': async ({ application }) => {
      const madeAt = Number(application);
      if (own.up() - madeAt > 30_000) wrong.push('too old');
      if (seen.has(madeAt)) wrong.push('a second time');
      seen.add(madeAt);
      return { isDone: true };
    },
  }));
  await fc.assert(
    fc.asyncProperty(fc.array(delivery, { minLength: 5, maxLength: 15 }), async (deliveries) => {
      const letters = new Map<number, { id: string; text: string }>();
      for (const { letter, afterMs } of deliveries) {
        if (!letters.has(letter)) {
          await desk.clock.advance(1);
          const application = String(desk.up()).padStart(22, '0');
          letters.set(letter, await desk.letter('permissions.decline', { application }, desk.owner));
        }
        await desk.clock.advance(afterMs);
        await desk.post(letters.get(letter) ?? { id: '', text: '' });
      }
    }),
    { numRuns: 15 },
  );
  assert.equal(wrong, []);
  assert.ok(seen.size > 10, 'some were carried out');
});

it.run();
