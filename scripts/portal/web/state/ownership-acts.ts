import { thumbprint } from '../../../../agent/contract/jws.js';
import type { AnswerOf } from '../../../../agent/contract/operations.js';
import { type HandOverOffer, OFFER_MAX_MS, type Person } from '../../../../agent/contract/statements.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import { signConsent } from '../../client/consent.js';
import { acceptOffer, signOffer } from '../../client/hand-over.js';
import { type AddedTo, type Handed, handedLink } from '../../client/handed-text.js';
import { ownerIdentity } from '../../client/identity.js';
import type { OpenOffer, OwnedRecorder } from '../../client/keyring.js';
import type { SigningKey } from '../../client/keys.js';
import { joinAsDevice, signDelegation } from '../../client/owner-devices.js';
import type { AppState } from './app-state.js';
import { isNoAnswer, recordOf, type Withdrawn, withdraw } from './owner-acts.js';
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
 * lost: it may be the owner's already, and so may the one before it, which is kept too. After a refusal everything is as it was.
 */
async function withNewKey(app: AppState, record: OwnedRecorder, work: () => Promise<Partial<OwnedRecorder>>): Promise<void> {
  const before = app.owned.value.find((one) => one.serial === record.serial);
  await app.saveOwned(record);
  try {
    const learnt = await work();
    await app.saveOwned({ ...record, ...learnt });
  } catch (error) {
    if (tellable(error).code === 'client.timeout') {
      await app.saveOwned({ ...record, before });
      await app.services.keyring.useSpareKey();
    } else await (before === undefined ? app.removeOwned(record.serial) : app.saveOwned(before));
    throw error;
  }
  await app.services.keyring.useSpareKey();
}

/**
 * Whoever writes a link could name a recorder of their own under a serial number that this browser knows.
 * @throws AgentError portal.other_recorder
 */
function mustBeKnownOne(app: AppState, { serial, deviceKey }: AddedTo): void {
  const known = app.owned.value.find((one) => one.serial === serial)?.deviceKey ?? deviceKey;
  if (known === deviceKey) return;
  throw new AgentError({
    code: 'portal.other_recorder',
    say: 'This link is for another recorder with the same serial number as one of yours.',
    fix: 'Do not use it: ask whoever gave it to you. The recorder that you have here stays as it is.',
  });
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
  mustBeKnownOne(app, handed);
  const key = await app.services.keyring.spareKey();
  const { serial, deviceKey, statement } = handed;
  await withNewKey(app, blankRecord(serial, deviceKey, serial, key), () =>
    withLink(app, serial, key, deviceKey, (link) => siteOf(link, joinAsDevice(link, key.publicKey, statement, deviceName))),
  );
}

/** Asks the recorder whether its owner has added this device's key. */
async function joinWithKey(app: AppState, serial: string, deviceKey: string | null): Promise<void> {
  const key = await app.services.keyring.spareKey();
  await withNewKey(app, blankRecord(serial, deviceKey, serial, key), () =>
    withLink(app, serial, key, deviceKey, async (link) => {
      const { site } = await link.call('permissions.list', {});
      return { site, deviceKey: deviceKey ?? (link.status === undefined ? null : await thumbprint(link.status.key)) };
    }),
  );
}

/** Opens a recorder whose owner added this device's key: the owner's device told which recorder it is. */
export function joinAdded(app: AppState, added: AddedTo): Promise<void> {
  mustBeKnownOne(app, added);
  return joinWithKey(app, added.serial, added.deviceKey);
}

/**
 * The same on the recorder's own page, which the person has opened at the recorder: nothing stands in between. Through a relay the first
 * recorder that answers to a serial number may be anybody's.
 * @throws AgentError portal.link_needed anywhere else
 */
export async function joinOnSite(app: AppState): Promise<void> {
  const serial = app.services.onSite?.serial;
  if (serial !== undefined) return joinWithKey(app, serial, app.owned.value.find((one) => one.serial === serial)?.deviceKey ?? null);
  throw new AgentError({
    code: 'portal.link_needed',
    say: 'A serial number does not tell which recorder is the right one.',
    fix: 'Scan or paste the link that the other device shows.',
  });
}

