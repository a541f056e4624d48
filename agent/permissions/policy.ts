import type { Scope } from '../contract/shapes.js';
import type { Badge, FootageRange, Grant } from '../contract/statements.js';
import { CLOCK_SLACK_MS, DEVICE_REMOVED, type Denial, deny, NOT_OWNER } from './denial.js';
import { describeHours, type Opening } from './hours.js';
import type { Way } from './ticket.js';

/**
 * Who may do what, as pure decisions over facts. Signatures were checked before (async); these are asked again in the tick of the
 * act (sync), so that a withdrawal that came in between counts. `untilAt`: when the permission lapses by itself (recorder's clock);
 * undefined for an owner.
 */
export interface Permission {
  readonly ok: true;
  readonly untilAt: number | undefined;
  readonly channels: readonly string[] | undefined;
  /** Bounds of the footage that may be shown; missing for none. */
  readonly footage?: FootageRange | undefined;
}
/** What every judgement here ends in; told apart by `ok`. */
export type Verdict = Permission | Denial;

/** What the recorder knows at this moment of one grant. */
export interface GrantFacts {
  readonly grant: Grant;
  /** How it ended; null while it may be in force. */
  readonly ended: 'withdrawn' | 'expired' | null;
  /** By the monotonic clock since this start: also true when the wall clock was turned back. */
  readonly isOutlived: boolean;
  /** Whether its hours of the week are open, and until when. */
  readonly opening: Opening;
}

/** What decides about a badge beside itself. */
export interface BadgeFacts {
  readonly nowAt: number;
  /** False after a start with a clock that had lost the time, until somebody trustworthy told it. */
  readonly isTimeKnown: boolean;
  /** Whether its organisation has called it back. */
  readonly isCancelled: boolean;
}

