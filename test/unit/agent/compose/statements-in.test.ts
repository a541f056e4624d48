/** Statements that lie at the relay and come again with every connection: what they do counts at once, and has one row, whatever the disk says. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cancelFrom, withdrawFrom } from '../../../../agent/compose/statements-in.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { EntryInput, Person } from '../../../../agent/operation-log/entry.js';
import { codeOf, EMPLOYEE, give, makeRig, type PermissionRig, signCancellation, signWithdrawal } from '../permissions/permission-rig.js';

const FROM = { source: 'relay' } as const;

interface Site {
  readonly rig: PermissionRig;
  /** Rows as they were handed to the log, and whether the log wrote them. */
  readonly rows: { readonly entry: EntryInput; readonly person: Person | undefined; readonly isWritten: boolean }[];
  readonly sighted: number[];
  readonly parts: Parameters<typeof withdrawFrom>[0];
  isFull: boolean;
}

async function openSite(): Promise<Site> {
  const rig = await makeRig();
  const site: Site = { rig, rows: [], sighted: [], isFull: false, parts: undefined as unknown as Site['parts'] };
  const full = new AgentError({ code: 'store.full', say: 'The disk is full.', fix: 'Make room.' });
  rig.store.beforeSave = () => (site.isFull ? Promise.reject(full) : Promise.resolve());
  const operationLog: Site['parts']['operationLog'] = {
    append: async (entry, person) => {
      site.rows.push({ entry, person, isWritten: !site.isFull });
      if (site.isFull) throw new AgentError({ code: 'log.unwritable', say: 'It cannot be written.', fix: 'Make room.', cause: full });
      return { seq: site.rows.length, head: '' };
    },
  };
  const base = { time: { sighted: (at: number) => void site.sighted.push(at) } } as unknown as Site['parts']['base'];
  return Object.assign(site, { parts: { base, permissions: rig.permissions, operationLog } });
}

const told = ({ rows }: Site): unknown[] =>
  rows.map(({ entry: { action, result, code, after }, person }) =>
    JSON.parse(JSON.stringify({ action, result, code, after, who: person?.name })),
  );

for (const kind of ['some', 'all'] as const)
  test(`a withdrawal of ${kind} on a disk that takes nothing: pictures end at once, the row is handed over once, and never again`, async () => {
    const site = await openSite();
    const { rig, parts } = site;
    const grant = await give(rig);
    rig.sessions.set('s1', grant.id);
    const statement = await signWithdrawal(rig, kind === 'all' ? { all: true } : { ids: [grant.id] });
    site.isFull = true;
    assert.is(await codeOf(withdrawFrom(parts, statement, FROM)), 'store.full', 'it is not said to be stored');
    assert.is(rig.sessions.size, 0);
    const row = {
      action: 'permissions.withdraw',
      result: 'ok',
      code: 'store.full',
      after: { grants: 1, sessionsEnded: 1, lastMediaMs: 0 },
    };
    const who = rig.permissions.owner?.consent.by.name;
    assert.equal(told(site), [{ ...row, who }]);
    // The relay brings it again with the next connection, on the same disk and on one with room.
    assert.is(await codeOf(withdrawFrom(parts, statement, FROM)), 'store.full');
    site.isFull = false;
    assert.is(await codeOf(withdrawFrom(parts, statement, FROM)), 'resolved');
    assert.is(site.rows.length, 1);
    await rig.restart();
    assert.is(rig.permissions.list(null).grants[0]?.state, 'withdrawn');
  });

test('a withdrawal that could be stored and only its row not is no failure: the log owes the row', async () => {
  const site = await openSite();
  const { rig, parts } = site;
  const grant = await give(rig);
  rig.store.beforeSave = async () => undefined;
  site.isFull = true;
  assert.is(await codeOf(withdrawFrom(parts, await signWithdrawal(rig, { ids: [grant.id] }), FROM)), 'resolved');
  assert.equal(
    site.rows.map(({ entry, isWritten }) => [entry.code, isWritten]),
    [[undefined, false]],
  );
  assert.is(site.sighted.length, 1, 'and it proves that its time has passed');
});

test('called-back badges likewise; a list that changes nothing has no row', async () => {
  const site = await openSite();
  const { rig, parts } = site;
  await give(rig);
  const list = await signCancellation(rig, 1, [EMPLOYEE]);
  site.isFull = true;
  assert.is(await codeOf(cancelFrom(parts, list, FROM)), 'store.full');
  site.isFull = false;
  await cancelFrom(parts, list, FROM);
  assert.equal(
    site.rows.map(({ entry }) => [entry.action, entry.code, entry.after?.sessionsEnded]),
    [['permissions.cancel', 'store.full', 0]],
  );
});

test.run();
