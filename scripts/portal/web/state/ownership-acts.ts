import { thumbprint } from '../../../../agent/contract/jws.js';
import type { AnswerOf } from '../../../../agent/contract/operations.js';
import type { HandOverOffer, Person } from '../../../../agent/contract/statements.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { signConsent } from '../../client/consent.js';
import { acceptOffer, signOffer } from '../../client/hand-over.js';
import type { Handed } from '../../client/handed-text.js';
import { ownerIdentity } from '../../client/identity.js';
import type { OwnedRecorder } from '../../client/keyring.js';
import type { SigningKey } from '../../client/keys.js';
import { joinAsDevice, signDelegation } from '../../client/owner-devices.js';
import type { AppState } from './app-state.js';
import { recordOf } from './owner-acts.js';
import { type RecorderSession, tellable } from './recorder-session.js';
import type { RecorderLink } from './services.js';

type Permissions = AnswerOf<'permissions.list'>;

/** Opens a recorder with a key for as long as `work` takes. */
async function withLink<T>(
  app: AppState,
  serial: string,
  key: SigningKey,
  deviceKey: string | null,
  work: (link: RecorderLink) => Promise<T>,
) {
  const link = app.services.openRecorder(serial, ownerIdentity(key.signer), deviceKey);
  try {
    await link.start();
    return await work(link);
  } finally {
    link.close();
  }
}

/**
 * Makes the spare key this recorder's while `work` asks for it. It is kept before the recorder learns it, and stays when only the answer was
 * lost: it may be the owner's already. After a refusal everything is as it was.
 */
async function withNewKey(app: AppState, record: OwnedRecorder, work: () => Promise<Partial<OwnedRecorder>>): Promise<void> {
  const before = app.owned.value.find((one) => one.serial === record.serial);
  await app.saveOwned(record);
  try {
    const learnt = await work();
    await app.saveOwned({ ...record, ...learnt });
  } catch (error) {
    if (tellable(error).code === 'client.timeout') await app.services.keyring.useSpareKey();
    else await (before === undefined ? app.removeOwned(record.serial) : app.saveOwned(before));
    throw error;
  }
  await app.services.keyring.useSpareKey();
}

function blankRecord(serial: string, deviceKey: string | null, site: string, key: SigningKey): OwnedRecorder {
  return { serial, deviceKey, site, person: null, signer: key.signer, publicKey: key.publicKey, waiting: null };
}

/** A page that was closed before the answer came asks again: the recorder then says that this device is the owner's already, which is the aim. */
async function siteOf(link: RecorderLink, asked: Promise<{ readonly site: string }>): Promise<{ site: string }> {
  try {
    return { site: (await asked).site };
  } catch (error) {
    if (tellable(error).code !== 'permissions.owner_needs_none') throw error;
    return { site: (await link.call('permissions.list', {})).site };
  }
}

/** Adds this device to the owner's by the link that another one made. */
export async function joinByLink(app: AppState, handed: Handed, deviceName: string): Promise<void> {
  const key = await app.services.keyring.spareKey();
  const { serial, deviceKey, statement } = handed;
  await withNewKey(app, blankRecord(serial, deviceKey, serial, key), () =>
    withLink(app, serial, key, deviceKey, (link) => siteOf(link, joinAsDevice(link, key.publicKey, statement, deviceName))),
  );
}

/** Opens a recorder whose owner added this device's key elsewhere: it is there when the recorder answers its owner's questions. */
export async function joinBySerial(app: AppState, serial: string): Promise<void> {
  const key = await app.services.keyring.spareKey();
  await withNewKey(app, blankRecord(serial, null, serial, key), () =>
    withLink(app, serial, key, null, async (link) => {
      const { site } = await link.call('permissions.list', {});
      const status = link.status;
      return { site, deviceKey: status === undefined ? null : await thumbprint(status.key) };
    }),
  );
}

/** What the new owner typed. */
export interface TakePart {
  readonly person: Person;
  readonly site: string;
  readonly deviceName: string;
}

/** Accepts an offer and consents; from the answer on the recorder is this device's. */
export async function takeOver(app: AppState, handed: Handed, offer: HandOverOffer, part: TakePart): Promise<void> {
  const key = await app.services.keyring.spareKey();
  const { serial, deviceKey, operator } = handed;
  const record = { ...blankRecord(serial, deviceKey, part.site, key), person: part.person };
  await withNewKey(app, record, () =>
    withLink(app, serial, key, deviceKey, (link) =>
      siteOf(link, acceptOffer(link, handed, offer, { ...part, key, operator, at: Date.now() })),
    ),
  );
}

async function handed(app: AppState, session: RecorderSession, sign: (permissions: Permissions, record: OwnedRecorder) => Promise<string>) {
  const record = recordOf(app, session);
  const permissions = await session.link.call('permissions.list', {});
  const status = session.link.status;
  if (status === undefined)
    throw new AgentError({ code: 'client.unreachable', say: 'Nothing is known of this recorder.', fix: 'Try again.' });
  const text: Handed = {
    serial: session.serial,
    deviceKey: await thumbprint(status.key),
    statement: await sign(permissions, record),
    operator: permissions.operator,
  };
  return text;
}

/** A link that adds one device, once, within 15 minutes. */
export function makeJoinText(app: AppState, session: RecorderSession): Promise<Handed> {
  return handed(app, session, (permissions, record) => signDelegation(session.serial, permissions, record.signer));
}

/** A link that hands the recorder over to this key. */
export function makeOfferText(
  app: AppState,
  session: RecorderSession,
  to: OwnedRecorder['publicKey'],
  erasePeople: boolean,
): Promise<Handed> {
  return handed(app, session, (permissions, record) => signOffer(session.serial, permissions, to, erasePeople, record.signer));
}

/** Agrees to the text as it is now, and to whom the recorder is set up to speak with now. */
export async function agreeAgain(app: AppState, session: RecorderSession, permissions: Permissions): Promise<void> {
  const { signer } = recordOf(app, session);
  const { owner: person, role, operator } = permissions;
  const facts = { serial: session.serial, person, role, method: 'renewed', operator, at: Date.now() } as const;
  await session.link.call('owner.consent', { consent: await signConsent(facts, signer) });
}