/** One wish of an employee and what the recorder holds about it. `channel` null: the whole recorder; `held` undefined: no such grant. */
export interface WishFacts extends BadgeFacts {
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
const SECOND_FACTOR: ReadonlySet<Scope> = new Set(['live-view', 'listen', 'playback', 'ptz', 'talk', 'firmware', 'wifi']);
const LEASED: ReadonlySet<Scope> = new Set(['live-view', 'listen', 'playback', 'ptz', 'talk']);
/** What shows pictures or lets hear: an installer who holds the recorder gets it only on the site's own network. */
const PICTURES: ReadonlySet<Scope | null> = new Set<Scope>(['live-view', 'listen', 'playback']);

const SCOPE_WORDS: Record<Scope, string> = {
  'site-information': 'see the site’s information',
  health: 'see the recorder’s health',
  'remote-configuration': 'change settings',
  'live-view': 'watch live pictures',
  listen: 'hear what cameras hear',
  playback: 'watch recordings',
  ptz: 'move cameras',
  talk: 'talk through cameras',
  firmware: 'update the firmware',
  wifi: 'change the Wi-Fi',
};

const ASK = 'Ask the site owner for permission.';
const SIGN_IN = 'Sign in again in the app.';
const TIME_UNKNOWN = deny(
  'time_unknown',
  'The recorder does not know the time since it was switched on, so it cannot tell whether this permission still holds.',
  'Connect the recorder to the internet, or ask the site owner to open the app; then try again.',
);

/** An employee's wish under a grant. The order of checks is the order in which a person can mend things. */
export function judgeEmployee(facts: WishFacts): Verdict {
  const { held, badge, scope } = facts;
  if (held === undefined) return deny('not_granted', 'The owner has not given this permission.', ASK);
  const denial = judgeGrant(held, facts) ?? judgeBadge(badge, scope, facts);
  if (denial !== undefined) return denial;
  const ends = [held.grant.exp, badge.exp];
  if (SECOND_FACTOR.has(scope)) ends.push(badge.authTime + MAX_BADGE_MS);
  if (held.opening.isOpen && held.opening.untilAt !== undefined) ends.push(held.opening.untilAt);
  const { cams, footage } = held.grant;
  return { ok: true, untilAt: Math.min(...ends), channels: cams ?? undefined, ...(footage === undefined ? {} : { footage }) };
}

function judgeGrant(held: GrantFacts, facts: WishFacts): Denial | undefined {
  const { grant } = held;
  if (held.ended === 'withdrawn' || grant.epoch !== facts.epoch) return deny('withdrawn', 'The owner has withdrawn this permission.', ASK);
  if (held.ended === 'expired' || held.isOutlived || facts.nowAt >= grant.exp) return deny('expired', 'This permission has ended.', ASK);
  if (!grant.scopes.includes(facts.scope)) return deny('no_scope', `The owner has not allowed you to ${SCOPE_WORDS[facts.scope]}.`, ASK);
  if (facts.channel !== null && grant.cams !== null && !grant.cams.includes(facts.channel)) {
    return deny('other_camera', 'The owner has allowed other cameras, not this one.', ASK);
  }
  if (LEASED.has(facts.scope) && !facts.isTimeKnown) return TIME_UNKNOWN;
  if (held.opening.isOpen) return undefined;
  const words = grant.hours === null ? 'at no time' : describeHours(grant.hours);
  return deny(
    'outside_hours',
    `The owner allows this only at certain hours: ${words}.`,
    'Try again within these hours, or ask for others.',
  );
}

/** A badge must be in force, and for pictures and everything that moves or changes the box for good a second factor of today is needed. */
export function judgeBadge(badge: Badge, scope: Scope | null, { nowAt, isTimeKnown, isCancelled }: BadgeFacts): Denial | undefined {
  if (isCancelled) {
    return deny('badge_cancelled', 'Your organisation has called your badge back.', 'Ask your organisation; it can sign you in again.');
  }
  if (badge.exp > badge.iat + MAX_BADGE_MS) return deny('badge_too_long', 'The badge is made out for more than 12 hours.', SIGN_IN);
  if (nowAt >= badge.exp) return deny('badge_expired', 'You have been signed in for too long.', SIGN_IN);
  if (Math.max(badge.iat, badge.authTime) > nowAt + CLOCK_SLACK_MS) {
    // A recorder that lost the time is behind everybody's badge: it is not the person's clock that is wrong.
    if (!isTimeKnown) return TIME_UNKNOWN;
    return deny('badge_ahead', 'Your badge is from the future: a clock is wrong.', 'Set the clock of your device, then sign in again.');
  }
  if (scope === null || !SECOND_FACTOR.has(scope)) return undefined;
  const isFresh = badge.amr.includes('mfa') && nowAt - badge.authTime < MAX_BADGE_MS;
  return isFresh ? undefined : deny('second_factor', 'This needs a sign-in with a second factor within the last 12 hours.', SIGN_IN);
}

/** A yes without an end: for an owner, and for whoever only asks for something that its handler judges. */
export const UNBOUNDED: Permission = { ok: true, untilAt: undefined, channels: undefined };

/** What decides about a wish of one of the owner's devices. */
export interface OwnerFacts {
  readonly nowAt: number;
  readonly isDevice: boolean;
  readonly wasRemoved: boolean;
  readonly isInstallerHeld: boolean;
  /** What remains of the installer's time for aiming cameras, ms. */
  readonly aimingLeftMs: number;
  readonly scope: Scope | null;
  readonly way: Way;
}

/**
 * The owner may do everything that the recorder offers, without end. An installer who holds a recorder for an owner to come may do the same, but
 * sees pictures only where the cameras are, and only as long as aiming them takes.
 */
export function judgeOwner(facts: OwnerFacts): Verdict {
  if (!facts.isDevice) return facts.wasRemoved ? DEVICE_REMOVED : NOT_OWNER;
  if (!facts.isInstallerHeld || !isPicture(facts.scope)) return UNBOUNDED;
  const handOver = 'Hand the recorder over to its owner.';
  if (facts.way !== 'lan') {
    const say = 'Until it is handed over to its owner, this recorder shows pictures on the site’s own network only.';
    return deny('installer_held', say, 'Use the recorder’s page on the site’s network, or hand the recorder over to its owner.');
  }
  if (facts.aimingLeftMs <= 0) return deny('aiming_over', 'The 60 minutes for aiming the cameras are used up.', handOver);
  return { ok: true, untilAt: facts.nowAt + facts.aimingLeftMs, channels: undefined };
}

/** Whether this scope shows pictures. */
export function isPicture(scope: Scope | null): boolean {
  return PICTURES.has(scope);
}

/** What a freshly signed grant is compared with: this recorder, its epoch, and whether its id was seen or withdrawn before. */
export interface NewGrantFacts {
  readonly nowAt: number;
  readonly serial: string;
  readonly deviceKid: string;
  readonly epoch: number;
  readonly isKnown: boolean;
  readonly isWithdrawnAhead: boolean;
  readonly isInstallerHeld: boolean;
  /** Whether the time zone of its hours is known here; true when it names none. */
  readonly isZoneKnown: boolean;
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
  if (!facts.isZoneKnown) {
    return deny(
      'bad_hours',
      'The recorder does not know the time zone of these hours.',
      'Choose another time zone, such as Europe/Berlin.',
    );
  }
  if (facts.isInstallerHeld && grant.scopes.some((scope) => SECOND_FACTOR.has(scope))) {
    const say = 'Only the owner can allow pictures, movement, firmware and Wi-Fi; this recorder is held by an installer.';
    return deny('installer_held', say, 'Hand the recorder over to its owner first.');
  }
  return undefined;
}
