/**
 * Every operation there is, from afar and at the recorder, against the log: it leaves a row, or it stands in a list here of what only tells how the
 * recorder is. A new operation that is in neither fails.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ActRecorder } from '../../../../agent/cloud/act-recorder.js';
import { type LocalParts, localActs } from '../../../../agent/compose/local-acts.js';
import { isLook, withLooks } from '../../../../agent/compose/local-looks.js';
import { CONTROL, type ControlActs, type ControlOp } from '../../../../agent/contract/control.js';
import { OPERATIONS, type OperationName } from '../../../../agent/contract/operations.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { OperationLog } from '../../../../agent/operation-log/ports.js';
import { LogUpkeep } from '../../../../agent/operation-log/upkeep.js';
import type { Ticket } from '../../../../agent/permissions/ticket.js';
import { TestLog } from '../../../support/test-log.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { type OpenLog, withLog } from '../operation-log/open-log.js';

const DANA = { name: 'Dana Example', email: 'dana@example.org' };
const ID = 'A'.repeat(22);
/** Done before it is written down: nothing may hold it up. */
const RESULT_ONLY: ReadonlySet<string> = new Set([
  'permissions.withdraw',
  'incident.open',
  'withdraw',
  'incident-open',
  'log-exported',
  'log-erase',
  'incident-close',
]);

const names = <T extends string>(table: Record<T, unknown>): T[] => Object.keys(table) as T[];

async function rowsBy(log: OpenLog, act: () => Promise<unknown>): Promise<string[]> {
  const { seq } = await log.service.position();
  await act();
  return (await log.service.list({ fromSeq: seq + 1, limit: 99 })).map(({ entry }) =>
    `${entry?.phase} ${entry?.action} ${entry?.result ?? ''}`.trim(),
  );
}

function ticketFor(op: OperationName, kind: string): Ticket {
  const badge = { org: 'O'.repeat(43), amr: ['pwd', 'mfa'], name: DANA.name };
  return {
    kind,
    kid: `${kind} ${op}`,
    person: DANA,
    scope: OPERATIONS[op].scope,
    channel: null,
    grantId: ID,
    badge,
    orgKid: 'O',
  } as unknown as Ticket;
}

test('from afar: each act has a row before and one after, each look and movement of an employee one; of the owner’s own looks only those at others', () =>
  withLog(async (log) => {
    const recorder = new ActRecorder(log.service, log.clock);
    const without: string[] = [];
    for (const op of names(OPERATIONS)) {
      const { who, logged } = OPERATIONS[op];
      for (const kind of who === 'granted' ? ['owner', 'employee'] : [who]) {
        const ticket = ticketFor(op, kind === 'granted' ? 'employee' : kind);
        for (const error of [null, new AgentError({ code: 'command.failed', say: 'x', fix: 'y' })]) {
          const record = { op, ticket, from: { source: 'relay' }, args: {}, commandHash: 'h', note: {} } as const;
          const rows = await rowsBy(log, async () => {
            const intent = await recorder.begin(record);
            await recorder.end(record, intent, error);
            if (error !== null) await recorder.refused(record, error);
          });
          const ended = `result ${op} ${error === null ? 'ok' : 'failed'}`;
          if (logged !== 'act' || RESULT_ONLY.has(op)) {
            if (rows.length === 0) without.push(`${op} by ${kind}`);
            else assert.equal(rows, [ended], `${op} by ${kind}`);
          } else assert.equal(rows, [`intent ${op}`, ended], `${op} by ${kind}`);
        }
      }
    }
    const ownLooks = names(OPERATIONS).filter(
      (op) => OPERATIONS[op].logged === 'look' && ['owner', 'granted'].includes(OPERATIONS[op].who),
    );
    assert.equal(without.sort(), ownLooks.map((op) => `${op} by owner`).sort());
  }));

const OWNER_READS: readonly OperationName[] = ['log.list', 'log.people', 'log.visits', 'log.export', 'ledger.get'];

test('what shows the owner whom others were has one row per device of his and quarter of an hour, however often a page asks', () =>
  withLog(async (log) => {
    const clock = new VirtualClock();
    const recorder = new ActRecorder(log.service, clock);
    const look = async (op: OperationName, kid: string): Promise<void> => {
      const ticket = { ...ticketFor(op, 'owner'), kid } as Ticket;
      const record = { op, ticket, from: { source: 'relay' }, args: {}, commandHash: 'h', note: {} } as const;
      await recorder.end(record, await recorder.begin(record), null);
    };
    assert.equal(
      names(OPERATIONS)
        .filter((op) => OPERATIONS[op].logged === 'reading')
        .sort(),
      [...OWNER_READS].sort(),
    );
    // A page that is open for 14 minutes asks every 15 s.
    const page = async (): Promise<void> => {
      for (let asked = 0; asked < 56; asked += 1) {
        await look('log.list', 'phone');
        await clock.advance(15_000);
      }
    };
    assert.equal(await rowsBy(log, page), ['result log.list ok']);
    assert.equal(await rowsBy(log, () => look('log.list', 'tablet')), ['result log.list ok'], 'another device is another look');
    await clock.advance(60_000);
    assert.equal(await rowsBy(log, () => look('log.list', 'phone')), ['result log.list ok']);
    for (const op of OWNER_READS.slice(1)) assert.equal(await rowsBy(log, () => look(op, 'phone')), [`result ${op} ok`]);
    const [row] = await log.service.list({ action: 'log.people', limit: 1 });
    assert.equal([row?.person?.name, row?.entry?.actor.kind], [DANA.name, 'owner']);
  }));

