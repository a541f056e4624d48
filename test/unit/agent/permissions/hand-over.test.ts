import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Consent, HandOverAccept, HandOverOffer } from '../../../../agent/contract/statements.js';
import { sha256Text } from '../../../../agent/contract/text.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import {
  codeOf,
  DAY,
  EMPLOYEE,
  gate,
  give,
  handOver,
  MINUTE,
  makeRig,
  newGrant,
  ownerOf,
  ownerTicket,
  type PermissionRig,
  signAccept,
  signCancellation,
  signDelegation,
  signGrant,
  signOffer,
  signWithdrawal,
  ticketFor,
  verdict,
} from './permission-rig.js';

let rig: PermissionRig;
let next: SigningKey;

const it = suite('hand-over and reset');

it.before.each(async () => {
  rig = await makeRig();
  next = await newSigningKey();
});

const accepted = (offer: string, accept: string, key = next) =>
  rig.permissions.handOver({ key: key.publicKey, offer, accept, deviceName: 'Bea’s phone' });

it('the recorder goes over: another owner, another epoch, nothing of before in force or running', async () => {
  const tablet = await newSigningKey();
  await rig.permissions.addDevice({ key: tablet.publicKey, name: 'Tablet' });
  const grant = await give(rig);
  await rig.permissions.apply({
    org: { name: 'Other', key: tablet.publicKey },
    person: { name: 'Eli', email: 'eli@example.org' },
    scopes: ['health'],
    cams: null,
    durationMs: MINUTE,
    note: '',
  });
  await rig.permissions.cancelBadges(await signCancellation(rig, 1, ['L'.repeat(43)]));
  rig.sessions.set('old owner', ownerTicket(tablet, 'live-view')).set('employee', grant.id);
  const offer = await signOffer(rig, next);
  const accept = await signAccept(rig, offer, next);
  const { receipt, before, erasePeople } = await accepted(offer, accept);
  assert.equal(receipt.closed.map(({ session }) => session).sort(), ['employee', 'old owner']);
  assert.equal([receipt.epoch, receipt.withdraw, erasePeople], [2, await sha256Text(accept), false]);
  assert.equal(
    before.devices.map(({ kid }) => kid),
    [rig.owner.signer.kid, tablet.signer.kid],
  );
  const check = async (): Promise<void> => {
    assert.equal(
      [verdict(rig, ownerTicket(next)), verdict(rig, ownerTicket(rig.owner)), verdict(rig, ownerTicket(tablet))],
      ['yes', 'not_owner', 'not_owner'],
    );
    assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn');
    const { site, owner, role, devices, applications, epoch, grants } = rig.permissions.list(next.signer.kid);
    assert.equal([site, owner.name, role, applications.length, epoch], ['Corner shop', 'Bea New', 'owner', 0, 2]);
    assert.equal(
      devices.map(({ name, isThis }) => [name, isThis]),
      [['Bea’s phone', true]],
    );
    assert.equal(
      grants.map(({ state, endedAt }) => [state, endedAt]),
      [['withdrawn', rig.clock.now()]],
    );
    const kept = await rig.store.load();
    assert.equal([kept?.cancelled, kept?.usedDelegations, kept?.erasureDue, kept?.owner?.aimedMs], [[], [], false, 0]);
  };
  await check();
  await rig.restart();
  await check();
  assert.is((await rig.permissions.mine({ name: '', key: rig.org.publicKey })).site, '', 'who the old owner dealt with learns no new name');
});

