import { claimedKid, type StatementType, thumbprint, unverifiedPayload, verifyStatement } from '../contract/jws.js';
import { type PublicJwk, parseShape } from '../contract/shapes.js';
import { Cancellation, Consent, HandOverAccept, HandOverOffer } from '../contract/statements.js';
import type { Owner, OwnerDevice, PermissionState } from '../contract/stored.js';
import { sha256Text } from '../contract/text.js';
import { AgentError } from '../kernel/errors.js';
import { judgeCancellation } from './cancellations.js';
import { judgeConsent } from './consent.js';
import { DEVICE_REMOVED, type Denial, deny, NO_OWNER, NOT_OWNER } from './denial.js';
import { judgeAccept, judgeOffer } from './hand-over.js';
import type { PermissionParts } from './ports.js';

/** What `verifyStatement` takes for the shape of a payload. */
type Shape<T> = Parameters<typeof verifyStatement<T>>[3];

/** Throws what a judgement says against it. */
export function refuse(denial: Denial | undefined): void {
  if (denial !== undefined) throw new AgentError(denial);
}

/** @throws AgentError permissions.no_owner */
export function ownerOf(state: PermissionState): Owner {
  if (state.owner === null) throw new AgentError(NO_OWNER);
  return state.owner;
}

/** One of the owner's devices. @throws AgentError permissions.no_owner | device_removed | not_owner */
export function deviceOf(state: PermissionState, kid: string, removed: ReadonlySet<string>): OwnerDevice {
  const device = ownerOf(state).devices.find((known) => known.kid === kid);
  if (device === undefined) throw new AgentError(removed.has(kid) ? DEVICE_REMOVED : NOT_OWNER);
  return device;
}

/** What one of the owner's devices signed. `otherwise`: the refusal when the key is none of theirs. @throws AgentError signature.* | message.* */
export async function readByDevice<T>(
  owner: Owner,
  statement: string,
  type: StatementType,
  shape: Shape<T>,
  otherwise?: Denial,
): Promise<T> {
  const kid = claimedKid(statement, type);
  const device = owner.devices.find((known) => known.kid === kid);
  if (device === undefined) {
    const say = 'The message was not signed by one of the owner’s devices.';
    throw new AgentError(otherwise ?? { code: 'signature.key', say, fix: 'Sign it on one of the owner’s devices.' });
  }
  return verifyStatement(statement, type, device.key, shape);
}

/** What a consent must agree with, out of what the authorizer has. */
type Terms = Pick<PermissionParts, 'serial' | 'consentText' | 'operator'>;

/** A consent that this key signed to what is in force here. @throws AgentError permissions.consent_* | other_recorder | signature.* | message.* */
export async function readConsent(terms: Terms, statement: string, key: PublicJwk, role: Consent['role']): Promise<Consent> {
  const consent = await verifyStatement(statement, 'consent+jws', key, Consent);
  refuse(judgeConsent(consent, { ...terms, role }));
  return consent;
}

/** A hand-over whose signatures are right; whether it can take place is judged once more where it is decided. */
export interface Accepted {
  /** The new owner's key. */
  readonly kid: string;
  readonly site: string;
  readonly erasePeople: boolean;
  readonly consent: Consent;
  readonly consentStatement: string;
  judgeAgain(state: PermissionState, nowAt: number): Denial | undefined;
}

/**
 * Offer and acceptance as the new owner's device brings them. Both are judged before they are verified: an unverified text can only be refused by
 * that, and so each wrong order of things has its own reason. @throws AgentError permissions.* | signature.* | message.*
 */
export async function readAcceptance(
  parts: PermissionParts,
  wish: { readonly key: PublicJwk; readonly offer: string; readonly accept: string },
  stateNow: () => PermissionState,
): Promise<Accepted> {
  const { serial, clock } = parts;
  const byKid = claimedKid(wish.offer, 'offer+jws');
  const claimed = parseShape(HandOverOffer, unverifiedPayload(wish.offer));
  const [toKid, bearerKid, offerHash] = [await thumbprint(claimed.to), await thumbprint(wish.key), await sha256Text(wish.offer)];
  const judgeAgain = (state: PermissionState, nowAt: number): Denial | undefined =>
    judgeOffer(claimed, { nowAt, serial, epoch: state.epoch, owner: state.owner, byKid, toKid });
  refuse(judgeAgain(stateNow(), clock.now()));
  // The bytes that are verified are those that were read above: what was judged is what was signed.
  await readByDevice(ownerOf(stateNow()), wish.offer, 'offer+jws', HandOverOffer);
  const facts = { serial, epoch: claimed.epoch, offerHash, toKid, bearerKid, byKid: claimedKid(wish.accept, 'accept+jws') };
  refuse(judgeAccept(parseShape(HandOverAccept, unverifiedPayload(wish.accept)), facts));
  const accept = await verifyStatement(wish.accept, 'accept+jws', claimed.to, HandOverAccept);
  const consent = await readConsent(parts, accept.consent, claimed.to, 'owner');
  return { kid: toKid, site: accept.site, erasePeople: claimed.erasePeople, consent, consentStatement: accept.consent, judgeAgain };
}

/** What the log is told of a list of called-back badges. `isNew` false: it counted already. */
export interface CalledBack {
  /** Thumbprint of the organisation's key. */
  readonly org: string;
  /** What it calls itself in the owner's grant. */
  readonly organisation: string;
  /** Thumbprints of the keys whose badges are called back. */
  readonly keys: readonly string[];
}

/** An organisation's list, and whether it counts; judged again in the tick in which it is taken. */
export interface ReadCancellation {
  readonly list: Cancellation;
  readonly told: CalledBack;
  judgeAgain(state: PermissionState): 'new' | 'same' | Denial;
}

const UNKNOWN_ORGANISATION = deny(
  'unknown_organisation',
  'No permission of this organisation is known here, so there are no badges to call back.',
  'Nothing needs to be done: without a permission its badges open nothing.',
);

/** A list signed by an organisation to which the owner gave something in this epoch. @throws AgentError permissions.* | signature.* | message.* */
export async function readCancellation(statement: string, stateNow: () => PermissionState): Promise<ReadCancellation> {
  const kid = claimedKid(statement, 'cancel+jws');
  const orgs = current(stateNow()).map((held) => held.grant.org);
  const kids = await Promise.all(orgs.map((org) => thumbprint(org.key)));
  // The newest grant says what it is called now.
  const org = orgs[kids.lastIndexOf(kid)];
  if (org === undefined) throw new AgentError(UNKNOWN_ORGANISATION);
  const list = await verifyStatement(statement, 'cancel+jws', org.key, Cancellation);
  if (list.org !== kid) throw new AgentError(UNKNOWN_ORGANISATION);
  return {
    list,
    told: { org: kid, organisation: org.name, keys: list.keys },
    judgeAgain: (state) => {
      const isKnown = current(state).some((held) => held.grant.org.key.x === org.key.x && held.grant.org.key.y === org.key.y);
      return isKnown ? judgeCancellation(list, state.cancelled) : UNKNOWN_ORGANISATION;
    },
  };
}

function current(state: PermissionState): PermissionState['grants'] {
  return state.grants.filter((held) => held.grant.epoch === state.epoch);
}
