/** The only file that asks the machine for time or arms a timer: everything else takes a Clock, so tests can own time. */
export interface Timer {
  cancel(): void;
}

/** What everything takes that needs time. Milliseconds throughout. */
export interface Clock {
  /** Wall clock, milliseconds since 1970 UTC. May jump; for display and expiry only. */
  now(): number;
  /** Milliseconds since an arbitrary start; never jumps. For every duration and time-out. */
  monotonicMs(): number;
  /** Runs `act` once after `delayMs`. Does not keep the process alive when `background` is true. */
  after(delayMs: number, act: () => void, background?: boolean): Timer;
  /** Runs `act` every `periodMs` until cancelled; never keeps the process alive. */
  every(periodMs: number, act: () => void): Timer;
}

/** The machine's own time; compose hands it in. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, act, background = false) {
    const handle = setTimeout(act, delayMs);
    if (background) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  every(periodMs, act) {
    const handle = setInterval(act, periodMs);
    handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
};

/** Resolves after `delayMs` of the given clock. */
export function delay(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