it('what the old owner signed before opens nothing afterwards', async () => {
  const [grant, delegation, withdrawal] = [
    await signGrant(rig, newGrant(rig)),
    await signDelegation(rig),
    await signWithdrawal(rig, { all: true }),
  ];
  await handOver(rig, next);
  assert.is(await codeOf(rig.permissions.grant(grant, null)), 'signature.key');
  const joiner = await newSigningKey();
  const join = rig.permissions.join({ key: joiner.publicKey, delegation, deviceName: 'x' });
  assert.is(await codeOf(join), 'permissions.delegation_not_owner');
  assert.is(await codeOf(rig.permissions.withdraw(withdrawal)), 'signature.key');
  // The new owner's own signature on the old epoch is no better.
  assert.is(await codeOf(give(rig, { epoch: 1 }, next)), 'permissions.withdrawn');
  assert.ok(await give(rig, {}, next));
});

it('the people of before are erased when the offer says so, and that is remembered until it is done', async () => {
  assert.is((await handOver(rig, next, { erasePeople: true })).erasePeople, true);
  assert.ok(rig.permissions.isErasureDue);
  await rig.restart();
  assert.ok(rig.permissions.isErasureDue);
  await rig.permissions.erasureDone(rig.permissions.owner?.since ?? null);
  await rig.restart();
  assert.not.ok(rig.permissions.isErasureDue);
});

it('every other order of things is refused, each with its own reason', async () => {
  const third = await newSigningKey();
  const now = rig.clock.now();
  const offers: readonly [Partial<HandOverOffer>, string][] = [
    [{ dev: 'SN4F2K7Q9E' }, 'permissions.other_recorder'],
    [{ epoch: 2 }, 'permissions.offer_void'],
    [{ exp: now }, 'permissions.offer_expired'],
    [{ exp: now + 7 * DAY + 1 }, 'permissions.offer_too_long'],
    [{ iat: now + DAY, exp: now + 8 * DAY }, 'permissions.offer_too_long'],
    [{ to: rig.owner.publicKey }, 'permissions.offer_to_self'],
    [{ to: third.publicKey }, 'permissions.offer_for_another'],
  ];
  for (const [change, code] of offers) {
    const offer = await signOffer(rig, next, change);
    assert.is(await codeOf(accepted(offer, await signAccept(rig, offer, next))), code);
  }
  const offer = await signOffer(rig, next);
  const answers: readonly [Partial<HandOverAccept>, Partial<Consent>, string][] = [
    [{ dev: 'SN4F2K7Q9E' }, {}, 'permissions.other_recorder'],
    [{ epoch: 2 }, {}, 'permissions.accept_other_offer'],
    [{ offer: await sha256Text('another') }, {}, 'permissions.accept_other_offer'],
    [{}, { dev: 'SN4F2K7Q9E' }, 'permissions.other_recorder'],
    [{}, { text: 'U'.repeat(43) }, 'permissions.consent_other_text'],
    [{}, { operator: null }, 'permissions.consent_other_operator'],
    [{}, { operator: { name: 'Example Relay', region: 'US', host: 'relay.example.org' } }, 'permissions.consent_other_operator'],
    [{}, { role: 'installer' }, 'permissions.consent_role'],
  ];
  for (const [change, consent, code] of answers)
    assert.is(await codeOf(accepted(offer, await signAccept(rig, offer, next, change, consent))), code);
  const good = await signAccept(rig, offer, next);
  const byThird = await signAccept(rig, offer, third);
  assert.is(await codeOf(accepted(offer, byThird, third)), 'permissions.offer_for_another', 'accepted by a third key');
  assert.is(await codeOf(accepted(offer, byThird)), 'permissions.offer_for_another', 'in the name of the right one');
  assert.is(await codeOf(accepted(offer, good, third)), 'permissions.offer_for_another', 'brought by a third key');
  const consentOfThird = { consent: await signAccept(rig, offer, third) };
  assert.is(await codeOf(accepted(offer, await signAccept(rig, offer, next, consentOfThird))), 'signature.type');
  const byStranger = await signOffer(rig, next, {}, third);
  assert.is(await codeOf(accepted(byStranger, await signAccept(rig, byStranger, next))), 'permissions.offer_not_owner');
  const forged = `${offer.slice(0, -8)}AAAAAAAA`;
  assert.is(await codeOf(accepted(forged, await signAccept(rig, forged, next))), 'signature.invalid');
  assert.is(verdict(rig, ownerTicket(rig.owner)), 'yes');
  assert.is(rig.permissions.epoch, 1);
  assert.is(await codeOf(accepted(offer, good)), 'resolved');
});

