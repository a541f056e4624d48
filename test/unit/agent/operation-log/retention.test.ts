import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  DEFAULT_RETENTION,
  fullness,
  mayGoUpTo,
  PRUNE_STEP_ROWS,
  type RetentionFacts,
  type RetentionRule,
  tooOldAt,
} from '../../../../agent/operation-log/retention.js';
import { inFolder } from '../store/scratch.js';
import { type OpenLog, openLog, withLog } from './open-log.js';

const RULE: RetentionRule = { days: 30, rows: 10_000, isHeld: false };
const FACTS: RetentionFacts = { nowAt: 0, firstSeq: 1, lastSeq: 100, lastTooOldSeq: 0, oldestOpenSeq: undefined };
const DAY_MS = 86_400_000;

test('rows go by age, by number, or not at all', () => {
  assert.is(mayGoUpTo(RULE, FACTS), 0);
  assert.is(mayGoUpTo(RULE, { ...FACTS, lastTooOldSeq: 40 }), 40);
  assert.is(mayGoUpTo(RULE, { ...FACTS, lastSeq: 10_007 }), 7);
  assert.is(mayGoUpTo(RULE, { ...FACTS, lastSeq: 10_007, lastTooOldSeq: 40 }), 40);
  assert.is(mayGoUpTo({ ...RULE, isHeld: true }, { ...FACTS, lastTooOldSeq: 40 }), 0, 'a legal hold');
  assert.is(mayGoUpTo(RULE, { ...FACTS, firstSeq: 0, lastSeq: 0 }), 0, 'an empty log');
  assert.is(mayGoUpTo(RULE, { ...FACTS, lastTooOldSeq: 40, oldestOpenSeq: 31 }), 30, 'an act that is under way stays');
  assert.is(mayGoUpTo(RULE, { ...FACTS, firstSeq: 31, lastTooOldSeq: 40, oldestOpenSeq: 31 }), 0);
  assert.is(mayGoUpTo(RULE, { ...FACTS, lastSeq: 90_000, lastTooOldSeq: 60_000 }), PRUNE_STEP_ROWS, 'a step at a time');
  assert.is(tooOldAt(DEFAULT_RETENTION, 400 * DAY_MS), 35 * DAY_MS);
  assert.is(fullness(RULE, { firstSeq: 1, lastSeq: 8_000 }), 0.8);
});

