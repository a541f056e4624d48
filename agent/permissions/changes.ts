import type { PublicJwk } from '../contract/shapes.js';
import type { HeldGrant, PermissionState } from '../contract/stored.js';
import type { Application } from '../contract/views.js';
import { type Denial, deny } from './denial.js';
import { isSameKey } from './views.js';

const APPLICATION_MS = 7 * 86_400_000;
const MOST_APPLICATIONS = 16;

/**
 * The applications when one more comes. A newer one of the same person replaces the older; none is older than a week; when they are many, a
 * stranger's oldest goes first, so that nobody can fill the list and keep others out.
 */
export function withApplication(state: PermissionState, added: Application): Application[] {
  const current = state.applications.filter(
    (known) =>
      added.at - known.at < APPLICATION_MS && !(isSameKey(known.org.key, added.org.key) && known.person.email === added.person.email),
  );
  if (current.length < MOST_APPLICATIONS) return [...current, added];
  const isKnown = (key: PublicJwk): boolean => state.grants.some((held) => isSameKey(held.grant.org.key, key));
  const leaving = current.find((known) => !isKnown(known.org.key)) ?? current[0];
  return [...current.filter((known) => known !== leaving), added];
}

/** Bound of what the recorder keeps of grants. */
const MOST_GRANTS = 128;

/** Too many permissions at once. */
export const TOO_MANY_GRANTS: Denial = deny(
  'too_many',
  'The recorder holds as many permissions as it can.',
  'Withdraw some that are not needed, then try again.',
);

/** The state with one grant more, and the application that it answers gone; undefined when there is no room. Ended grants give way, oldest first. */
export function withGrant(state: PermissionState, held: HeldGrant, application: string | null, nowAt: number): PermissionState | undefined {
  const all = [...state.grants, held];
  const isOver = ({ ended, grant }: HeldGrant): boolean => ended !== null || grant.epoch !== state.epoch || grant.exp <= nowAt;
  let toDrop = Math.max(0, all.length - MOST_GRANTS);
  const grants = all.filter((known) => {
    if (toDrop === 0 || !isOver(known)) return true;
    toDrop -= 1;
    return false;
  });
  if (grants.length > MOST_GRANTS) return undefined;
  return { ...state, grants, applications: state.applications.filter((known) => known.id !== application) };
}

/** What a withdrawal asks for. */
export interface WithdrawOrder {
  readonly all: boolean;
  readonly ids: readonly string[];
}

/** Which grants still stand and are meant by this order. */
export function standing(state: PermissionState, { all, ids }: WithdrawOrder): readonly string[] {
  return state.grants.filter(({ grant, ended }) => ended === null && (all || ids.includes(grant.id))).map(({ grant }) => grant.id);
}

/**
 * The state after a withdrawal: what it names has ended, and what it names and was never seen here stays out. All: a new epoch. The same state when
 * there is nothing to do, so that an old withdrawal played again and again costs no write.
 */
export function withdrawn(state: PermissionState, order: WithdrawOrder, nowAt: number): PermissionState {
  const ids = new Set(standing(state, order));
  const isHeld = (id: string): boolean => state.grants.some((held) => held.grant.id === id);
  // Each once: an old withdrawal played again and again must not push the others out of the list.
  const ahead = order.ids.filter((id) => !isHeld(id) && !state.withdrawnAhead.includes(id));
  if (!order.all && ids.size === 0 && ahead.length === 0) return state;
  return {
    ...state,
    epoch: order.all ? state.epoch + 1 : state.epoch,
    grants: endGrants(state.grants, ids, nowAt, 'withdrawn'),
    applications: order.all ? [] : state.applications,
    withdrawnAhead: order.all ? [] : [...state.withdrawnAhead, ...new Set(ahead)].slice(-256),
  };
}

/** The grants with these ended. */
export function endGrants(grants: readonly HeldGrant[], ids: ReadonlySet<string>, at: number, how: 'withdrawn' | 'expired'): HeldGrant[] {
  return grants.map((held) => (ids.has(held.grant.id) && held.ended === null ? { ...held, ended: { at, how } } : held));
}