it('an offer is good once: a second acceptance, at once or later, changes nothing', async () => {
  const offer = await signOffer(rig, next);
  const [one, two] = [await signAccept(rig, offer, next), await signAccept(rig, offer, next, { site: 'Elsewhere' })];
  const results = await Promise.all([codeOf(accepted(offer, one)), codeOf(accepted(offer, two))]);
  assert.equal(results.sort(), ['permissions.offer_taken', 'resolved']);
  const taken = rig.permissions.owner;
  await rig.restart();
  assert.is(await codeOf(accepted(offer, one)), 'permissions.offer_taken');
  assert.is(await codeOf(accepted(offer, two)), 'permissions.offer_taken');
  assert.equal([rig.permissions.epoch, rig.permissions.owner], [2, taken]);
});

it('an offer is void with a newer epoch, and with the removal of the device that made it', async () => {
  const tablet = await newSigningKey();
  await rig.permissions.addDevice({ key: tablet.publicKey, name: 'Tablet' });
  const byTablet = await signOffer(rig, next, {}, tablet);
  const byOwner = await signOffer(rig, next);
  await rig.permissions.removeDevice(tablet.signer.kid);
  assert.is(await codeOf(accepted(byTablet, await signAccept(rig, byTablet, next))), 'permissions.offer_not_owner');
  const accept = await signAccept(rig, byOwner, next);
  await rig.permissions.withdrawLocally();
  assert.is(await codeOf(accepted(byOwner, accept)), 'permissions.offer_void');
  await rig.permissions.reset();
  assert.is(await codeOf(accepted(byOwner, accept)), 'permissions.no_owner');
  await rig.permissions.install(ownerOf(rig.owner, 0));
  assert.is(await codeOf(accepted(byOwner, accept)), 'permissions.offer_void', 'the same owner again, after a reset');
});

/** Begins a hand-over, lets `meanwhile` happen while it is being stored, and tells how it ended. */
async function whileStoring(begin: () => Promise<unknown>, meanwhile: () => Promise<unknown>): Promise<string> {
  const [held, begun] = [gate(), gate()];
  rig.store.beforeSave = () => {
    begun.open();
    return held.passed;
  };
  const act = codeOf(begin());
  await begun.passed;
  const other = meanwhile();
  held.open();
  const code = await act;
  await other;
  return code;
}

it('withdrawing everything while the hand-over is being stored: the offer is void, the owner stays', async () => {
  const offer = await signOffer(rig, next);
  const accept = await signAccept(rig, offer, next);
  const code = await whileStoring(
    () => accepted(offer, accept),
    () => rig.permissions.withdrawLocally(),
  );
  assert.is(code, 'permissions.offer_void');
  await rig.restart();
  assert.equal([verdict(rig, ownerTicket(rig.owner)), verdict(rig, ownerTicket(next)), rig.permissions.epoch], ['yes', 'not_owner', 2]);
});

it('the hand-over counts when it is stored, not before, and ends everything in that tick', async () => {
  const grant = await give(rig);
  rig.sessions.set('one', grant.id).set('two', ownerTicket(rig.owner, 'live-view'));
  const offer = await signOffer(rig, next);
  const accept = await signAccept(rig, offer, next);
  const seen: string[] = [];
  rig.permissions.onChange(() => {
    seen.push(`${verdict(rig, ownerTicket(next))} ${verdict(rig, ownerTicket(rig.owner))} ${rig.sessions.size}`);
  });
  const code = await whileStoring(
    () => accepted(offer, accept),
    async () => assert.equal([verdict(rig, ownerTicket(next)), rig.sessions.size], ['not_owner', 2]),
  );
  assert.is(code, 'resolved');
  assert.equal(seen, ['yes not_owner 0']);
  await rig.permissions.expire();
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn');
});

