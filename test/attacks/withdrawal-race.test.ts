import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Grant } from '../../agent/contract/statements.js';
import { newId } from '../../agent/contract/text.js';
import {
  gate,
  give,
  makeRig,
  newGrant,
  type PermissionRig,
  signGrant,
  signWithdrawal,
  ticketFor,
  verdict,
} from '../unit/agent/permissions/permission-rig.js';

/** Attack 11 of the list: a withdrawal while something is being checked, begun or stored. */
const it = suite('Withdrawal race');

/** Repeatable random numbers below `below` (xorshift), so that a failure can be run again. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Lets a random number of turns go by: promise jobs, or whole rounds of the event loop. */
async function hop(random: (below: number) => number): Promise<void> {
  const isLong = random(3) === 0;
  for (let turns = random(12); turns > 0; turns -= 1) await (isLong ? new Promise((resolve) => setImmediate(resolve)) : undefined);
}

/** Opens a session the way live view does: long checks first, then the decision in the tick of the act. */
async function open(rig: PermissionRig, grantId: string, random: (below: number) => number): Promise<string> {
  const ticket = ticketFor(rig, grantId);
  await hop(random);
  const judged = verdict(rig, ticket);
  if (judged === 'yes') rig.sessions.set(newId(), grantId);
  return judged;
}

it('1 000 random interleavings of opening and withdrawing: no session is left', async () => {
  const rig = await makeRig();
  const outcomes = new Map<string, number>();
  for (let run = 1; run <= 1_000; run += 1) {
    const random = makeRandom(run);
    rig.store.beforeSave = () => hop(random);
    const grant = await give(rig);
    const order = await signWithdrawal(rig, run % 5 === 0 ? { all: true } : { ids: [grant.id] });
    const opened = [open(rig, grant.id, random), open(rig, grant.id, random)];
    const withdrawn = hop(random).then(() => (run % 7 === 0 ? rig.permissions.withdrawLocally() : rig.permissions.withdraw(order)));
    const late = withdrawn.then(() => open(rig, grant.id, random));
    for (const judged of await Promise.all(opened)) outcomes.set(judged, (outcomes.get(judged) ?? 0) + 1);
    assert.is(await late, 'withdrawn', `run ${run}`);
    assert.is(rig.sessions.size, 0, `run ${run}`);
  }
  // Both orders really happened.
  assert.ok((outcomes.get('yes') ?? 0) > 100 && (outcomes.get('withdrawn') ?? 0) > 20, JSON.stringify([...outcomes]));
});

it('right after withdrawing, in the same tick, the answer is no', async () => {
  const rig = await makeRig();
  for (let run = 0; run < 50; run += 1) {
    const grant = await give(rig);
    rig.sessions.set('one', grant.id);
    const done = rig.permissions.withdrawLocally();
    assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn');
    assert.is(rig.sessions.size, 0);
    await done;
  }
});

it('sessions end in the tick in which the grant ends: nobody ever sees one without the other', async () => {
  const rig = await makeRig();
  const grant = await give(rig);
  rig.sessions.set('one', grant.id);
  const held = gate();
  rig.store.beforeSave = () => held.passed;
  let isHeard = false;
  rig.permissions.onChange(() => {
    isHeard = true;
    assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn');
    assert.is(rig.sessions.size, 0);
  });
  const order = await signWithdrawal(rig, { ids: [grant.id] });
  const done = rig.permissions.withdraw(order);
  while (!isHeard) {
    assert.is(rig.sessions.has('one'), verdict(rig, ticketFor(rig, grant.id)) === 'yes');
    await undefined;
    await new Promise((resolve) => setImmediate(resolve));
  }
  held.open();
  await done;
});

