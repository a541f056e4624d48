import type { PublicJwk } from '../contract/shapes.js';
import type { Operator, Organisation } from '../contract/statements.js';
import type { HeldGrant, Owner, PermissionState } from '../contract/stored.js';
import type { GrantState, MyPermissions, PermissionsInfo, WithdrawReceipt } from '../contract/views.js';
import { isSameOperator } from './consent.js';
import type { ClosedSession } from './ports.js';

/** What views are made of beside the state. `isOutlived`: by the clock that cannot be turned back. */
export interface ViewFacts {
  readonly nowAt: number;
  readonly isOutlived: (id: string) => boolean;
  readonly operator: Operator | null;
  readonly consentText: string;
  readonly isTimeKnown: boolean;
}

function viewGrant(held: HeldGrant, epoch: number, { nowAt, isOutlived }: ViewFacts): GrantState {
  const { id, org, scopes, cams, hours, footage, iat, exp } = held.grant;
  const isCurrent = held.ended === null && held.grant.epoch === epoch;
  const isOver = nowAt >= exp || isOutlived(id);
  const state = !isCurrent ? (held.ended?.how ?? 'withdrawn') : isOver ? 'expired' : 'in-force';
  const bounds = footage === undefined ? {} : { footage };
  return { id, org, scopes, cams, hours, ...bounds, iat, exp, state, endedAt: held.ended?.at ?? null };
}

/** Everything the owner decides about. `askerKid`: the device that asks, null for somebody at the recorder. */
export function viewForOwner(state: PermissionState, owner: Owner, askerKid: string | null, facts: ViewFacts): PermissionsInfo {
  const { consent } = owner;
  return {
    epoch: state.epoch,
    now: facts.nowAt,
    isTimeKnown: facts.isTimeKnown,
    site: owner.site,
    owner: consent.by,
    role: consent.role,
    consent: { at: consent.iat, textVersion: consent.ver, isStale: consent.text !== facts.consentText, operator: consent.operator },
    operator: facts.operator,
    devices: owner.devices.map(({ kid, name, addedAt }) => ({ kid, name, addedAt, isThis: kid === askerKid })),
    applications: state.applications,
    grants: state.grants.map((held) => viewGrant(held, state.epoch, facts)),
  };
}

/** What an organisation may know about itself; `kid` is the thumbprint of its key. */
export function viewForOrganisation(
  state: PermissionState,
  owner: Owner,
  { key }: Organisation,
  kid: string,
  facts: ViewFacts,
): MyPermissions {
  const ours = state.grants.filter((held) => isSameKey(held.grant.org.key, key));
  return {
    epoch: state.epoch,
    now: facts.nowAt,
    // Only whoever this owner has dealt with learns what the place is called now.
    site: ours.some((held) => held.receivedAt >= owner.since) ? owner.site : '',
    pending: state.applications.filter((known) => isSameKey(known.org.key, key)).map(({ id, scopes, at }) => ({ id, scopes, at })),
    declined: state.declined.filter((known) => known.org === kid).map(({ id, at }) => ({ id, at })),
    grants: ours.map((held) => ({ ...viewGrant(held, state.epoch, facts), statement: held.statement })),
  };
}

/** Whether both are the same point of the curve. */
export function isSameKey(one: PublicJwk, other: PublicJwk): boolean {
  return one.x === other.x && one.y === other.y;
}

/** Whether the consent is to whom the recorder is set up to speak with; with nobody there is nothing to agree to. */
export function isAgreed(owner: Owner | null, operator: Operator | null): boolean {
  return owner === null || operator === null || isSameOperator(owner.consent.operator, operator);
}

/** What an act ended; `order` is the SHA-256 of the statement that asked for it. */
export function makeReceipt(order: string, epoch: number, closed: readonly ClosedSession[]): WithdrawReceipt {
  return {
    withdraw: order,
    epoch,
    closed: closed.map(({ session, cam, lastMediaMs }) => ({ session, cam, lastMediaMs })),
    lastMediaMs: Math.max(0, ...closed.map(({ lastMediaMs }) => lastMediaMs)),
  };
}
