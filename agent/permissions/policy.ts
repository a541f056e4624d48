import type { Scope } from '../contract/shapes.js';
import type { Badge, Grant, Withdraw } from '../contract/statements.js';

/**
 * Who may do what, as pure decisions over facts. Signatures were checked before (async); these are asked again in the tick of the
 * act (sync), so that a withdrawal that came in between counts.
 */
export interface Denial {
  readonly ok: false;
  readonly code: string;
  readonly say: string;
  readonly fix: string;
}
/** `untilAt`: when the permission lapses by itself (recorder's clock); undefined for the owner. */
export interface Permission {
  readonly ok: true;
  readonly untilAt: number | undefined;
  readonly channels: readonly string[] | undefined;
}
/** What every judgement here ends in; told apart by `ok`. */
export type Verdict = Permission | Denial;

/** What the recorder knows at this moment of one grant. */
export interface GrantFacts {
  readonly grant: Grant;
  readonly isEnded: boolean;
  /** By the monotonic clock since this start: also true when the wall clock was turned back. */
  readonly isOutlived: boolean;
}

/** One wish of an employee and what the recorder holds about it. `channel` null: the whole recorder; `held` undefined: no such grant. */
export interface WishFacts {
  readonly nowAt: number;
  readonly epoch: number;
  readonly scope: Scope;
  readonly channel: string | null;
  readonly held: GrantFacts | undefined;
  readonly badge: Badge;
}

const HOUR_MS = 3_600_000;
const MAX_LEASE_MS = 7 * 24 * HOUR_MS;
const MAX_GRANT_MS = 90 * 24 * HOUR_MS;
const MAX_BADGE_MS = 12 * HOUR_MS;
/** Clocks of phones and recorders differ; a badge from a little ahead is no attack. */
const CLOCK_SLACK_MS = 5 * 60_000;
const SECOND_FACTOR: ReadonlySet<Scope> = new Set(['live-view', 'playback', 'ptz', 'talk', 'firmware', 'wifi']);
const LEASED: ReadonlySet<Scope> = new Set(['live-view', 'playback', 'ptz', 'talk']);

const SCOPE_WORDS: Record<Scope, string> = {
  'site-information': 'see the site’s information',
  health: 'see the recorder’s health',
  'remote-configuration': 'change settings',
  'live-view': 'watch live pictures',
  playback: 'watch recordings',
  ptz: 'move cameras',
  talk: 'talk through cameras',
  firmware: 'update the firmware',
  wifi: 'change the Wi-Fi',
};

function deny(code: string, say: string, fix: string): Denial {
  return { ok: false, code: `permissions.${code}`, say, fix };
}

const ASK = 'Ask the site owner for permission.';

/** An employee's wish under a grant. The order of checks is the order in which a person can mend things. */
export function judgeEmployee(facts: WishFacts): Verdict {
  const { held, badge, nowAt, scope } = facts;
  if (held === undefined) return deny('not_granted', 'The owner has not given this permission.', ASK);
  const { grant } = held;
  if (held.isEnded || grant.epoch !== facts.epoch) return deny('withdrawn', 'The owner has withdrawn this permission.', ASK);
  if (held.isOutlived || nowAt >= grant.exp) return deny('expired', 'This permission has ended.', ASK);
  if (!grant.scopes.includes(scope)) return deny('no_scope', `The owner has not allowed you to ${SCOPE_WORDS[scope]}.`, ASK);
  if (facts.channel !== null && grant.cams !== null && !grant.cams.includes(facts.channel)) {
    return deny('other_camera', 'The owner has allowed other cameras, not this one.', ASK);
  }
  const badgeVerdict = judgeBadge(badge, scope, nowAt);
  if (badgeVerdict !== undefined) return badgeVerdict;
  return { ok: true, untilAt: Math.min(grant.exp, badge.exp), channels: grant.cams ?? undefined };
}

/** A badge must be in force, and for pictures and everything that moves or changes the box for good a second factor of today is needed. */
export function judgeBadge(badge: Badge, scope: Scope | null, nowAt: number): Denial | undefined {
  const signIn = 'Sign in again in the app.';
  if (badge.exp > badge.iat + MAX_BADGE_MS) return deny('badge_too_long', 'The badge is made out for more than 12 hours.', signIn);
  if (nowAt >= badge.exp) return deny('badge_expired', 'You have been signed in for too long.', signIn);
  if (badge.iat > nowAt + CLOCK_SLACK_MS)
    return deny('badge_ahead', 'Your badge is from the future: a clock is wrong.', 'Set the clock of your device, then sign in again.');
  if (scope === null || !SECOND_FACTOR.has(scope)) return undefined;
  const isFresh = badge.amr.includes('mfa') && nowAt - badge.authTime < MAX_BADGE_MS;
  return isFresh ? undefined : deny('second_factor', 'This needs a sign-in with a second factor within the last 12 hours.', signIn);
}

/** The owner may do everything that the recorder offers, without end. */
export const OWNER_MAY: Permission = { ok: true, untilAt: undefined, channels: undefined };

/** What a freshly signed grant is compared with: this recorder, its epoch, and whether its id was seen or withdrawn before. */
export interface NewGrantFacts {
  readonly nowAt: number;
  readonly serial: string;
  readonly deviceKid: string;
  readonly epoch: number;
  readonly isKnown: boolean;
  readonly isWithdrawnAhead: boolean;
}

/** Whether a grant that the owner signed can come into force; undefined means yes. */
export function judgeNewGrant(grant: Grant, facts: NewGrantFacts): Denial | undefined {
  const again = 'Give the permission again.';
  if (grant.dev !== facts.serial || grant.device !== facts.deviceKid)
    return deny('other_recorder', 'This permission is for another recorder.', again);
  if (grant.epoch !== facts.epoch || facts.isWithdrawnAhead)
    return deny('withdrawn', 'This permission was withdrawn before it arrived.', again);
  if (facts.isKnown) return deny('known', 'This permission was given already.', 'Nothing needs to be done.');
  if (grant.exp <= facts.nowAt)
    return deny('expired', 'This permission has already ended.', 'Give it for longer; check the recorder’s clock.');
  const longest = grant.scopes.some((scope) => LEASED.has(scope)) ? MAX_LEASE_MS : MAX_GRANT_MS;
  if (grant.exp - facts.nowAt > longest + CLOCK_SLACK_MS) {
    const limit = longest === MAX_LEASE_MS ? '7 days for pictures and movement' : '90 days';
    return deny('too_long', `A permission lasts at most ${limit}.`, 'Give it for a shorter time; it can be given again.');
  }
  return undefined;
}

/** Which of the held grants a withdrawal ends; undefined when it is about another recorder or an epoch that is over. */
export function grantsEndedBy(withdraw: Withdraw, serial: string, epoch: number, held: readonly Grant[]): readonly string[] | undefined {
  if (withdraw.dev !== serial || withdraw.epoch !== epoch) return undefined;
  return held.filter((grant) => withdraw.all || withdraw.ids.includes(grant.id)).map((grant) => grant.id);
}
