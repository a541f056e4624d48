import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authenticate, SenderDenied } from '../../../../agent/cloud/authenticate.js';
import { signStatement } from '../../../../agent/contract/jws.js';
import type { OperationName } from '../../../../agent/contract/operations.js';
import { newId } from '../../../../agent/contract/text.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { Way } from '../../../../agent/permissions/ticket.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import { ADA, DANA, type Desk, MINUTE, openDesk, SERIAL } from './desk-rig.js';

interface World {
  desk: Desk;
  tablet: SigningKey;
}

const it = suite<World>('authenticate');

it.before(async (world) => {
  world.desk = await openDesk();
  world.tablet = await newSigningKey();
});

interface Said {
  readonly as: SigningKey;
  readonly grant?: string | null;
  readonly badge?: string | null;
}

function sign({ boot, device }: Desk, op: string, args: unknown, { as, grant = null, badge = null }: Said): Promise<string> {
  const command = { v: 1, dev: SERIAL, boot, at: 0, n: 1, id: newId(), op, args, grant, badge, reply: device.publicKey };
  return signStatement('cmd+jws', command, as.signer);
}

/** The ticket, or the code of the denial with a star when its sender is known. */
async function judged(desk: Desk, op: OperationName, args: unknown, said: Said, way: Way = 'relay') {
  try {
    return (await authenticate(await sign(desk, op, args, said), op, desk.permissions, way)).ticket;
  } catch (error) {
    return error instanceof AgentError ? `${error.code}${error instanceof SenderDenied ? ' *' : ''}` : String(error);
  }
}

it('each of the owner’s devices is the owner, by whichever way, until it is removed', async ({ desk, tablet }) => {
  const { owner, permissions } = desk;
  const asTablet = (way: Way) => judged(desk, 'live.open', {}, { as: tablet }, way);
  assert.is(await asTablet('lan'), 'permissions.no_badge');
  const { kid } = await permissions.addDevice({ key: tablet.publicKey, name: 'Tablet' });
  const of = (device: SigningKey, way: Way) => ({ kind: 'owner', kid: device.signer.kid, person: ADA, way, scope: 'live-view' });
  assert.equal(await asTablet('lan'), of(tablet, 'lan'));
  assert.equal(await judged(desk, 'live.open', {}, { as: owner }, 'relay'), of(owner, 'relay'));
  assert.equal(await judged(desk, 'permissions.list', {}, { as: owner }), { ...of(owner, 'relay'), scope: null });
  await permissions.removeDevice(kid);
  assert.is(await asTablet('lan'), 'permissions.no_badge');
  assert.is(await judged(desk, 'permissions.list', {}, { as: tablet }), 'permissions.not_owner');
});

it('one device cannot speak with the signature of another', async ({ desk, tablet }) => {
  const posing = { ...tablet, signer: { ...tablet.signer, kid: desk.owner.signer.kid } };
  assert.is(await judged(desk, 'permissions.list', {}, { as: posing }), 'signature.invalid');
});

it('an employee who asks for what is the owner’s alone is denied by name, and only when the signature is hers', async ({ desk }) => {
  const [dana, stranger] = [await newSigningKey(), await newSigningKey()];
  const { id: grant } = await desk.give();
  const badge = await desk.badge(dana, { grant });
  const said = { as: dana, grant, badge };
  assert.is(await judged(desk, 'log.list', {}, said), 'permissions.not_owner *');
  const posing = { ...stranger, signer: { ...stranger.signer, kid: dana.signer.kid } };
  assert.is(await judged(desk, 'log.list', {}, { ...said, as: posing }), 'signature.invalid');
  assert.is(await judged(desk, 'log.list', {}, { ...said, grant: newId() }), 'permissions.not_owner');
  const ticket = await judged(desk, 'live.open', { cam: 'cam-2' }, said);
  assert.equal(typeof ticket === 'string' ? ticket : { ...ticket, badge: undefined }, {
    kind: 'employee',
    kid: dana.signer.kid,
    person: DANA,
    badge: undefined,
    grantId: grant,
    scope: 'live-view',
    channel: 'cam-2',
  });
});

it('the owner needs no application and no invitation', async ({ desk }) => {
  const { owner } = desk;
  const join = { key: owner.publicKey, delegation: await desk.delegation(), deviceName: 'Phone' };
  assert.is(await judged(desk, 'permissions.mine', {}, { as: owner }), 'permissions.owner_needs_none *');
  assert.is(await judged(desk, 'owner.join', join, { as: owner }), 'permissions.owner_needs_none *');
});

it('a bearer is the key in the arguments, with an invitation by one of the owner’s devices', async ({ desk, tablet }) => {
  const { owner } = desk;
  const stranger = await newSigningKey();
  const [delegation, forged] = await Promise.all([desk.delegation(), desk.delegation({}, stranger)]);
  const join = { key: tablet.publicKey, delegation, deviceName: 'Tablet' };
  const ticket = { kind: 'bearer', kid: tablet.signer.kid, key: tablet.publicKey, person: undefined };
  assert.equal(await judged(desk, 'owner.join', join, { as: tablet }), ticket);
  assert.is(await judged(desk, 'owner.join', join, { as: stranger }), 'permissions.offer_for_another', 'another key in the arguments');
  assert.is(await judged(desk, 'owner.join', { ...join, delegation: forged }, { as: tablet }), 'permissions.delegation_not_owner');
  const cut = `${delegation.slice(0, -4)}AAAA`;
  assert.is(await judged(desk, 'owner.join', { ...join, delegation: cut }, { as: tablet }), 'signature.invalid');
  const posing = { ...stranger, signer: { ...stranger.signer, kid: tablet.signer.kid } };
  assert.is(await judged(desk, 'owner.join', join, { as: posing }), 'signature.invalid');
  const offer = (to: SigningKey) =>
    signStatement(
      'offer+jws',
      { v: 1, id: newId(), dev: SERIAL, epoch: 1, to: to.publicKey, erasePeople: false, iat: 0, exp: MINUTE },
      owner.signer,
    );
  const accept = { key: tablet.publicKey, offer: await offer(tablet), accept: 'a'.repeat(30), deviceName: 'Tablet' };
  assert.equal(await judged(desk, 'owner.accept', accept, { as: tablet }), ticket);
  const others = { ...accept, offer: await offer(stranger) };
  assert.is(await judged(desk, 'owner.accept', others, { as: tablet }), 'permissions.offer_for_another');
  assert.is(
    await judged(desk, 'owner.accept', { ...accept, offer: delegation }, { as: tablet }),
    'signature.type',
    'a delegation is no offer',
  );
});

it('nobody joins or takes over a recorder that has no owner', async ({ desk, tablet }) => {
  const known = { owner: null, ownerDevice: () => undefined, findGrant: () => undefined };
  const args = { key: tablet.publicKey, delegation: await desk.delegation(), deviceName: 'Tablet' };
  const signed = await sign(desk, 'owner.join', args, { as: tablet });
  const code = await authenticate(signed, 'owner.join', known, 'lan').then(
    () => 'joined',
    (error: AgentError) => error.code,
  );
  assert.is(code, 'permissions.no_owner');
});

it.run();
