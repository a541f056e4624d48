import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type LogCare, logCareHandlers } from '../../../../agent/cloud/handlers/log-care.js';
import type { LogKept } from '../../../../agent/contract/log-views.js';
import { OPERATIONS, type OperationName } from '../../../../agent/contract/operations.js';
import { newId } from '../../../../agent/contract/text.js';
import type { OperationLog } from '../../../../agent/operation-log/ports.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import { ADA, type Desk, openDesk } from './desk-rig.js';

const it = suite('the owner’s care of the log');
const KEPT: LogKept = { days: 365, rows: 200_000, isHeld: false, fullness: 0.1, incidentSince: null };
const REF = newId();

async function openRig(change: Partial<LogCare> = {}): Promise<{ desk: Desk; asked: unknown[] }> {
  const asked: unknown[] = [];
  const note =
    <T>(what: string, answer: T) =>
    async (...args: unknown[]): Promise<T> => {
      asked.push([what, ...args]);
      return answer;
    };
  const care: LogCare = {
    ledgerDays: note('ledger', { now: 1, lines: [], sessions: [], isMore: false }),
    visits: note('visits', { now: 1, visits: [], isMore: false }),
    people: note('people', { people: [], isMore: false }),
    exportPiece: note('export', { text: '{}\n', to: 4, next: null }),
    erasePerson: note('erase', { ref: REF, seq: 9, details: 2, stillIn: [] }),
    kept: async () => KEPT,
    choose: note('choose', { ...KEPT, days: 30, isHeld: true }),
    openIncident: note('open', { at: 1, seq: 7, grants: 2, sessionsEnded: 1, left: [] }),
    closeIncident: note('close', { seq: 8 }),
    ...change,
  };
  const operationLog = {
    witnessed: note('witnessed', { problem: null, checkpoint: null, path: null, beginsAt: 3 }),
    prove: note('prove', { checkpoint: { jws: 'j'.repeat(30) }, row: { seq: 2, body: '{}', path: ['a'.repeat(64)] }, path: null }),
  } as unknown as Pick<OperationLog, 'witnessed' | 'prove'>;
  return { desk: await openDesk(logCareHandlers({ operationLog, care })), asked };
}

const rowsOf = (desk: Desk): unknown[] =>
  desk.rows.map(({ action, phase, actor, person, object, before, after, result }) =>
    JSON.parse(JSON.stringify({ action, phase, actor, who: person?.name, object, before, after, result })),
  );

it('an erasure is an act of the owner, with who is erased by reference only', async () => {
  const { desk, asked } = await openRig();
  assert.equal((await desk.ask('log.erase', { ref: REF }, desk.owner)).body, { ref: REF, seq: 9, details: 2, stillIn: [] });
  assert.equal(asked, [['erase', REF, { source: 'relay', actor: 'owner', person: ADA }]]);
  assert.equal(rowsOf(desk), [
    { action: 'log.erase', phase: 'intent', actor: 'owner', who: ADA.name },
    { action: 'log.erase', phase: 'result', actor: 'owner', who: ADA.name, object: REF, after: { details: 2 }, result: 'ok' },
  ]);
});

it('how long the log is kept: read without a row, changed with before and after', async () => {
  const { desk } = await openRig();
  assert.equal((await desk.ask('log.kept', {}, desk.owner)).body, KEPT);
  assert.equal(desk.rows, []);
  assert.equal((await desk.ask('log.retention', { days: 30, isHeld: true }, desk.owner)).body, { ...KEPT, days: 30, isHeld: true });
  assert.equal(rowsOf(desk)[1], {
    ...{ action: 'log.retention', phase: 'result', actor: 'owner', who: ADA.name, result: 'ok' },
    ...{ before: { days: 365, rows: 200_000, isHeld: false }, after: { days: 30, rows: 200_000, isHeld: true } },
  });
  for (const args of [{ days: 29 }, { days: 3_651 }, { rows: 9_999 }, { rows: 1_000_001 }, { days: 30.5 }])
    assert.is((await desk.ask('log.retention', args, desk.owner)).error?.code, 'message.invalid', JSON.stringify(args));
});