test('a look whose row could not be written does not stand for those after it, from afar and at the recorder', () =>
  withLog(async (log) => {
    let isFull = true;
    const append: OperationLog['append'] = (entry, person) =>
      isFull ? Promise.reject(new AgentError({ code: 'log.unwritable', say: 'x', fix: 'y' })) : log.service.append(entry, person);
    const recorder = new ActRecorder({ append } as OperationLog, log.clock);
    const acts = withLooks({ operationLog: { append }, clock: log.clock, log: new TestLog() }, {
      permissions: async () => ({ now: 1, site: null, grants: [], applications: [] }),
    } as unknown as ControlActs);
    const looks = async (): Promise<void> => {
      for (const op of ['config.get', 'ptz.move'] as const) {
        const record = { op, ticket: ticketFor(op, 'employee'), from: { source: 'relay' }, args: {}, commandHash: 'h', note: {} } as const;
        assert.is((await recorder.end(record, undefined, null)) === null, isFull, 'it is answered all the same');
      }
      await acts.permissions({}, 'local');
    };
    assert.equal(await rowsBy(log, looks), []);
    isFull = false;
    assert.equal(await rowsBy(log, looks), ['result config.get ok', 'result ptz.move ok', 'result permissions.list ok']);
  }));

/** Answers whatever is asked of it: what an act does is not looked at here, only what it writes. */
function anything(special: object = {}): unknown {
  const answer: unknown = new Proxy(function call() {}, {
    get: (_target, name) => {
      if (Object.hasOwn(special, name)) return (special as Record<PropertyKey, unknown>)[name];
      if (name === 'then') return undefined;
      if (name === Symbol.iterator) return [][Symbol.iterator];
      if (name === Symbol.toPrimitive || name === 'toJSON') return () => 'x';
      return anything();
    },
    apply: () => anything(),
  });
  return answer;
}

async function actsOver(log: OpenLog): Promise<ControlActs> {
  const { service: operationLog, clock } = log;
  const rule = { days: 365, rows: 200_000, isHeld: false };
  const technicalLog = new TestLog();
  const store = { load: async () => rule, save: async () => undefined };
  const upkeep = new LogUpkeep({ log: operationLog, store, onNearlyFull: () => undefined, clock, technicalLog });
  const incident = { v: 1, openSince: 1, seq: 1, wasHeld: true };
  const stores = anything({ state: anything({ get: async () => incident, scrub: async () => [], keys: async () => [] }) });
  const owner = { devices: [], consent: { by: { name: 'Olivia Example', email: 'olivia@example.org' } } };
  const permissions = anything({ owner, list: () => ({ grants: [], applications: [], devices: [] }) });
  const parts = anything({ operationLog, upkeep, clock, log: technicalLog, stores, permissions, ledger: { between: async () => [] } });
  return localActs(parts as LocalParts);
}

test('at the recorder: each act has its rows, each look one in a quarter of an hour; only the status has none', () =>
  withLog(async (log) => {
    const acts = await actsOver(log);
    await log.service.append({ action: 'config.get', phase: 'result', source: 'relay', actor: 'employee', result: 'ok' }, DANA);
    const ref = (await log.service.findSubjects('dana'))[0]?.ref ?? '';
    const args = {
      ref,
      note: 'x',
      days: 40,
      kid: ID,
      cam: 'cam-1',
      cameras: [],
      details: false,
      people: false,
      text: '',
      fromDay: null,
      toDay: null,
      forMs: 1,
    };
    const without: ControlOp[] = [];
    for (const op of names(CONTROL)) {
      const act = acts[op] as (args: unknown, source: string) => Promise<unknown>;
      const ask = (): Promise<unknown> => act(args, 'local').catch(() => undefined);
      const rows = await rowsBy(log, ask);
      if (rows.length === 0) without.push(op);
      else if (CONTROL[op].isAct && !RESULT_ONLY.has(op)) assert.match(rows[0] ?? '', /^intent /, op);
      else
        assert.ok(
          rows.some((row) => row.startsWith('result ')),
          op,
        );
      assert.is(isLook(op), !CONTROL[op].isAct && op !== 'status');
      if (isLook(op)) assert.equal(await rowsBy(log, ask), [], `${op} again is the same look`);
    }
    assert.equal(without, ['status']);
  }));

test.run();
