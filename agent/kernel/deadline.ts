import type { Clock } from './clock.js';

/**
 * Runs `work` with a signal that fires after `deadlineMs`, and settles as `work` does: ending in time is its own duty. The timer neither
 * outlives `work` nor keeps the process alive.
 */
export async function withDeadline<T>(clock: Clock, deadlineMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = clock.after(deadlineMs, () => controller.abort(), true);
  try {
    return await work(controller.signal);
  } finally {
    timer.cancel();
  }
}
