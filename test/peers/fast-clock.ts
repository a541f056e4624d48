import type { Clock } from '../../agent/kernel/clock.js';

/** The machine's clock with waits shortened by `factor`, so that a deadline of 10 s is met in a test after a fraction of it. */
export function fastClock(factor: number): Clock {
  const startMs = performance.now();
  return {
    now: () => Date.now(),
    monotonicMs: () => startMs + (performance.now() - startMs) * factor,
    after(delayMs, act) {
      const handle = setTimeout(act, delayMs / factor);
      return { cancel: () => clearTimeout(handle) };
    },
    every(periodMs, act) {
      const handle = setInterval(act, periodMs / factor);
      return { cancel: () => clearInterval(handle) };
    },
  };
}
