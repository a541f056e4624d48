import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Delegation } from '../../../../agent/contract/statements.js';
import { withUsed } from '../../../../agent/permissions/devices.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import {
  codeOf,
  DAY,
  gate,
  give,
  handOver,
  MINUTE,
  makeRig,
  newGrant,
  ownerTicket,
  type PermissionRig,
  signConsent,
  signDelegation,
  signGrant,
  signWithdrawal,
  ticketFor,
  verdict,
} from './permission-rig.js';

let rig: PermissionRig;
let phone: SigningKey;

const it = suite('the owner’s devices');

it.before.each(async () => {
  rig = await makeRig();
  phone = await newSigningKey();
});

const names = (): readonly string[] => rig.permissions.list(null).devices.map(({ name }) => name);
const addPhone = (byKid?: string) => rig.permissions.addDevice({ key: phone.publicKey, name: 'Second phone', byKid });
const join = (delegation: string, key = phone) => rig.permissions.join({ key: key.publicKey, delegation, deviceName: 'Tablet' });

it('a second device does everything that the first one does, and is listed by name', async () => {
  assert.equal(await addPhone(rig.owner.signer.kid), { kid: phone.signer.kid });
  assert.is(verdict(rig, ownerTicket(phone)), 'yes');
  assert.equal(rig.permissions.ownerDevice(phone.signer.kid)?.key, phone.publicKey);
  const grant = await give(rig, {}, phone);
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'yes');
  await rig.permissions.withdraw(await signWithdrawal(rig, { ids: [grant.id] }, phone));
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'withdrawn');
  assert.equal(
    rig.permissions.list(phone.signer.kid).devices.map(({ name, isThis }) => [name, isThis]),
    [
      ['Ada’s phone', false],
      ['Second phone', true],
    ],
  );
  await rig.restart();
  assert.is(verdict(rig, ownerTicket(phone)), 'yes');
});

it('a device is added once, and sixteen at most', async () => {
  await addPhone();
  assert.is(await codeOf(addPhone()), 'permissions.device_known');
  const own = { key: rig.owner.publicKey, kid: rig.owner.signer.kid, deviceName: 'again', epoch: 1 };
  assert.is(await codeOf(rig.permissions.joinByCode(own)), 'permissions.device_known');
  const keys = await Promise.all(Array.from({ length: 15 }, () => newSigningKey()));
  const results = await Promise.all(keys.map((key) => codeOf(rig.permissions.addDevice({ key: key.publicKey, name: 'one more' }))));
  // Which of them is the one too many is left to whose key was looked at first.
  assert.equal(results.sort(), ['permissions.too_many_devices', ...Array.from({ length: 14 }, () => 'resolved')]);
  assert.is(rig.permissions.owner?.devices.length, 16);
  await rig.permissions.removeDevice(phone.signer.kid);
  assert.is(await codeOf(addPhone()), 'resolved');
});

it('without an owner no device is added, by nobody', async () => {
  const empty = await makeRig(false);
  const byCode = { key: phone.publicKey, kid: phone.signer.kid, deviceName: 'x', epoch: 1 };
  assert.is(await codeOf(empty.permissions.joinByCode(byCode)), 'permissions.no_owner');
  assert.is(await codeOf(empty.permissions.addDevice({ key: phone.publicKey, name: 'x' })), 'permissions.no_owner');
  const delegation = await signDelegation(empty);
  assert.is(await codeOf(empty.permissions.join({ key: phone.publicKey, delegation, deviceName: 'x' })), 'permissions.no_owner');
  assert.is(await codeOf(empty.permissions.removeDevice(phone.signer.kid)), 'permissions.no_owner');
});

it('by the code: one more device', async () => {
  await rig.permissions.joinByCode({ key: phone.publicKey, kid: phone.signer.kid, deviceName: 'Kitchen tablet', epoch: 1 });
  assert.equal(names(), ['Ada’s phone', 'Kitchen tablet']);
  assert.is(verdict(rig, ownerTicket(phone)), 'yes');
});

it('a code that the owner of before had made adds nothing to the next owner, also when both come in the same moment', async () => {
  const bea = await newSigningKey();
  const device = { key: phone.publicKey, kid: phone.signer.kid, deviceName: 'Ada’s tablet', epoch: rig.permissions.epoch };
  await handOver(rig, bea);
  assert.is(await codeOf(rig.permissions.joinByCode(device)), 'permissions.code_void');
  assert.equal(names(), ['Bea’s phone']);
});

