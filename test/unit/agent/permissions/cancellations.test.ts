import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Cancellation } from '../../../../agent/contract/statements.js';
import { HeldLists, isCalledBack, judgeCancellation, newestOnly } from '../../../../agent/permissions/cancellations.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import {
  codeOf,
  EMPLOYEE,
  gate,
  give,
  HOUR,
  MINUTE,
  makeRig,
  type PermissionRig,
  signCancellation,
  signWithdrawal,
  ticketFor,
  verdict,
} from './permission-rig.js';

let rig: PermissionRig;

const it = suite('badges called back');

it.before.each(async () => {
  rig = await makeRig();
});

const OTHER = 'L'.repeat(43);
const cancel = async (n: number, keys: readonly string[], change: Partial<Cancellation> = {}) =>
  rig.permissions.cancelBadges(await signCancellation(rig, n, keys, rig.org, change));

it('a badge that is called back opens nothing from that tick on, and what ran under it ends', async () => {
  const grant = await give(rig, { scopes: ['live-view', 'health'] });
  const [fired, stays] = [ticketFor(rig, grant.id), ticketFor(rig, grant.id, 'live-view', 'cam-1', OTHER)];
  rig.sessions.set('fired', fired).set('stays', stays);
  const told = await cancel(1, [EMPLOYEE]);
  assert.equal(
    [verdict(rig, fired), verdict(rig, ticketFor(rig, grant.id, 'health')), verdict(rig, stays)],
    ['badge_cancelled', 'badge_cancelled', 'yes'],
  );
  assert.equal([...rig.sessions.keys()], ['stays']);
  const { org, organisation, keys, closed, isNew } = told;
  assert.equal([org, organisation, keys, isNew], [rig.org.signer.kid, 'Example Security', [EMPLOYEE], true]);
  assert.equal(
    closed.map(({ session }) => session),
    ['fired'],
  );
  const { badge, kid, person } = fired;
  const applicant = { kind: 'applicant', kid, person, badge, orgKid: rig.org.signer.kid } as const;
  assert.is(verdict(rig, applicant), 'badge_cancelled', 'nor does it apply');
  assert.is(verdict(rig, { ...applicant, orgKid: OTHER }), 'yes', 'with another employer the same person may');
  await rig.restart();
  assert.is(verdict(rig, fired), 'badge_cancelled');
});

it('it counts before it is written', async () => {
  const grant = await give(rig);
  const held = gate();
  rig.store.beforeSave = () => held.passed;
  const heard = new Promise<void>((resolve) => {
    rig.permissions.onChange(() => {
      assert.is(verdict(rig, ticketFor(rig, grant.id)), 'badge_cancelled');
      resolve();
    });
  });
  const done = cancel(1, [EMPLOYEE]);
  await heard;
  held.open();
  await done;
});

it('the newest list counts alone; an older one is refused, the same one changes nothing', async () => {
  const grant = await give(rig);
  const one = await signCancellation(rig, 7, [EMPLOYEE, OTHER]);
  await rig.permissions.cancelBadges(one);
  const saves = rig.store.saves;
  const again = await rig.permissions.cancelBadges(one);
  assert.equal([again.isNew, again.closed, rig.store.saves], [false, [], saves]);
  assert.is((await cancel(7, [OTHER, EMPLOYEE])).isNew, false, 'the order of keys says nothing');
  assert.is(await codeOf(cancel(7, [OTHER])), 'permissions.stale_cancellation', 'the same number, another list');
  assert.is(await codeOf(cancel(6, [])), 'permissions.stale_cancellation');
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'badge_cancelled');
  await cancel(8, [OTHER]);
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'yes', 'left out of the newest list');
  assert.is(await codeOf(rig.permissions.cancelBadges(one)), 'permissions.stale_cancellation');
  await rig.restart();
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'yes');
  assert.equal(
    (await rig.store.load())?.cancelled.map(({ n }) => n),
    [8],
  );
});

it('whom a newer list leaves out is good again only when that is durable', async () => {
  const grant = await give(rig);
  await cancel(1, [EMPLOYEE]);
  const [held, begun] = [gate(), gate()];
  rig.store.beforeSave = () => {
    begun.open();
    return held.passed;
  };
  const done = cancel(2, [OTHER]);
  await begun.passed;
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'badge_cancelled');
  assert.is(verdict(rig, ticketFor(rig, grant.id, 'live-view', null, OTHER)), 'badge_cancelled');
  held.open();
  await done;
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'yes');
});

it('a list that could not be stored counts, and is stored when it comes again', async () => {
  const grant = await give(rig);
  rig.store.beforeSave = async () => {
    throw new RangeError('the disk is full');
  };
  const statement = await signCancellation(rig, 1, [EMPLOYEE]);
  await rig.permissions.cancelBadges(statement).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'the disk is full'),
  );
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'badge_cancelled');
  rig.store.beforeSave = async () => undefined;
  assert.is((await rig.permissions.cancelBadges(statement)).isNew, false);
  await rig.restart();
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'badge_cancelled');
});

