import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Handlers } from '../../../../agent/cloud/call.js';
import { ownerHandlers } from '../../../../agent/cloud/handlers/owner.js';
import { signStatement } from '../../../../agent/contract/jws.js';
import { newId, sha256Text } from '../../../../agent/contract/text.js';
import { newSigningKey, type SigningKey } from '../../../../scripts/portal/client/keys.js';
import { TestLog } from '../../../support/test-log.js';
import { ADA, consentOf, type Desk, MINUTE, openDesk, SERIAL } from './desk-rig.js';

const BEN = { name: 'Ben Owner', email: 'ben@example.org' };
const it = suite('owner handlers');

interface Rig {
  readonly desk: Desk;
  /** What followed, in order. */
  readonly followed: string[];
  readonly failing: Set<string>;
  readonly log: TestLog;
}

async function openRig(): Promise<Rig> {
  const rig = { followed: [] as string[], failing: new Set<string>(), log: new TestLog() };
  const follow = (what: string) => async (): Promise<void> => {
    rig.followed.push(what);
    if (rig.failing.has(what)) throw new RangeError('the disk is full');
  };
  const desk = await openDesk(
    (own): Partial<Handlers> =>
      ownerHandlers({
        permissions: own.permissions,
        deviceKid: own.device.signer.kid,
        seal: follow('seal'),
        forgetCode: follow('code'),
        forgetLetters: follow('letters'),
        erasePeople: follow('erase'),
        renewCertificate: follow('certificate'),
        timeTold: () => void rig.followed.push('time'),
        log: rig.log,
      }),
  );
  return { ...rig, desk };
}

/** Result rows as far as these tests go. */
const told = ({ rows }: Desk) =>
  rows
    .filter(({ phase }) => phase === 'result')
    .map(({ action, actor, person, object, result }) => ({ action, actor, person, object, result }));

async function handOver({ owner, permissions, device, clock }: Desk, to: SigningKey, erasePeople: boolean) {
  const { epoch } = permissions;
  const id = newId();
  const offer = await signStatement(
    'offer+jws',
    { v: 1, id, dev: SERIAL, epoch, to: to.publicKey, erasePeople, iat: clock.now(), exp: clock.now() + 24 * 60 * MINUTE },
    owner.signer,
  );
  const consent = await signStatement('consent+jws', consentOf({ by: BEN, method: 'hand-over' }), to.signer);
  const content = { v: 1, dev: SERIAL, epoch, offer: await sha256Text(offer), site: 'New bakery', consent, iat: 0 };
  const accept = await signStatement('accept+jws', content, to.signer);
  return { id, args: { key: to.publicKey, offer, accept, deviceName: 'Ben’s phone' }, deviceKey: device.signer.kid };
}

it('a second device is added and removed by the first; each act is a row that names the device', async () => {
  const { desk } = await openRig();
  const tablet = await newSigningKey();
  const { kid } = tablet.signer;
  const added = await desk.ask('owner.add-device', { key: tablet.publicKey, name: 'Tablet' }, desk.owner);
  assert.equal(added.body, { kid });
  assert.is((await desk.ask('owner.remove-device', { kid: desk.owner.signer.kid }, tablet)).error, null, 'either may');
  assert.is(
    (await desk.ask('owner.add-device', { key: desk.owner.publicKey, name: 'Mine' }, desk.owner)).error?.code,
    'permissions.not_owner',
  );
  assert.equal(told(desk).slice(0, 2), [
    { action: 'owner.add-device', actor: 'owner', person: ADA, object: kid, result: 'ok' },
    { action: 'owner.remove-device', actor: 'owner', person: ADA, object: desk.owner.signer.kid, result: 'ok' },
  ]);
  const [, first, , second] = desk.rows;
  assert.equal([first?.after, second?.before], [{ device: 'Tablet' }, { device: 'Phone' }]);
});

it('a delegation lets one device in, once', async () => {
  const { desk } = await openRig();
  const [tablet, thief] = [await newSigningKey(), await newSigningKey()];
  const delegation = await desk.delegation();
  const join = (as: SigningKey) => desk.ask('owner.join', { key: as.publicKey, delegation, deviceName: 'Tablet' }, as);
  assert.equal((await join(tablet)).body, { epoch: 1, deviceKey: desk.device.signer.kid, site: 'Bakery' });
  assert.is((await join(thief)).error?.code, 'permissions.delegation_used');
  assert.is((await desk.ask('permissions.decline', { application: newId() }, tablet)).error, null);
  assert.equal(told(desk).slice(0, 2), [
    { action: 'owner.join', actor: 'owner', person: ADA, object: tablet.signer.kid, result: 'ok' },
    { action: 'owner.join', actor: 'system', person: undefined, object: thief.signer.kid, result: 'refused' },
  ]);
});

it('renewed consent is a row with what was agreed to', async () => {
  const { desk } = await openRig();
  const consent = await signStatement('consent+jws', consentOf({ method: 'renewed' }), desk.owner.signer);
  assert.is((await desk.ask('owner.consent', { consent }, desk.owner)).error, null);
  assert.equal(desk.rows.at(-1)?.after, {
    ...{ text: 'T'.repeat(43), language: 'en', textVersion: '2026-11', role: 'owner', method: 'renewed' },
    ...{ operator: 'nobody', agreed: ['pairing'], notAgreed: [] },
  });
});

it('a hand-over: the new owner is in, the old one out, the code dead, the log sealed, the certificate asked for, people erased when wished', async () => {
  const { desk, followed } = await openRig();
  const ben = await newSigningKey();
  const { id, args, deviceKey } = await handOver(desk, ben, true);
  assert.equal((await desk.ask('owner.accept', args, ben)).body, { epoch: 2, deviceKey, site: 'New bakery' });
  assert.equal(followed, ['code', 'letters', 'seal', 'certificate', 'erase']);
  assert.is((await desk.ask('permissions.list', {}, desk.owner)).error?.code, 'permissions.not_owner');
  assert.equal(told(desk)[0], { action: 'owner.accept', actor: 'owner', person: BEN, object: id, result: 'ok' });
  assert.equal(
    desk.rows.slice(0, 2).map(({ phase, actor, person }) => ({ phase, actor, person })),
    [
      { phase: 'intent', actor: 'system', person: undefined },
      { phase: 'result', actor: 'owner', person: BEN },
    ],
  );
  assert.not.match(JSON.stringify(desk.rows[1]?.after), /ben@|Ben Owner/, 'a person stands in the row once, where he can be erased');
});

it('without the wish nobody is erased; and what fails after a hand-over undoes nothing and stops nothing', async () => {
  const { desk, followed, failing, log } = await openRig();
  const ben = await newSigningKey();
  for (const what of ['code', 'seal', 'certificate']) failing.add(what);
  const { args } = await handOver(desk, ben, false);
  assert.is((await desk.ask('owner.accept', args, ben)).error, null);
  assert.equal(followed, ['code', 'letters', 'seal', 'certificate']);
  assert.is(log.lines.length, 3);
});

it('a hand-over that is refused is followed by nothing', async () => {
  const { desk, followed } = await openRig();
  const ben = await newSigningKey();
  const { args } = await handOver(desk, ben, true);
  await desk.clock.advance(3 * 24 * 60 * MINUTE);
  assert.is((await desk.ask('owner.accept', args, ben)).error?.code, 'permissions.offer_expired');
  assert.equal(followed, []);
  assert.ok(desk.permissions.ownerDevice(desk.owner.signer.kid) !== undefined);
});

it.run();
