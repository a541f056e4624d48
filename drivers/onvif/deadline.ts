import { type DriverClock, DriverError } from '../port.js';

/** Longest time of one call of the driver, all its round trips together. */
export const CALL_DEADLINE_MS = 10_000;

/**
 * Runs `work` with a signal that fires after `deadlineMs` (reason `camera.timeout`) or when the caller's does (`driver.aborted`).
 * Every round trip inside listens to that signal, so `work` ends with it.
 */
export async function withDeadline<T>(
  clock: DriverClock,
  caller: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
  deadlineMs = CALL_DEADLINE_MS,
): Promise<T> {
  const controller = new AbortController();
  const onCallerAbort = (): void => controller.abort(new DriverError('driver.aborted', 'the caller gave up', { cause: caller.reason }));
  if (caller.aborted) onCallerAbort();
  caller.addEventListener('abort', onCallerAbort, { once: true });
  const timer = clock.after(deadlineMs, () =>
    controller.abort(new DriverError('camera.timeout', `no complete answer within ${deadlineMs / 1000} s`, { detail: { deadlineMs } })),
  );
  try {
    return await work(controller.signal);
  } finally {
    timer.cancel();
    caller.removeEventListener('abort', onCallerAbort);
  }
}
