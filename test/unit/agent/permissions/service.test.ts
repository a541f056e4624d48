import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Application } from '../../../../agent/contract/views.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { Ticket } from '../../../../agent/permissions/ticket.js';
import { newSigningKey } from '../../../../scripts/portal/client/keys.js';
import {
  codeOf,
  give,
  MINUTE,
  makeRig,
  newGrant,
  ownerOf,
  ownerTicket,
  type PermissionRig,
  signGrant,
  signWithdrawal,
  ticketFor,
  verdict,
} from './permission-rig.js';

let rig: PermissionRig;

const it = suite('permissions');

it.before.each(async () => {
  rig = await makeRig();
});

function wish(change: Partial<Omit<Application, 'id' | 'at'>> = {}): Omit<Application, 'id' | 'at'> {
  return {
    org: { name: 'Example Security', key: rig.org.publicKey },
    person: { name: 'Dana K', email: 'dana@example.org' },
    scopes: ['live-view'],
    cams: null,
    durationMs: 10 * MINUTE,
    note: '',
    ...change,
  };
}

it('an owner is pinned once; who comes later is refused', async () => {
  const other = await newSigningKey();
  assert.is(await codeOf(rig.permissions.install(ownerOf(other, rig.clock.now()))), 'pairing.owned');
  assert.equal(
    rig.permissions.owner?.devices.map(({ kid }) => kid),
    [rig.owner.signer.kid],
  );
  const empty = await makeRig(false);
  const results = await Promise.all([ownerOf(rig.owner, 0), ownerOf(other, 0)].map((owner) => codeOf(empty.permissions.install(owner))));
  assert.equal(results, ['resolved', 'pairing.owned']);
});

it('without an owner there is nothing to ask', async () => {
  const empty = await makeRig(false);
  assert.throws(
    () => empty.permissions.list(null),
    (error: AgentError) => error.code === 'permissions.no_owner',
  );
  assert.is(await codeOf(empty.permissions.grant(await signGrant(empty, newGrant(empty)), null)), 'permissions.no_owner');
  assert.is(await codeOf(empty.permissions.withdraw(await signWithdrawal(empty, { all: true }))), 'permissions.no_owner');
  assert.is(verdict(empty, ownerTicket(empty.owner)), 'not_owner');
});

it('the owner may everything, anybody else’s key nothing', () => {
  assert.is(verdict(rig, ownerTicket(rig.owner)), 'yes');
  assert.is(verdict(rig, ownerTicket(rig.org)), 'not_owner');
});

it('a grant is in force once it is stored, and ends by itself', async () => {
  const grant = await give(rig);
  const ticket = ticketFor(rig, grant.id);
  assert.is(verdict(rig, ticket), 'yes');
  assert.equal(rig.permissions.findGrant(grant.id), grant);
  assert.is(verdict(rig, ticketFor(rig, newGrant(rig).id)), 'not_granted');
  await rig.clock.advance(10 * MINUTE - 1);
  assert.is(verdict(rig, ticket), 'yes');
  await rig.clock.advance(1);
  assert.is(verdict(rig, ticket), 'expired');
});

it('a grant that somebody else signed, or that is for another recorder, or over, is refused', async () => {
  const grant = newGrant(rig);
  const forged = await signGrant({ ...rig, owner: rig.org }, grant);
  assert.is(await codeOf(rig.permissions.grant(forged, null)), 'signature.key');
  const cases: readonly [Parameters<typeof newGrant>[1], string][] = [
    [{ dev: 'SN4F2K7Q9E' }, 'permissions.other_recorder'],
    [{ device: rig.org.signer.kid }, 'permissions.other_recorder'],
    [{ epoch: 2 }, 'permissions.withdrawn'],
    [{ exp: rig.clock.now() }, 'permissions.expired'],
    [{ exp: rig.clock.now() + 8 * 1_440 * MINUTE }, 'permissions.too_long'],
  ];
  for (const [change, code] of cases) assert.is(await codeOf(give(rig, change)), code);
  assert.equal(rig.permissions.list(null).grants, []);
});

it('the same grant twice is refused, also when both come at once', async () => {
  const statement = await signGrant(rig, newGrant(rig));
  const results = await Promise.all([1, 2, 3].map(() => codeOf(rig.permissions.grant(statement, null))));
  assert.equal(results.sort(), ['permissions.known', 'permissions.known', 'resolved']);
  assert.is(rig.permissions.list(null).grants.length, 1);
});

