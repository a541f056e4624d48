import type { CameraReason, CameraState, CameraTiming } from './ports.js';

/** What is known of one camera's condition. */
export interface CameraStatus {
  readonly state: CameraState;
  readonly reason: CameraReason | undefined;
  /** Wall clock ms of the last answer. */
  readonly lastSeenAt: number | undefined;
  /** Failures since the last success. */
  readonly failures: number;
}

/** What can happen to a camera. */
export type CameraEvent =
  /** It gave a sign of life. */
  | { readonly kind: 'answered' }
  /** Everything needed was read from it with its login. */
  | { readonly kind: 'inspected' }
  /** Something failed; `reason` is what reasons.ts made of it. */
  | { readonly kind: 'failed'; readonly reason: CameraReason }
  /** Address or login changed: what was known no longer counts. */
  | { readonly kind: 'changed' };

/** Of a camera that was never asked. */
export const UNKNOWN: CameraStatus = { state: 'unknown', reason: undefined, lastSeenAt: undefined, failures: 0 };

/** Reasons that a mere sign of life clears. The others stay until the camera was inspected again. */
const CLEARED_BY_LIFE: ReadonlySet<string> = new Set(['cameras.gone', 'cameras.slow']);
const LOGIN_REASONS: ReadonlySet<string> = new Set([
  'cameras.wrong_password',
  'cameras.no_login',
  'cameras.locked_out',
  'cameras.certificate_changed',
  'cameras.password_withheld',
]);
/** What one operation was refused says nothing about the camera as a whole. */
const NOT_ABOUT_CAMERA: ReadonlySet<string> = new Set([
  'cameras.cancelled',
  'cameras.unsupported',
  'cameras.refused',
  'cameras.not_permitted',
]);
/** These refusals came from the camera itself, so it lives. */
const ANSWERED: ReadonlySet<string> = new Set(['cameras.wrong_password', 'cameras.no_login', 'cameras.password_withheld']);

/** Whether what an operation failed with may be true of the whole camera. */
export function isAboutCamera({ code }: Pick<CameraReason, 'code'>): boolean {
  return !NOT_ABOUT_CAMERA.has(code);
}

/** The camera's condition after `event` at `nowAt` (wall clock ms). */
export function nextStatus(status: CameraStatus, event: CameraEvent, nowAt: number): CameraStatus {
  switch (event.kind) {
    case 'answered': {
      const isFreed = status.reason === undefined || CLEARED_BY_LIFE.has(status.reason.code);
      const state = isFreed && status.state !== 'online' ? 'reachable' : status.state;
      return { ...status, state, reason: isFreed ? undefined : status.reason, lastSeenAt: nowAt };
    }
    case 'inspected':
      return { state: 'online', reason: undefined, lastSeenAt: nowAt, failures: 0 };
    case 'changed':
      return { ...UNKNOWN, lastSeenAt: status.lastSeenAt };
    case 'failed': {
      const { reason } = event;
      if (!isAboutCamera(reason)) return status;
      return {
        state: LOGIN_REASONS.has(reason.code) ? 'unauthorized' : 'fault',
        reason,
        lastSeenAt: ANSWERED.has(reason.code) ? nowAt : status.lastSeenAt,
        failures: status.failures + 1,
      };
    }
  }
}

/** Of a camera that is not to be had where it was: nobody answers there, or something else. */
const MISSING: ReadonlySet<string> = new Set(['cameras.gone', 'cameras.slow', 'cameras.not_onvif', 'cameras.another_device']);

/** Whether the camera may be somewhere else. */
export function isMissing({ reason }: CameraStatus): boolean {
  return reason !== undefined && MISSING.has(reason.code);
}

/** Whether the camera was away and this sign of life is its return: it may have been reset or given another password. */
export function isReturn(before: CameraStatus, after: CameraStatus): boolean {
  return before.reason !== undefined && CLEARED_BY_LIFE.has(before.reason.code) && after.reason === undefined;
}

/**
 * Wait before the next sign of life is asked for: a camera that has just failed is asked again soon, three times, then at the
 * usual pace. `random` in [0, 1) spreads the work by a tenth either way.
 */
export function nextProbeMs(status: CameraStatus, timing: CameraTiming, random: number): number {
  const isFresh = status.failures > 0 && status.failures <= 3;
  const usualMs = isFresh ? Math.min(timing.retryMs, timing.probeMs) : timing.probeMs;
  return Math.round(usualMs * (0.9 + 0.2 * random));
}