it('an incident is stopped first and written down after: a disk that is full keeps nothing running', async () => {
  const { desk, asked } = await openRig();
  desk.disk = async () => {
    throw new RangeError('full');
  };
  assert.equal((await desk.ask('incident.open', { note: 'broken into' }, desk.owner)).body, {
    at: 1,
    seq: 7,
    grants: 2,
    sessionsEnded: 1,
    left: [],
  });
  assert.equal(asked, [['open', 'broken into']]);
  desk.disk = async () => undefined;
  await desk.ask('incident.open', { note: 'broken into' }, desk.owner);
  assert.equal(rowsOf(desk), [
    {
      ...{ action: 'incident.open', phase: 'result', actor: 'owner', who: ADA.name, object: '7', result: 'ok' },
      after: { note: 'broken into', grants: 2, sessionsEnded: 1, left: [] },
    },
  ]);
});

it('witness and proof leave no row, ledger, people and export one each; a ledger of more than a month does not fit', async () => {
  const { desk, asked } = await openRig();
  await desk.ask('ledger.get', { fromDay: null, toDay: null }, desk.owner);
  await desk.ask('ledger.get', { fromDay: 100, toDay: 130 }, desk.owner);
  assert.is((await desk.ask('ledger.get', { fromDay: 100, toDay: 131 }, desk.owner)).error?.code, 'ledger.too_long');
  await desk.ask('log.people', { text: 'da' }, desk.owner);
  const place = { to: 4, seq: 2, ref: null, skip: 0 };
  for (const from of [null, place])
    assert.equal((await desk.ask('log.export', { from }, desk.owner)).body, { text: '{}\n', to: 4, next: null });
  const held = `${'a'.repeat(30)}.b.c`;
  assert.equal((await desk.ask('log.witness', { checkpoint: held, by: 'relay' }, desk.owner)).body, {
    ...{ problem: null, checkpoint: null, path: null, beginsAt: 3 },
  });
  const proof = (await desk.ask('log.proof', { seq: 2, earlier: null }, desk.owner)).body;
  assert.equal(proof, { checkpoint: 'j'.repeat(30), row: { seq: 2, body: '{}', path: ['a'.repeat(64)] }, path: null });
  assert.equal(asked, [
    ['ledger', { fromDay: null, toDay: null }, 60],
    ['ledger', { fromDay: 100, toDay: 130 }, 60],
    ['people', 'da', 100],
    ['export', null],
    ['export', place],
    ['witnessed', 'relay', held],
    ['prove', { seq: 2, earlier: null }],
  ]);
  assert.equal(
    rowsOf(desk).map(
      (row) => (row as { action: string; result: string }).action + ((row as { result: string }).result === 'ok' ? '' : ' refused'),
    ),
    ['ledger.get', 'ledger.get refused', 'log.people', 'log.export'],
  );
});

it('none of it is for anybody else', async () => {
  const { desk, asked } = await openRig();
  const dana = await newSigningKey();
  const { id: grant } = await desk.give({ scopes: ['site-information', 'health', 'remote-configuration'] });
  const args: { readonly [Name in OperationName]?: unknown } = {
    ...{
      'log.witness': { checkpoint: null, by: 'owner' },
      'log.proof': { seq: 1, earlier: null },
      'log.people': { text: '' },
      'log.erase': { ref: REF },
    },
    ...{ 'log.kept': {}, 'log.retention': { days: 30 }, 'ledger.get': { fromDay: null, toDay: null } },
    ...{ 'incident.open': { note: 'x' }, 'incident.close': { note: 'x' } },
  };
  for (const [op, wish] of Object.entries(args) as [OperationName, unknown][]) {
    assert.is(OPERATIONS[op].who, 'owner');
    assert.match(
      (await desk.ask(op, wish, dana, { grant })).error?.code ?? 'answered',
      /^(permissions\.not_owner|command\.cool_down)$/,
      op,
    );
  }
  assert.equal(asked, []);
});

it.run();