it('a grant that cannot be stored does not come into force', async () => {
  rig.store.beforeSave = async () => {
    throw new AgentError({ code: 'store.full', say: 'The disk is full.', fix: 'Make room on it.' });
  };
  const grant = newGrant(rig);
  assert.is(await codeOf(rig.permissions.grant(await signGrant(rig, grant), null)), 'store.full');
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'not_granted');
});

it('applications: kept, replaced by the same person’s newer one, bounded, answered', async () => {
  const first = await rig.permissions.apply(wish());
  const second = await rig.permissions.apply(wish({ scopes: ['health'] }));
  assert.equal(rig.permissions.list(null).applications, [second], 'the newer wish of the same person counts');
  const other = await rig.permissions.apply(wish({ person: { name: 'Eli', email: 'eli@example.org' } }));
  assert.is(await codeOf(rig.permissions.decline(first.id)), 'permissions.no_such_application');
  await rig.permissions.decline(second.id);
  const statement = await signGrant(rig, newGrant(rig));
  await rig.permissions.grant(statement, other.id);
  assert.equal(rig.permissions.list(null).applications, []);
  for (let at = 0; at < 16; at += 1) await rig.permissions.apply(wish({ person: { name: 'P', email: `p${at}@example.org` } }));
  await rig.permissions.apply(wish({ person: { name: 'P', email: 'p16@example.org' } }));
  assert.is(rig.permissions.list(null).applications.at(-1)?.person.email, 'p16@example.org', 'nobody is kept out by a full list');
  await rig.permissions.apply(wish({ person: { name: 'P', email: 'p3@example.org' }, note: 'again' }));
  assert.is(rig.permissions.list(null).applications.length, 16);
});

it('an organisation sees its own affairs only', async () => {
  const strangers = await newSigningKey();
  await rig.permissions.apply(wish());
  await rig.permissions.apply(wish({ org: { name: 'Other', key: strangers.publicKey } }));
  const grant = await give(rig);
  const mine = await rig.permissions.mine({ name: 'whatever it calls itself', key: rig.org.publicKey });
  assert.is(mine.pending.length, 1);
  assert.equal(
    mine.grants.map(({ id }) => id),
    [grant.id],
  );
  const theirs = await rig.permissions.mine({ name: 'Example Security', key: strangers.publicKey });
  assert.is(theirs.pending.length, 1);
  assert.equal(theirs.grants, [], 'a name gives nothing');
  const [application] = theirs.pending;
  await rig.permissions.decline(application?.id ?? '');
  assert.equal(
    (await rig.permissions.mine({ name: '', key: strangers.publicKey })).declined.map(({ id }) => id),
    [application?.id],
  );
  assert.equal((await rig.permissions.mine({ name: '', key: rig.org.publicKey })).declined, []);
  const names = await rig.permissions.organisations();
  assert.is(names[rig.org.signer.kid], 'Example Security');
});

it('withdrawing ends the grant and its sessions in the same tick, and the receipt says so', async () => {
  const grant = await give(rig);
  const other = await give(rig);
  rig.sessions.set('one', grant.id).set('two', grant.id).set('three', other.id);
  const { receipt, ids } = await rig.permissions.withdraw(await signWithdrawal(rig, { ids: [grant.id] }));
  assert.equal(ids, [grant.id]);
  assert.equal(
    receipt.closed.map(({ session }) => session),
    ['one', 'two'],
  );
  assert.is(receipt.epoch, 1);
  assert.equal([...rig.sessions.keys()], ['three']);
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn');
  assert.is(verdict(rig, ticketFor(rig, other.id)), 'yes');
  const view = rig.permissions.list(null).grants.find(({ id }) => id === grant.id);
  assert.equal([view?.state, view?.endedAt], ['withdrawn', rig.clock.now()]);
});

it('withdrawing all: the epoch rises, every grant and application of before is void, an old grant stays out', async () => {
  const grant = await give(rig);
  const kept = await signGrant(rig, newGrant(rig));
  await rig.permissions.apply(wish());
  const order = await signWithdrawal(rig, { all: true });
  rig.sessions.set('one', grant.id);
  const { receipt } = await rig.permissions.withdraw(order);
  assert.is(receipt.epoch, 2);
  assert.is(rig.sessions.size, 0);
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn');
  assert.equal(rig.permissions.list(null).applications, []);
  assert.is(await codeOf(rig.permissions.grant(kept, null)), 'permissions.withdrawn', 'signed before, delivered after');
  assert.is(await codeOf(rig.permissions.withdraw(order)), 'permissions.stale_withdrawal', 'replayed');
  const anew = await give(rig);
  assert.is(verdict(rig, ticketFor(rig, anew.id)), 'yes');
  await rig.restart();
  assert.is(rig.permissions.epoch, 2);
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn');
  assert.is(verdict(rig, ticketFor(rig, anew.id)), 'yes');
});