it('a hand-over that cannot be stored did not happen', async () => {
  const grant = await give(rig);
  rig.store.beforeSave = async () => {
    throw new RangeError('the disk is gone');
  };
  await handOver(rig, next).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'the disk is gone'),
  );
  assert.equal([verdict(rig, ownerTicket(rig.owner)), verdict(rig, ticketFor(rig, grant.id))], ['yes', 'yes']);
});

it('a reset counts in its own tick: nobody’s recorder, nothing running, the people of before to be erased', async () => {
  const grant = await give(rig);
  rig.sessions.set('one', grant.id).set('two', ownerTicket(rig.owner));
  const done = rig.permissions.reset();
  assert.equal([rig.permissions.owner, rig.permissions.epoch, rig.sessions.size, rig.permissions.isErasureDue], [null, 2, 0, true]);
  assert.equal([verdict(rig, ownerTicket(rig.owner)), verdict(rig, ticketFor(rig, grant.id))], ['not_owner', 'not_granted']);
  const { receipt } = await done;
  assert.equal([receipt.epoch, receipt.closed.length], [2, 2]);
  await rig.restart();
  assert.equal([rig.permissions.owner, rig.permissions.epoch, rig.permissions.isErasureDue], [null, 2, true]);
  assert.ok(rig.permissions.isOperatorAgreed());
  await rig.permissions.reset();
  await rig.permissions.install(ownerOf(next, 0));
  assert.equal([rig.permissions.epoch, verdict(rig, ownerTicket(next)), rig.permissions.list(null).grants.length], [3, 'yes', 0]);
  assert.is(await codeOf(give(rig)), 'signature.key', 'the old owner’s key opens nothing');
});

it('a reset while a grant, a device, a hand-over or an owner is being stored: nothing of it is left, in memory or on disk', async () => {
  const grant = newGrant(rig);
  const statement = await signGrant(rig, grant);
  const reset = () => rig.permissions.reset();
  assert.is(await whileStoring(() => rig.permissions.grant(statement, null), reset), 'permissions.no_owner');
  const install = () => rig.permissions.install(ownerOf(rig.owner, 0));
  rig.store.beforeSave = async () => undefined;
  await install();
  const device = { key: next.publicKey, kid: next.signer.kid, deviceName: 'x', epoch: rig.permissions.epoch };
  assert.is(await whileStoring(() => rig.permissions.joinByCode(device), reset), 'permissions.no_owner');
  rig.store.beforeSave = async () => undefined;
  await install();
  const offer = await signOffer(rig, next);
  const accept = await signAccept(rig, offer, next);
  assert.is(await whileStoring(() => accepted(offer, accept), reset), 'permissions.no_owner');
  const kept = await rig.store.load();
  assert.equal([kept?.owner, kept?.grants, kept?.epoch], [null, [], 4]);
  // Pairing that ends after the reset began is a pairing after the reset.
  assert.is(await whileStoring(install, reset), 'resolved');
  await rig.restart();
  assert.equal([rig.permissions.epoch, verdict(rig, ownerTicket(rig.owner))], [5, 'yes']);
  assert.is(verdict(rig, ticketFor(rig, grant.id, 'live-view', null, EMPLOYEE)), 'not_granted');
});

it('a reset that could not be stored counts all the same, and is stored as soon as it can be', async () => {
  let isFull = true;
  rig.store.beforeSave = async () => {
    if (isFull) throw new RangeError('the disk is full');
  };
  await rig.permissions.reset().then(
    () => assert.unreachable(),
    () => undefined,
  );
  assert.is(rig.permissions.owner, null);
  assert.not.equal((await rig.store.load())?.owner, null);
  isFull = false;
  await rig.permissions.expire();
  assert.is((await rig.store.load())?.owner, null);
});

it.run();
