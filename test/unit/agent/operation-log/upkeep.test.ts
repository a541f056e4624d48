import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { createLog } from '../../../../agent/kernel/log.js';
import { DEFAULT_RETENTION, type RetentionRule } from '../../../../agent/operation-log/retention.js';
import { LogUpkeep } from '../../../../agent/operation-log/upkeep.js';
import { codeOf } from '../store/scratch.js';
import { type OpenLog, withLog } from './open-log.js';

const DAY_MS = 86_400_000;
const OWNER = { actor: 'owner', source: 'relay' } as const;

async function fill(log: OpenLog, rows: number): Promise<void> {
  await Promise.all(
    Array.from({ length: rows }, () =>
      log.service.append({ action: 'config.get', phase: 'result', source: 'relay', actor: 'owner', result: 'ok' }),
    ),
  );
  await log.service.seal();
}

function upkeepOf(log: OpenLog, kept: { rule?: RetentionRule } = {}) {
  const warnings: number[] = [];
  const upkeep = new LogUpkeep({
    log: log.service,
    store: { load: async () => kept.rule, save: async (rule) => void Object.assign(kept, { rule }) },
    onNearlyFull: () => warnings.push(1),
    clock: log.clock,
    technicalLog: createLog({ level: 'error', clock: log.clock, format: 'json', write: (line) => log.lines.push(line) }),
  });
  return { upkeep, warnings };
}

test('by default 365 days or 200 000 rows; what the owner chose is written down, kept and used at once', () =>
  withLog(async (log) => {
    await fill(log, 80);
    log.clock.at += 40 * DAY_MS;
    const kept: { rule?: RetentionRule } = {};
    const { upkeep } = upkeepOf(log, kept);
    await upkeep.start();
    await upkeep.settled();
    assert.equal(upkeep.rule, DEFAULT_RETENTION);
    assert.is((await log.service.list({ limit: 1 }))[0]?.seq, 1, 'nothing was taken');
    await upkeep.choose({ days: 30 }, OWNER);
    await upkeep.settled();
    assert.is(kept.rule?.days, 30);
    assert.ok(((await log.service.list({ limit: 1 }))[0]?.seq ?? 0) > 80);
    const rows = await log.service.list({ limit: 10, action: 'log.retention' });
    assert.equal(
      rows.map(({ entry }) => entry?.phase),
      ['intent', 'result'],
    );
    assert.is(rows[0]?.entry?.actor.kind, 'owner');
    assert.ok((await log.service.verify()).isOk);
    await upkeep.stop();
  }));

test('while a legal hold stands nothing goes; when it is lifted the rule counts again', () =>
  withLog(async (log) => {
    await fill(log, 80);
    log.clock.at += 40 * DAY_MS;
    const { upkeep } = upkeepOf(log, { rule: { days: 30, rows: 10_000, isHeld: true } });
    await upkeep.start();
    await upkeep.settled();
    assert.is((await log.service.list({ limit: 1 }))[0]?.seq, 1);
    await upkeep.choose({ isHeld: false }, OWNER);
    await upkeep.settled();
    assert.ok(((await log.service.list({ limit: 1 }))[0]?.seq ?? 0) > 80);
    await upkeep.stop();
  }));

test('at 80 % the owner is told, once a month, over restarts too', () =>
  withLog(async (log) => {
    await fill(log, 85);
    const { upkeep, warnings } = upkeepOf(log, { rule: { days: 365, rows: 100, isHeld: false } });
    await upkeep.start();
    await upkeep.settled();
    upkeep.look();
    await upkeep.settled();
    assert.is(warnings.length, 1);
    assert.is((await log.service.list({ limit: 5, action: 'security.log-capacity' })).length, 1);
    await upkeep.stop();
  }));

test('a rule that cannot be stored does not count, and the log says that it failed; a hold counts all the same', () =>
  withLog(async (log) => {
    const full = new AgentError({ code: 'store.full', say: 'The disk is full.', fix: 'Make room.' });
    const { upkeep } = upkeepOf(log);
    await upkeep.start();
    const failing = new LogUpkeep({
      ...{ log: log.service, clock: log.clock, onNearlyFull: () => undefined },
      store: { load: async () => undefined, save: () => Promise.reject(full) },
      technicalLog: createLog({ level: 'error', clock: log.clock, format: 'json', write: () => undefined }),
    });
    assert.is(await codeOf(failing.choose({ days: 30, isHeld: true }, OWNER)), 'store.full');
    assert.equal([failing.rule.days, failing.rule.isHeld], [365, true]);
    const [row] = await log.service.list({ limit: 1, newestFirst: true });
    assert.equal([row?.entry?.action, row?.entry?.result, row?.entry?.code], ['log.retention', 'failed', 'store.full']);
    await upkeep.stop();
  }));

test.run();