it('a withdrawal that overtakes its grant keeps it out, over a restart too', async () => {
  const grant = newGrant(rig);
  const statement = await signGrant(rig, grant);
  await rig.permissions.withdraw(await signWithdrawal(rig, { ids: [grant.id] }));
  assert.is(await codeOf(rig.permissions.grant(statement, null)), 'permissions.withdrawn');
  await rig.restart();
  assert.is(await codeOf(rig.permissions.grant(statement, null)), 'permissions.withdrawn');
});

it('an old withdrawal that a relay plays again and again changes nothing, and pushes no other out', async () => {
  const [held, kept] = [await give(rig), newGrant(rig)];
  const old = await signWithdrawal(rig, { ids: [held.id, newGrant(rig).id] });
  await rig.permissions.withdraw(await signWithdrawal(rig, { ids: [kept.id] }));
  assert.equal((await rig.permissions.withdraw(old)).ids, [held.id]);
  for (let again = 0; again < 300; again += 1) assert.equal((await rig.permissions.withdraw(old)).ids, []);
  assert.is(await codeOf(rig.permissions.grant(await signGrant(rig, kept), null)), 'permissions.withdrawn');
});

it('a withdrawal by somebody else, for another recorder or epoch, does nothing', async () => {
  const grant = await give(rig);
  rig.sessions.set('one', grant.id);
  const cases: readonly [Promise<string>, string][] = [
    [signWithdrawal({ ...rig, owner: rig.org }, { all: true }), 'signature.key'],
    [signWithdrawal(rig, { dev: 'SN4F2K7Q9E', all: true }), 'permissions.stale_withdrawal'],
    [signWithdrawal(rig, { epoch: 2, all: true }), 'permissions.stale_withdrawal'],
    [signGrant(rig, grant), 'signature.type'],
  ];
  for (const [statement, code] of cases) assert.is(await codeOf(rig.permissions.withdraw(await statement)), code);
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'yes');
  assert.is(rig.sessions.size, 1);
});

it('withdrawing twice is harmless, and does not move when it ended', async () => {
  const grant = await give(rig);
  await rig.permissions.withdraw(await signWithdrawal(rig, { ids: [grant.id] }));
  const endedAt = rig.clock.now();
  await rig.clock.advance(MINUTE);
  await rig.permissions.withdraw(await signWithdrawal(rig, { ids: [grant.id] }));
  assert.is(rig.permissions.list(null).grants[0]?.endedAt, endedAt);
});

it('a full disk: the withdrawal counts at once, and is not confirmed', async () => {
  const grant = await give(rig);
  rig.sessions.set('one', grant.id);
  rig.store.beforeSave = async () => {
    throw new AgentError({ code: 'store.full', say: 'The disk is full.', fix: 'Make room on it.' });
  };
  assert.is(await codeOf(rig.permissions.withdraw(await signWithdrawal(rig, { ids: [grant.id] }))), 'store.full');
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn');
  assert.is(rig.sessions.size, 0);
});

it('a withdrawal that could not be written is confirmed when it is, and written as soon as that goes', async () => {
  const grant = await give(rig);
  const order = await signWithdrawal(rig, { all: true });
  let isFull = true;
  rig.store.beforeSave = async () => {
    if (isFull) throw new AgentError({ code: 'store.full', say: 'The disk is full.', fix: 'Make room on it.' });
  };
  assert.is(await codeOf(rig.permissions.withdraw(order)), 'store.full');
  assert.is(await codeOf(rig.permissions.withdraw(order)), 'store.full', 'it counts, but the disk does not know it');
  await rig.clock.advance(MINUTE);
  assert.is(await codeOf(rig.permissions.expire()), 'store.full');
  assert.is(await codeOf(rig.permissions.expire()), 'resolved', 'not every two seconds');
  isFull = false;
  await rig.clock.advance(MINUTE);
  await rig.permissions.expire();
  await rig.restart();
  assert.equal([rig.permissions.epoch, verdict(rig, ticketFor(rig, grant.id))], [2, 'withdrawn']);
});