it('by a delegation of any device: one more, once', async () => {
  const [tablet, laptop] = await Promise.all([newSigningKey(), newSigningKey()]);
  assert.equal(await join(await signDelegation(rig)), { kid: phone.signer.kid });
  const order = await signDelegation(rig, {}, phone);
  await join(order, tablet);
  assert.is(verdict(rig, ownerTicket(tablet)), 'yes');
  assert.is(await codeOf(join(order, laptop)), 'permissions.delegation_used');
  assert.is(await codeOf(join(order, tablet)), 'permissions.device_known', 'who lost the answer learns that it is done');
  await rig.restart();
  assert.is(await codeOf(join(order, laptop)), 'permissions.delegation_used', 'after a restart too');
  await rig.clock.advance(16 * MINUTE);
  await join(await signDelegation(rig), await newSigningKey());
  rig.clock.stepWall(-16 * MINUTE);
  assert.is(await codeOf(join(order, laptop)), 'permissions.delegation_used', 'and when the clock was turned back');
});

it('used delegations are forgotten when they have run out and are many', () => {
  const order = (id: string, exp: number): Delegation => ({ v: 1, id, dev: 'SN4F2K7Q9D', epoch: 1, iat: 0, exp });
  let used: ReturnType<typeof withUsed> = [];
  for (let count = 0; count < 100; count += 1) used = withUsed(used, order(`${count}`, count < 50 ? 1 : 9), 0);
  assert.is(used.length, 100, 'none that may still be good');
  used = withUsed(used, order('100', 9), 5);
  assert.equal([used.length, used[0]?.id], [64, '37'], 'the newest stay in any case');
});

it('two who come at once with one delegation: one is let in', async () => {
  const keys = await Promise.all([newSigningKey(), newSigningKey(), newSigningKey()]);
  const order = await signDelegation(rig);
  const results = await Promise.all(keys.map((key) => codeOf(join(order, key))));
  assert.equal(results.sort(), ['permissions.delegation_used', 'permissions.delegation_used', 'resolved']);
  assert.is(rig.permissions.owner?.devices.length, 2);
});

it('a delegation that is wrong in any way adds nobody, and says in which', async () => {
  const now = rig.clock.now();
  const cases: readonly [Partial<Delegation>, string][] = [
    [{ dev: 'SN4F2K7Q9E' }, 'permissions.other_recorder'],
    [{ epoch: 2 }, 'permissions.delegation_void'],
    [{ exp: now }, 'permissions.delegation_expired'],
    [{ exp: now + 15 * MINUTE + 1 }, 'permissions.delegation_too_long'],
    [{ iat: now + 2 * MINUTE, exp: now + 16 * MINUTE }, 'permissions.delegation_too_long'],
    [{ iat: now - DAY }, 'permissions.delegation_too_long'],
  ];
  for (const [change, code] of cases) assert.is(await codeOf(join(await signDelegation(rig, change))), code, JSON.stringify(change));
  assert.is(await codeOf(join(await signDelegation(rig, {}, phone))), 'permissions.delegation_not_owner');
  assert.is(await codeOf(join(await signGrant(rig, newGrant(rig)))), 'signature.type');
  const good = await signDelegation(rig);
  const [header, payload, signature = ''] = good.split('.');
  const forged = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
  assert.is(await codeOf(join(forged)), 'signature.invalid');
  assert.equal(names(), ['Ada’s phone']);
  await rig.permissions.withdrawLocally();
  assert.is(await codeOf(join(good)), 'permissions.delegation_void', 'everything was withdrawn since');
});

it('a delegation that could not be written down as used adds nobody', async () => {
  const order = await signDelegation(rig);
  rig.store.beforeSave = async () => {
    throw new RangeError('the disk is gone');
  };
  await join(order).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'the disk is gone'),
  );
  assert.is(verdict(rig, ownerTicket(phone)), 'not_owner');
  rig.store.beforeSave = async () => undefined;
  await join(order);
  assert.is(verdict(rig, ownerTicket(phone)), 'yes');
});

