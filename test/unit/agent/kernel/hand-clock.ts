import type { Clock, Timer } from '../../../../agent/kernel/clock.js';

/** A clock that moves only when told. Both faces of time move together; timers run in the order of their instants. */
export class HandClock implements Clock {
  #nowMs: number;
  readonly #due: { at: number; act: () => void }[] = [];

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, act: () => void): Timer {
    const entry = { at: this.#nowMs + delayMs, act };
    this.#due.push(entry);
    return { cancel: () => this.#drop(entry) };
  }

  every(periodMs: number, act: () => void): Timer {
    let timer: Timer;
    const again = (): void => {
      timer = this.after(periodMs, again);
      act();
    };
    timer = this.after(periodMs, again);
    return { cancel: () => timer.cancel() };
  }

  /** Timers that have not run yet. */
  get pending(): number {
    return this.#due.length;
  }

  advance(byMs: number): void {
    const until = this.#nowMs + byMs;
    for (;;) {
      const next = this.#due.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#drop(next);
      this.#nowMs = next.at;
      next.act();
    }
    this.#nowMs = until;
  }

  #drop(entry: { at: number; act: () => void }): void {
    const at = this.#due.indexOf(entry);
    if (at >= 0) this.#due.splice(at, 1);
  }
}