it('someone at the recorder stops everything, without a key and before anything is written', async () => {
  const grant = await give(rig);
  rig.sessions.set('one', grant.id);
  const done = rig.permissions.withdrawLocally();
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn', 'in this very tick');
  assert.is(rig.sessions.size, 0);
  assert.is((await done).receipt.epoch, 2);
  await rig.restart();
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn');
});

it('someone at the recorder stops one permission and leaves the others', async () => {
  const [doomed, other] = [await give(rig), await give(rig)];
  rig.sessions.set('one', doomed.id).set('two', other.id);
  const { ids, receipt } = await rig.permissions.withdrawLocally([doomed.id, newGrant(rig).id]);
  assert.equal([ids, receipt.epoch, receipt.closed.map(({ session }) => session)], [[doomed.id], 1, ['one']]);
  assert.equal([verdict(rig, ticketFor(rig, doomed.id)), verdict(rig, ticketFor(rig, other.id))], ['withdrawn', 'yes']);
  assert.is(await codeOf(rig.permissions.withdrawLocally([newGrant(rig).id])), 'permissions.no_such_grant');
  assert.is(await codeOf(rig.permissions.withdrawLocally([])), 'permissions.no_such_grant');
  assert.equal((await rig.permissions.withdrawLocally([doomed.id])).ids, [], 'once more is harmless');
  assert.equal((await rig.permissions.withdrawLocally()).ids, [other.id]);
});

it('a restart keeps owner, grants, applications, answers and ends', async () => {
  const inForce = await give(rig, { cams: ['cam-2'], scopes: ['health', 'ptz'] });
  const ended = await give(rig);
  await rig.permissions.withdraw(await signWithdrawal(rig, { ids: [ended.id] }));
  await rig.permissions.apply(wish());
  const declined = await rig.permissions.apply(wish({ person: { name: 'Eli', email: 'eli@example.org' } }));
  await rig.permissions.decline(declined.id);
  const before = rig.permissions.list(null);
  const mine = await rig.permissions.mine({ name: '', key: rig.org.publicKey });
  await rig.restart();
  assert.equal(rig.permissions.list(null), before);
  assert.equal(await rig.permissions.mine({ name: '', key: rig.org.publicKey }), mine);
  assert.is(verdict(rig, ticketFor(rig, inForce.id, 'ptz', 'cam-2')), 'yes');
  assert.is(verdict(rig, ticketFor(rig, inForce.id, 'ptz', 'cam-1')), 'other_camera');
});

it('the recorder holds a bounded number of grants: the oldest that are over go, those in force stay', async () => {
  const over = await give(rig, { exp: rig.clock.now() + MINUTE });
  await rig.clock.advance(MINUTE);
  for (let at = 0; at < 127; at += 1) await give(rig);
  const last = await give(rig);
  assert.is(rig.permissions.findGrant(over.id), undefined);
  assert.is(rig.permissions.list(null).grants.length, 128);
  assert.is(await codeOf(give(rig)), 'permissions.too_many');
  await rig.permissions.withdraw(await signWithdrawal(rig, { ids: [last.id] }));
  await give(rig);
  assert.is(rig.permissions.findGrant(last.id), undefined);
});

it('an applicant is judged by the badge alone', () => {
  const ticket = ticketFor(rig, newGrant(rig).id);
  if (ticket.kind !== 'employee') throw new TypeError('an employee was expected');
  const { badge, person, kid } = ticket;
  const applicant: Ticket = { kind: 'applicant', kid, person, badge: { ...badge, amr: [] }, orgKid: rig.org.signer.kid };
  assert.is(verdict(rig, applicant), 'yes');
  assert.is(verdict(rig, { ...applicant, badge: { ...badge, exp: rig.clock.now() } }), 'badge_expired');
});

it('whoever has nothing but a key is let through to the handler that judges what it proves', () => {
  const { signer, publicKey } = rig.org;
  assert.is(verdict(rig, { kind: 'bearer', kid: signer.kid, key: publicKey, person: undefined }), 'yes');
});

it('listeners hear of every change, and not after they stopped', async () => {
  let heard = 0;
  const stop = rig.permissions.onChange(() => {
    heard += 1;
  });
  const grant = await give(rig);
  await rig.permissions.withdraw(await signWithdrawal(rig, { ids: [grant.id] }));
  assert.is(heard, 2);
  stop();
  await give(rig);
  assert.is(heard, 2);
});

it.run();
