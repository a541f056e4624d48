import type { LiveLimits, WatchVerdict } from './ports.js';
import type { StreamChoice } from './stream-choice.js';

/** 4 sessions (and one that is kept for the owner), 10 minutes and 60 at most, an open every 2 s per viewer, 15 s to connect (abuse limits of the design). */
export const LIVE_LIMITS: LiveLimits = {
  maxSessions: 4,
  defaultDurationMs: 600_000,
  maxDurationMs: 3_600_000,
  openPeriodMs: 2_000,
  connectDeadlineMs: 15_000,
};

/** Everything the decision depends on, taken in the tick of the act. */
export interface AdmissionFacts {
  /** Wall clock ms. */
  readonly now: number;
  readonly isStopping: boolean;
  readonly permission: WatchVerdict;
  readonly channelId: string;
  readonly viewerId: string;
  /** What the viewer would get of this camera. */
  readonly choice: StreamChoice;
  readonly requestedMs: number | undefined;
  /** Undefined when there is no such channel. */
  readonly camera: { readonly state: 'up' | 'down'; readonly reason: string } | undefined;
  readonly sessions: readonly { readonly sessionId: string; readonly channelId: string; readonly viewerId: string }[];
  /** Sessions of recordings: they take the same line. Missing for none. */
  readonly others?: number | undefined;
  /** Since this viewer's last admitted open; undefined when there was none lately. */
  readonly sinceLastOpenMs: number | undefined;
  readonly limits: LiveLimits;
}

/** Admitted until when and in place of which sessions; or why not (`live.*`, or the authorizer's code). */
export type AdmissionVerdict =
  | { readonly ok: true; readonly untilAt: number; readonly durationMs: number; readonly replaces: readonly string[] }
  | { readonly ok: false; readonly code: string; readonly say: string; readonly fix: string; readonly retryable: boolean };

/**
 * May this session be opened now, and until when. The permission comes first: who has none learns nothing about cameras. An
 * open of the same viewer for the same channel replaces the earlier one (a reloaded page must not use up the sessions). Pure.
 */
export function admit(facts: AdmissionFacts): AdmissionVerdict {
  const { permission, limits } = facts;
  if (facts.isStopping) return no('live.stopping', 'The recorder is just stopping or restarting.', 'Try again in a minute.', true);
  if (!permission.ok) return { ok: false, code: permission.code, say: permission.say, fix: permission.fix, retryable: false };
  if (permission.channels !== undefined && !permission.channels.includes(facts.channelId))
    return no('live.channel_not_allowed', 'The permission does not cover this camera.', 'Ask the site owner to allow this camera.');
  const leftMs = (permission.untilAt ?? Number.POSITIVE_INFINITY) - facts.now;
  if (leftMs <= 0) return no('live.permission_over', 'The permission to watch is over.', 'Ask the site owner for a new one.');
  const asked = facts.requestedMs ?? limits.defaultDurationMs;
  if (!Number.isFinite(asked) || asked <= 0)
    return no('live.bad_duration', 'The wanted duration makes no sense.', 'Ask for 1 to 3600 seconds.');
  return admitOnSite(facts, Math.min(asked, limits.maxDurationMs, leftMs));
}

function admitOnSite(facts: AdmissionFacts, durationMs: number): AdmissionVerdict {
  const { camera, limits, sinceLastOpenMs } = facts;
  if (sinceLastOpenMs !== undefined && sinceLastOpenMs < limits.openPeriodMs)
    return no(
      'live.too_soon',
      'The last open by the same viewer was only a moment ago.',
      `Try again in ${limits.openPeriodMs / 1000} seconds.`,
      true,
    );
  if (camera === undefined)
    return no('live.no_such_camera', 'There is no camera on this channel.', 'Look at the list of cameras and choose one of it.');
  if (camera.state === 'down')
    return no('live.camera_unavailable', `The camera gives no picture: ${camera.reason}`, 'See what the camera needs and try again.', true);
  if (!facts.choice.ok) return facts.choice;
  const replaces = facts.sessions
    .filter((one) => one.viewerId === facts.viewerId && one.channelId === facts.channelId)
    .map((one) => one.sessionId);
  // Employees may fill their places; one more is the owner's, whose permission has no end.
  const isOwner = facts.permission.ok && facts.permission.untilAt === undefined;
  const most = limits.maxSessions + (isOwner ? 1 : 0);
  if (facts.sessions.length + (facts.others ?? 0) - replaces.length >= most)
    return no('live.too_many_sessions', `${most} live views are open, more are not allowed at once.`, 'Close one of them first.', true);
  return { ok: true, untilAt: facts.now + durationMs, durationMs, replaces };
}

const no = (code: string, say: string, fix: string, retryable = false): AdmissionVerdict => ({ ok: false, code, say, fix, retryable });