test('never a young row within the number, never one that is held or under way', () => {
  const facts = fc.record({
    firstSeq: fc.integer({ min: 1, max: 50_000 }),
    rows: fc.integer({ min: 0, max: 50_000 }),
    old: fc.integer({ min: 0, max: 60_000 }),
    open: fc.option(fc.integer({ min: 1, max: 60_000 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(facts, ({ firstSeq, rows, old, open }) => {
      const lastSeq = firstSeq + rows;
      const upTo = mayGoUpTo(RULE, { nowAt: 0, firstSeq, lastSeq, lastTooOldSeq: Math.min(old, lastSeq), oldestOpenSeq: open });
      if (upTo === 0) return;
      assert.ok(upTo >= firstSeq && upTo <= lastSeq);
      assert.ok(upTo <= old || lastSeq - upTo >= RULE.rows);
      assert.ok(open === undefined || upTo < open);
    }),
  );
});

const DANA = { name: 'Dana K', email: 'dana@installer.example' };
const MILO = { name: 'Milo P', email: 'milo@installer.example' };

/** `count` rows by a person, with their checkpoints. */
async function rowsBy(log: OpenLog, count: number, person: typeof DANA): Promise<void> {
  for (let at = 0; at < count; at += 1)
    await log.service.append(
      { action: 'config.get', phase: 'result', source: 'relay', actor: 'employee', result: 'ok', after: { at } },
      person,
    );
  await log.service.seal();
}

test('a shortened log verifies, says that it was shortened, and forgets persons who stand in no other row', () =>
  withLog(async (log) => {
    await rowsBy(log, 70, DANA);
    log.clock.at += 31 * DAY_MS;
    await rowsBy(log, 10, MILO);
    assert.is(await log.service.prune({ ...RULE, isHeld: true }), 0);
    const before = await log.service.position();
    const taken = await log.service.prune(RULE);
    assert.is(taken, 71, 'the start and 70 rows');
    const report = await log.service.verify();
    assert.ok(report.isOk, report.problem?.say);
    assert.is(report.rows, 11);
    assert.is(report.size, before.seq + 1);
    const [newest] = await log.service.list({ limit: 1, newestFirst: true });
    assert.is(newest?.entry?.action, 'log.pruned');
    assert.is(newest?.entry?.object, '71');
    assert.equal(await log.service.findSubjects('dana'), []);
    assert.is((await log.service.findSubjects('milo')).length, 1);
    assert.is(await log.service.prune(RULE), 0, 'nothing more to do');
  }));

test('the shortened log goes on after a restart', () =>
  inFolder(async (folder) => {
    const first = await openLog(folder);
    await rowsBy(first, 70, DANA);
    first.clock.at += 31 * DAY_MS;
    await first.service.prune(RULE);
    await first.close();
    const second = await openLog(folder, { bootId: 'boot-2' });
    await rowsBy(second, 3, DANA);
    const report = await second.service.verify();
    assert.ok(report.isOk, report.problem?.say);
    await second.close();
  }));

test('rows deleted from the beginning behind an old checkpoint are missed: no row says that the rule took them', () =>
  withLog(async (log) => {
    await rowsBy(log, 70, DANA);
    await rowsBy(log, 5, MILO);
    const [held] = await log.database.all('SELECT * FROM checkpoint ORDER BY size LIMIT 1');
    await log.database.write(async (tx) => {
      await tx.run('DELETE FROM private_detail WHERE seq <= ?', [held?.size ?? 0]);
      await tx.run('DELETE FROM entry WHERE seq <= ?', [held?.size ?? 0]);
      await tx.run('DELETE FROM checkpoint WHERE size < ?', [held?.size ?? 0]);
      await tx.run('INSERT INTO anchor(size, head, peaks, sig) SELECT size, head, peaks, sig FROM checkpoint WHERE size = ?', [
        held?.size ?? 0,
      ]);
    });
    const report = await log.service.verify();
    assert.is(report.problem?.kind, 'anchor');
  }));

test('who is forgotten with the oldest rows: exactly those who stand in none of the others, over restarts too', () =>
  inFolder(async (folder) => {
    const of = (number: number) => ({ name: `Person ${number}`, email: `p${number}@x.example` });
    for (let run = 0; run < 4; run += 1) {
      const log = await openLog(folder, { bootId: `boot-${run}` });
      // Some for a long time, some once, some early and again at the end.
      for (let block = 0; block < 8; block += 1)
        await Promise.all(
          Array.from({ length: 100 }, (_, n) => {
            const number = n === 0 ? 1_000 + run * 8 + block : (block * 7 + run * 3 + (n % 3)) % 23;
            return log.service.append(
              { action: 'config.get', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' },
              of(number),
            );
          }),
        );
      await log.service.seal();
      while ((await log.service.prune({ days: 3_650, rows: 700, isHeld: false })) > 0);
      const standing = new Set((await listAll(log)).flatMap(({ person }) => (person === null ? [] : [person.email])));
      const known = new Set((await log.service.findSubjects('')).map(({ email }) => email));
      assert.equal([...known].sort(), [...standing].sort());
      assert.ok((await log.service.verify()).isOk);
      await log.close();
    }
  }));

async function listAll(log: OpenLog) {
  const [first] = await log.service.list({ limit: 1 });
  const rows = await Promise.all([0, 1].map((page) => log.service.list({ limit: 1_000, fromSeq: (first?.seq ?? 1) + page * 1_000 })));
  return [...(rows[0] ?? []).slice(0, 1_000), ...(rows[1] ?? [])];
}

test('an anchor whose state the recorder never signed is found', () =>
  withLog(async (log) => {
    await rowsBy(log, 70, DANA);
    log.clock.at += 31 * DAY_MS;
    await log.service.prune(RULE);
    await log.database.write(async (tx) => void (await tx.run('UPDATE anchor SET peaks = zeroblob(length(peaks))')));
    assert.is((await log.service.verify()).problem?.kind, 'anchor');
  }));

test.run();