it('only an organisation to which the owner gave something calls badges back, and only its own', async () => {
  const stranger = await newSigningKey();
  assert.is(await codeOf(cancel(1, [EMPLOYEE])), 'permissions.unknown_organisation', 'nothing was given yet');
  const grant = await give(rig);
  const byStranger = (change: Partial<Cancellation>) => signCancellation(rig, 1, [EMPLOYEE], stranger, change);
  assert.is(await codeOf(rig.permissions.cancelBadges(await byStranger({}))), 'permissions.unknown_organisation');
  assert.is(await codeOf(rig.permissions.cancelBadges(await byStranger({ org: rig.org.signer.kid }))), 'permissions.unknown_organisation');
  assert.is(await codeOf(cancel(1, [EMPLOYEE], { org: OTHER })), 'permissions.unknown_organisation', 'in another’s name');
  const forged = `${(await signCancellation(rig, 1, [EMPLOYEE])).slice(0, -8)}AAAAAAAA`;
  assert.is(await codeOf(rig.permissions.cancelBadges(forged)), 'signature.invalid');
  assert.is(await codeOf(rig.permissions.cancelBadges(await signWithdrawal(rig, {}, rig.org))), 'signature.type');
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'yes');
  await rig.permissions.withdraw(await signWithdrawal(rig, { ids: [grant.id] }));
  assert.is((await cancel(1, [EMPLOYEE])).isNew, true, 'also when its permission has ended meanwhile');
  await rig.permissions.withdrawLocally();
  assert.is(await codeOf(cancel(2, [])), 'permissions.unknown_organisation', 'but not over an epoch');
  const anew = await give(rig);
  assert.is(verdict(rig, ticketFor(rig, anew.id)), 'badge_cancelled', 'what was called back stays so in the next one');
});

/** Time goes by in steps, and is looked at after each. */
async function pass(durationMs: number): Promise<void> {
  for (let gone = 0; gone < durationMs; gone += 10 * MINUTE) {
    await rig.clock.advance(10 * MINUTE);
    await rig.permissions.expire();
  }
}

const kept = async (): Promise<number> => (await rig.store.load())?.cancelled.length ?? 0;

it('a list goes when every badge in it must have ended, 13 hours on', async () => {
  await give(rig, { exp: rig.clock.now() + 100 * HOUR });
  await cancel(1, [EMPLOYEE]);
  await pass(13 * HOUR);
  assert.is(await kept(), 1, 'looked at for the first time ten minutes after it came');
  await pass(10 * MINUTE);
  assert.is(await kept(), 0);
});

it('a list with an old date, or a clock that leaps, does not let it go before its time', async () => {
  await give(rig, { exp: rig.clock.now() + 100 * HOUR });
  await cancel(1, [EMPLOYEE], { iat: 0 });
  await rig.permissions.expire();
  rig.clock.stepWall(24 * HOUR);
  await pass(12 * HOUR);
  assert.is(await kept(), 1);
  await rig.restart();
  await pass(12 * HOUR);
  assert.is(await kept(), 1, 'a restart begins anew: the time in between was not seen');
  await pass(2 * HOUR);
  assert.is(await kept(), 0);
});

it('a list from the future stays until then', async () => {
  await give(rig, { exp: rig.clock.now() + 100 * HOUR });
  await cancel(1, [EMPLOYEE], { iat: rig.clock.now() + 10 * HOUR });
  await pass(22 * HOUR);
  assert.is(await kept(), 1);
  await pass(2 * HOUR);
  assert.is(await kept(), 0);
});

it('an organisation cannot fill the log and wear out the disk with lists; the last one that was taken counts on', async () => {
  const grant = await give(rig, { exp: rig.clock.now() + 10 * HOUR });
  for (let n = 1; n <= 20; n += 1) assert.ok((await cancel(n, [EMPLOYEE])).isNew);
  const { saves } = rig.store;
  assert.is(await codeOf(cancel(21, [])), 'permissions.too_many_cancellations');
  assert.not((await cancel(20, [EMPLOYEE])).isNew, 'what counts already is still confirmed');
  assert.equal([rig.store.saves, verdict(rig, ticketFor(rig, grant.id))], [saves, 'badge_cancelled']);
  await pass(HOUR);
  assert.ok((await cancel(21, [])).isNew);
});

it('the rules by themselves', () => {
  const list = (n: number, keys: string[], org = OTHER): Cancellation => ({ v: 1, org, n, keys, iat: 0 });
  assert.is(judgeCancellation(list(1, []), []), 'new');
  assert.is(judgeCancellation(list(1, []), [list(9, [], EMPLOYEE)]), 'new', 'of another organisation');
  assert.is(judgeCancellation(list(3, ['a']), [list(2, []), list(3, ['a'])]), 'same');
  assert.type(judgeCancellation(list(2, []), [list(2, []), list(3, ['a'])]), 'object');
  assert.equal(newestOnly([list(1, []), list(5, [], EMPLOYEE), list(2, [])]), [list(5, [], EMPLOYEE), list(2, [])]);
  assert.ok(isCalledBack([list(1, ['a']), list(2, [])], OTHER, 'a'), 'both count while both are held');
  assert.not.ok(isCalledBack([list(1, ['a'])], EMPLOYEE, 'a'));
  const lists = [list(1, [])];
  const held = new HeldLists();
  assert.is(held.worthKeeping(lists, 14 * HOUR, 0), lists);
  assert.equal(held.worthKeeping(lists, 14 * HOUR, 13 * HOUR), []);
});

it.run();
