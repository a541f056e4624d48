import type { Clock, Timer } from '../kernel/clock.js';

/** Looks at cameras that come one upon the other begin so far apart. */
const APART_MS = 20;
/** A whole site that greets after a power cut is spread over so long at most. */
const SPREAD_MS = 3_000;

/** What looks are made with. */
export interface LooksParts {
  readonly clock: Clock;
  /** Between two looks at the same camera: anybody in the network can send a greeting in its name. */
  readonly gapMs: number;
}

/**
 * Looks at cameras that somebody asks for who need not be believed: each at most once per gap, many of them one after another. One that comes too
 * early is put off, never dropped: the last greeting is the one that counts.
 */
export class Looks {
  readonly #parts: LooksParts;
  readonly #waiting = new Map<string, { readonly timer: Timer; look: () => void }>();
  readonly #lastMs = new Map<string, number>();
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LooksParts) {
    this.#parts = parts;
  }

  /** Looks after `delayMs` or as soon as it may be; where one waits already, this one is done in its place and at its time. */
  ask(id: string, delayMs: number, look: () => void): void {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      waiting.look = look;
      return;
    }
    const nowMs = this.#parts.clock.monotonicMs();
    const lastMs = this.#lastMs.get(id) ?? Number.NEGATIVE_INFINITY;
    const slotMs = Math.min(Math.max(nowMs, this.#nextMs), nowMs + SPREAD_MS);
    this.#nextMs = slotMs + APART_MS;
    const atMs = Math.max(nowMs + delayMs, lastMs + this.#parts.gapMs, slotMs);
    const begin = (): void => {
      this.#waiting.delete(id);
      this.#lastMs.set(id, this.#parts.clock.monotonicMs());
      planned.look();
    };
    const planned = { timer: this.#parts.clock.after(atMs - nowMs, begin, true), look };
    this.#waiting.set(id, planned);
  }

  forget(id: string): void {
    this.#waiting.get(id)?.timer.cancel();
    this.#waiting.delete(id);
    this.#lastMs.delete(id);
  }

  stop(): void {
    for (const { timer } of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
  }
}