/** A grant that hangs in its save while `withdraw` comes in; what the grant is worth at each moment. */
async function withdrawWhileStoring(order: (grant: Grant) => { all: true } | { ids: string[] }): Promise<PermissionRig> {
  const rig = await makeRig();
  const grant = newGrant(rig);
  const other = await give(rig);
  const statement = await signGrant(rig, grant);
  const withdrawal = await signWithdrawal(rig, order(grant));
  const held = gate();
  const begun = gate();
  rig.store.beforeSave = async () => {
    begun.open();
    await held.passed;
    await new Promise((resolve) => setImmediate(resolve));
  };
  const seen = new Set<string>();
  const look = (): void => void seen.add(verdict(rig, ticketFor(rig, grant.id)));
  rig.permissions.onChange(look);
  const given = rig.permissions.grant(statement, null);
  await begun.passed;
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'not_granted', 'not in force before it is stored');
  // Withdrawing counts as soon as its signature is checked, while the grant is still being stored.
  const counted = new Promise<void>((resolve) => {
    const stop = rig.permissions.onChange(() => {
      stop();
      resolve();
    });
  });
  const withdrawn = rig.permissions.withdraw(withdrawal);
  await counted;
  look();
  held.open();
  void given.then(look, look);
  await given;
  const kept = await rig.store.load();
  const isOver = kept?.epoch !== 1 || kept.grants.find((one) => one.grant.id === grant.id)?.ended !== null;
  assert.ok(isOver, 'when the grant is answered, the disk knows that it is over');
  await withdrawn;
  look();
  assert.not.ok(seen.has('yes'), 'never in force, not for a tick');
  await rig.restart();
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn', 'and not after a restart');
  assert.is(verdict(rig, ticketFor(rig, other.id)), 'all' in order(grant) ? 'withdrawn' : 'yes');
  return rig;
}

it('withdrawing a grant while it is being stored', async () => {
  await withdrawWhileStoring((grant) => ({ ids: [grant.id] }));
});

it('withdrawing everything while a grant is being stored', async () => {
  const rig = await withdrawWhileStoring(() => ({ all: true }));
  assert.is(rig.permissions.epoch, 2);
});

it('withdrawing everything while an application is being stored: it is gone too', async () => {
  const rig = await makeRig();
  const order = await signWithdrawal(rig, { all: true });
  const held = gate();
  const begun = gate();
  rig.store.beforeSave = () => {
    begun.open();
    return held.passed;
  };
  const applied = rig.permissions.apply({
    org: { name: 'Example Security', key: rig.org.publicKey },
    person: { name: 'Dana K', email: 'dana@example.org' },
    scopes: ['live-view'],
    cams: null,
    durationMs: 600_000,
    note: '',
  });
  await begun.passed;
  const withdrawn = rig.permissions.withdraw(order);
  for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  held.open();
  await Promise.all([applied, withdrawn]);
  assert.equal(rig.permissions.list(null).applications, []);
  await rig.restart();
  assert.equal(rig.permissions.list(null).applications, []);
});

it('300 random interleavings of giving, withdrawing, expiring and storing: what was withdrawn is never in force again', async () => {
  const rig = await makeRig();
  for (let run = 1; run <= 300; run += 1) {
    const random = makeRandom(run * 7_919);
    rig.store.beforeSave = () => hop(random);
    const grants = [newGrant(rig), newGrant(rig), newGrant(rig)];
    const statements = await Promise.all(grants.map((grant) => signGrant(rig, grant)));
    const doomed = grants[random(3)] ?? newGrant(rig);
    const order = await signWithdrawal(rig, { ids: [doomed.id] });
    const acts = [
      ...statements.map((statement) => hop(random).then(() => rig.permissions.grant(statement, null).catch(() => undefined))),
      hop(random).then(() => rig.permissions.withdraw(order)),
      hop(random).then(() => rig.permissions.expire()),
    ];
    await Promise.all(acts);
    const rest = grants.filter((grant) => grant !== doomed);
    assert.is.not(verdict(rig, ticketFor(rig, doomed.id)), 'yes', `run ${run}`);
    for (const grant of rest) assert.is(verdict(rig, ticketFor(rig, grant.id)), 'yes', `run ${run}`);
    if (run % 20 === 0) {
      await rig.restart();
      assert.is.not(verdict(rig, ticketFor(rig, doomed.id)), 'yes', `run ${run}, restarted`);
      for (const grant of rest) assert.is(verdict(rig, ticketFor(rig, grant.id)), 'yes', `run ${run}, restarted`);
      await rig.permissions.withdraw(await signWithdrawal(rig, { all: true }));
    }
  }
});

it.run();
