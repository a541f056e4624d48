import type { Clock, Timer } from '../../agent/kernel/clock.js';

interface Armed {
  readonly dueMs: number;
  readonly act: () => void;
  readonly periodMs: number | undefined;
}

/** A clock that stands still until the test moves it: timers run in order of time, each at its own moment. */
export class ManualClock implements Clock {
  readonly #armed = new Set<Armed>();
  #nowMs = 0;
  #wallAt: number;

  constructor(wallAt = Date.UTC(2026, 0, 1)) {
    this.#wallAt = wallAt;
  }

  now(): number {
    return this.#wallAt + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, act: () => void): Timer {
    return this.#arm({ dueMs: this.#nowMs + delayMs, act, periodMs: undefined });
  }

  every(periodMs: number, act: () => void): Timer {
    return this.#arm({ dueMs: this.#nowMs + periodMs, act, periodMs });
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#armed.size;
  }

  /** Sets the wall clock without any time going by. */
  stepWall(byMs: number): void {
    this.#wallAt += byMs;
  }

  /** Lets time go by; promises that timers settle get their turn in between. */
  async advance(byMs: number): Promise<void> {
    await settle();
    const endMs = this.#nowMs + byMs;
    for (let next = this.#nextDue(endMs); next !== undefined; next = this.#nextDue(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#armed.delete(next);
      if (next.periodMs !== undefined) this.#armed.add({ ...next, dueMs: next.dueMs + next.periodMs });
      next.act();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }

  #nextDue(endMs: number): Armed | undefined {
    let next: Armed | undefined;
    for (const armed of this.#armed) if (armed.dueMs <= endMs && (next === undefined || armed.dueMs < next.dueMs)) next = armed;
    return next;
  }

  #arm(armed: Armed): Timer {
    this.#armed.add(armed);
    // A periodic timer is re-armed as a new object: it is found by its act.
    return { cancel: () => void [...this.#armed].filter(({ act }) => act === armed.act).forEach((one) => void this.#armed.delete(one)) };
  }
}

/** Lets everything that is ready run: promise chains and what they put behind them. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