/** What the new owner typed. */
export interface TakePart {
  readonly person: Person;
  readonly site: string;
  readonly deviceName: string;
}

/** Accepts an offer and consents; from the answer on the recorder is this device's. */
export async function takeOver(app: AppState, handed: Handed, offer: HandOverOffer, part: TakePart): Promise<void> {
  mustBeKnownOne(app, handed);
  const key = await app.services.keyring.spareKey();
  const { serial, deviceKey, operator } = handed;
  const record = { ...blankRecord(serial, deviceKey, part.site, key), person: part.person };
  await withNewKey(app, record, () =>
    withLink(app, serial, key, deviceKey, (link) =>
      siteOf(link, acceptOffer(link, handed, offer, { ...part, key, operator, at: Date.now() })),
    ),
  );
}

/** Which recorder this is: its serial number, and the key that every answer of it was checked with. @throws AgentError client.unreachable */
export async function identityOf(session: RecorderSession): Promise<AddedTo> {
  const { status } = session.link;
  if (status !== undefined) return { serial: session.serial, deviceKey: await thumbprint(status.key) };
  throw new AgentError({ code: 'client.unreachable', say: 'Nothing is known of this recorder.', fix: 'Try again.' });
}

/** A link that adds one device, once, within 15 minutes. */
export async function makeJoinText(app: AppState, session: RecorderSession): Promise<Handed> {
  const permissions = await session.link.call('permissions.list', {});
  const statement = await signDelegation(session.serial, permissions, recordOf(app, session).signer);
  return { ...(await identityOf(session)), statement, operator: permissions.operator };
}

/** Makes a link that hands the recorder over to this key, and keeps it: it can be accepted for 7 days. `page`: the app's address. */
export async function makeOffer(
  app: AppState,
  session: RecorderSession,
  to: OwnedRecorder['publicKey'],
  erasePeople: boolean,
  page: string,
): Promise<void> {
  const permissions = await session.link.call('permissions.list', {});
  const { epoch, now, operator } = permissions;
  const statement = await signOffer(session.serial, permissions, to, erasePeople, recordOf(app, session).signer);
  const link = handedLink(page, 'take', { ...(await identityOf(session)), statement, operator });
  await app.saveOwned({ ...recordOf(app, session), offer: { link, exp: now + OFFER_MAX_MS, epoch } });
}

/** Whether an offer may still be accepted; without the recorder's own word (`heard`), by this device's clock. */
export function isOpenOffer(offer: OpenOffer, heard: Pick<Permissions, 'epoch' | 'now'> | undefined): boolean {
  return offer.exp > (heard?.now ?? Date.now()) && (heard === undefined || heard.epoch === offer.epoch);
}

/**
 * Takes every open offer back. An offer is void as soon as everything was withdrawn: that is the one thing which the recorder can be told about it.
 * When it does not answer, the order waits for it as any withdrawal does.
 */
export async function takeOfferBack(app: AppState, session: RecorderSession): Promise<Withdrawn> {
  const { offer } = recordOf(app, session);
  const heard = await session.link.call('permissions.list', {}).catch((error: unknown) => {
    if (offer === undefined || !isNoAnswer(error)) throw error;
    return { epoch: offer.epoch, now: offer.exp - OFFER_MAX_MS };
  });
  const outcome = await withdraw(app, session, heard, 'all');
  if (outcome.kind === 'done') await app.saveOwned({ ...recordOf(app, session), offer: undefined });
  return outcome;
}

/** Agrees to the text as it is now, and to whom the recorder is set up to speak with now. */
export async function agreeAgain(app: AppState, session: RecorderSession, permissions: Permissions): Promise<void> {
  const { signer } = recordOf(app, session);
  const { owner: person, role, operator } = permissions;
  const facts = { serial: session.serial, person, role, method: 'renewed', operator, at: Date.now() } as const;
  await session.link.call('owner.consent', { consent: await signConsent(facts, signer) });
}
