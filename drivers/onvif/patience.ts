import { type DriverClock, DriverError } from '../port.js';

/** Whether a camera simply does not have what was asked: time for the fall-back, if there is one. */
export function isLacking(error: unknown): error is DriverError {
  return error instanceof DriverError && ['camera.unsupported', 'camera.refused', 'camera.bad_answer'].includes(error.code);
}

/** What `work` resolves with, or `instead` where the camera does not have it. Everything else is thrown on. */
export async function whereLacking<T>(instead: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isLacking(error)) throw error;
    return instead;
  }
}

/** Resolves after `delayMs`, or as soon as `signal` fires; it never rejects, the next round trip does that. */
export function pause(clock: DriverClock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || delayMs <= 0) {
      resolve();
      return;
    }
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(delayMs, done, true);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Milliseconds of an xs:duration such as PT1M30S; undefined for what is none. Months and years do not occur here. */
export function durationMs(text: string): number | undefined {
  const parts = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(text.trim());
  if (parts === null) return undefined;
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return Math.round((((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 + (seconds ?? 0) * 1000);
}

/** ms since 1970 of an xs:dateTime; one without a zone is taken for UTC. Undefined for none and for a clock that was never set. */
export function instantMs(text: string): number | undefined {
  const trimmed = text.trim();
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/i.test(trimmed);
  const atMs = Date.parse(hasZone ? trimmed : `${trimmed}Z`);
  return Number.isFinite(atMs) && atMs >= Date.UTC(2000, 0, 1) ? atMs : undefined;
}