it('removing a device: in this very tick it is no owner, what it runs ends, what it signed is refused', async () => {
  await addPhone();
  const [delegation, withdrawal, grant] = [
    await signDelegation(rig, {}, phone),
    await signWithdrawal(rig, { all: true }, phone),
    await signGrant(rig, newGrant(rig), phone),
  ];
  const given = await give(rig, {}, phone);
  rig.sessions.set('theirs', ownerTicket(phone, 'live-view')).set('mine', ownerTicket(rig.owner, 'live-view')).set('other', given.id);
  const done = rig.permissions.removeDevice(phone.signer.kid);
  assert.is(verdict(rig, ownerTicket(phone)), 'device_removed');
  assert.equal([...rig.sessions.keys()], ['mine', 'other'], 'a permission is the owner’s, whichever device gave it');
  assert.equal(
    (await done).closed.map(({ session }) => session),
    ['theirs'],
  );
  assert.is(await codeOf(join(delegation, await newSigningKey())), 'permissions.delegation_not_owner');
  assert.is(await codeOf(rig.permissions.withdraw(withdrawal)), 'signature.key');
  assert.is(await codeOf(rig.permissions.grant(grant, null)), 'signature.key');
  assert.is(await codeOf(addPhone(phone.signer.kid)), 'permissions.device_removed');
  const consent = await signConsent(rig, {}, phone);
  assert.is(await codeOf(rig.permissions.renewConsent(consent, phone.signer.kid)), 'permissions.device_removed');
  await rig.restart();
  assert.is(verdict(rig, ownerTicket(phone)), 'not_owner');
  assert.is(verdict(rig, ownerTicket(rig.owner)), 'yes');
});

it('the last device stays, an unknown one cannot be removed; both at once leave one', async () => {
  assert.is(await codeOf(rig.permissions.removeDevice(rig.owner.signer.kid)), 'permissions.last_device');
  assert.is(await codeOf(rig.permissions.removeDevice(phone.signer.kid)), 'permissions.no_such_device');
  await addPhone();
  const results = await Promise.all([rig.owner, phone].map(({ signer }) => codeOf(rig.permissions.removeDevice(signer.kid))));
  assert.equal(results, ['resolved', 'permissions.last_device']);
  assert.is(verdict(rig, ownerTicket(phone)), 'yes');
});

it('a removed device can be added again', async () => {
  await addPhone();
  await rig.permissions.removeDevice(phone.signer.kid);
  await addPhone();
  assert.is(verdict(rig, ownerTicket(phone)), 'yes');
});

/** Begins something in the name of the phone, removes the phone while it is being stored, and tells how it ended. */
async function removedWhileStoring(begin: () => Promise<unknown>): Promise<string> {
  const [held, begun] = [gate(), gate()];
  rig.store.beforeSave = () => {
    begun.open();
    return held.passed;
  };
  const act = codeOf(begin());
  await begun.passed;
  const removed = rig.permissions.removeDevice(phone.signer.kid);
  held.open();
  const code = await act;
  // Whatever was written too wide is written over before the refusal is told.
  assert.equal((await rig.store.load())?.owner?.devices.map(({ kid }) => kid).includes(phone.signer.kid), false);
  await removed;
  await rig.restart();
  assert.is(verdict(rig, ownerTicket(phone)), 'not_owner');
  return code;
}

it('removed while its grant is being stored: the grant does not come into force, not after a restart either', async () => {
  await addPhone();
  const grant = newGrant(rig);
  const statement = await signGrant(rig, grant, phone);
  assert.is(await removedWhileStoring(() => rig.permissions.grant(statement, null)), 'permissions.device_removed');
  assert.is(verdict(rig, ticketFor(rig, grant.id)), 'not_granted');
});

it('removed while it adds another device, by itself or by a delegation: nobody is added', async () => {
  const tablet = await newSigningKey();
  await addPhone();
  const byItself = () => rig.permissions.addDevice({ key: tablet.publicKey, name: 'Tablet', byKid: phone.signer.kid });
  assert.is(await removedWhileStoring(byItself), 'permissions.device_removed');
  rig.store.beforeSave = async () => undefined;
  await addPhone();
  const order = await signDelegation(rig, {}, phone);
  assert.is(await removedWhileStoring(() => join(order, tablet)), 'permissions.delegation_not_owner');
  assert.equal(names(), ['Ada’s phone']);
});

it('removed while it renews the consent: the old one stays', async () => {
  await addPhone();
  const statement = await signConsent(rig, { by: { name: 'Mallory', email: 'mallory@example.org' } }, phone);
  assert.is(await removedWhileStoring(() => rig.permissions.renewConsent(statement, phone.signer.kid)), 'permissions.device_removed');
  assert.is(rig.permissions.owner?.consent.by.name, 'Ada Owner');
});

it.run();
