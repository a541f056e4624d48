import type { PlaybackLimits, PlaybackVerdict } from './ports.js';

/** Everything the decision depends on, taken in the tick of the act. */
export interface PlaybackFacts {
  /** Wall clock ms. */
  readonly now: number;
  readonly isStopping: boolean;
  readonly permission: PlaybackVerdict;
  readonly channelId: string;
  readonly viewerId: string;
  readonly kind: 'player' | 'export';
  readonly hasChannel: boolean;
  /** Instants of footage that are asked for: one, or first and last. */
  readonly instants: readonly number[];
  readonly requestedMs: number;
  readonly sessions: readonly {
    readonly sessionId: string;
    readonly kind: 'player' | 'export';
    readonly channelId: string;
    readonly viewerId: string;
  }[];
  /** Live views that are open. */
  readonly liveSessions: number;
  readonly sinceLastOpenMs: number | undefined;
  readonly limits: PlaybackLimits;
}

/** Admitted until when and in place of which sessions; or why not. */
export type PlaybackAdmission =
  | { readonly ok: true; readonly untilAt: number; readonly durationMs: number; readonly replaces: readonly string[] }
  | { readonly ok: false; readonly code: string; readonly say: string; readonly fix: string; readonly retryable: boolean };

/**
 * May this be opened now, and until when. The permission comes first. Live views and playback share one number of sessions, because both take
 * the same line and the same disk. A player replaces the same viewer's player of the same camera. Pure.
 */
export function admitPlayback(facts: PlaybackFacts): PlaybackAdmission {
  const { permission, limits } = facts;
  if (facts.isStopping) return no('playback.stopping', 'The recorder is just stopping or restarting.', 'Try again in a minute.', true);
  if (!permission.ok) return { ok: false, code: permission.code, say: permission.say, fix: permission.fix, retryable: false };
  if (permission.channels !== undefined && !permission.channels.includes(facts.channelId))
    return no('playback.channel_not_allowed', 'The permission does not cover this camera.', 'Ask the site owner to allow this camera.');
  const outside = facts.instants.map((at) => outsideFootage(permission, at)).find((said) => said !== undefined);
  if (outside !== undefined) return outside;
  const leftMs = (permission.untilAt ?? Number.POSITIVE_INFINITY) - facts.now;
  if (leftMs <= 0) return no('playback.permission_over', 'The permission is over.', 'Ask the site owner for a new one.');
  if (facts.sinceLastOpenMs !== undefined && facts.sinceLastOpenMs < limits.openPeriodMs) {
    const fix = `Try again in ${limits.openPeriodMs / 1000} seconds.`;
    return no('playback.too_soon', 'The last open by the same viewer was only a moment ago.', fix, true);
  }
  if (!facts.hasChannel)
    return no('playback.no_such_camera', 'There is no camera on this channel.', 'Look at the list of cameras and choose one of it.');
  const replaces = facts.sessions
    .filter((one) => one.viewerId === facts.viewerId && one.channelId === facts.channelId && one.kind === facts.kind)
    .map((one) => one.sessionId);
  const isOwner = permission.untilAt === undefined;
  const most = limits.maxSessions + (isOwner ? 1 : 0);
  if (facts.sessions.length + facts.liveSessions - replaces.length >= most) {
    const say = `${most} pictures are open, live and recorded together; more are not allowed at once.`;
    return no('playback.too_many_sessions', say, 'Close one of them first.', true);
  }
  const durationMs = Math.min(facts.requestedMs, limits.maxDurationMs, leftMs);
  return { ok: true, untilAt: facts.now + durationMs, durationMs, replaces };
}

/** Why footage of this instant may not be seen; undefined when it may. Pure. */
export function outsideFootage(
  permission: PlaybackVerdict & { readonly ok: true },
  at: number,
): (PlaybackAdmission & { readonly ok: false }) | undefined {
  const { from, to } = permission.footage ?? { from: null, to: null };
  if ((from === null || at >= from) && (to === null || at <= to)) return undefined;
  const day = (bound: number): string => new Date(bound).toISOString().slice(0, 16).replace('T', ' ');
  const bounds = [from === null ? [] : [`from ${day(from)}`], to === null ? [] : [`until ${day(to)}`]].flat().join(' ');
  return no(
    'playback.outside_footage',
    `The owner allows recordings ${bounds} (UTC) only.`,
    'Choose a time within these, or ask the site owner for more.',
  );
}

const no = (code: string, say: string, fix: string, retryable = false): PlaybackAdmission & { readonly ok: false } => ({
  ok: false,
  code,
  say,
  fix,
  retryable,
});
