import type { Clock, Timer } from '../kernel/clock.js';
import type { Service } from '../kernel/service.js';
import type { AnswerSchema } from './hook-result.js';
import type { HookRunner } from './hook-runner.js';

/** Lamps that a recorder may have; the hook refuses those it has not. */
export type Lamp = 'pairing' | 'watching' | 'cloud';
/** What a lamp can show (PROTOCOL.md, `indicator`). */
export type LampState = 'on' | 'off' | 'blink';

/** What the lamps show: `pairing` blinks while a code is waited for, `watching` is on while a picture may leave, `cloud` while it is connected. */
export interface LampFacts {
  readonly isPairing: boolean;
  readonly isWatched: boolean;
  readonly isOnline: boolean;
}

/** What lamps are shown with. */
export interface LampParts {
  readonly hooks: Pick<HookRunner, 'run'>;
  readonly facts: () => LampFacts;
  readonly clock: Clock;
}

/** People look at a lamp when something happens. A look costs nothing; a hook is run only when something changed. */
const LOOK_MS = 1_000;

const lampAnswer: AnswerSchema<{ readonly isSet: true }> = {
  safeParse(value) {
    const fields = (value ?? {}) as Record<string, unknown>;
    const isSet = fields.isSet === true && Object.keys(fields).length === 1;
    return isSet ? { success: true, data: { isSet: true } } : { success: false, error: 'not an answer of a lamp' };
  },
};

/** The lamps for these facts. */
export function lampsFor(facts: LampFacts): ReadonlyMap<Lamp, LampState> {
  return new Map<Lamp, LampState>([
    ['pairing', facts.isPairing ? 'blink' : 'off'],
    ['watching', facts.isWatched ? 'on' : 'off'],
    ['cloud', facts.isOnline ? 'on' : 'off'],
  ]);
}

/**
 * Shows on the recorder's front what people in the room should know: that it waits for pairing, and that somebody watches. A recorder without the
 * hook, or without one of the lamps, is asked once and then left alone.
 */
export class Lamps implements Service {
  readonly name = 'lamps';
  readonly #parts: LampParts;
  readonly #shown = new Map<Lamp, LampState>();
  readonly #missing = new Set<Lamp>();
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #isBusy = false;

  constructor(parts: LampParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    this.#timer = this.#parts.clock.every(LOOK_MS, () => this.look());
    this.look();
  }

  /** All off: a lamp that says something about an agent that does not run would lie. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#running;
    await this.#show({ isPairing: false, isWatched: false, isOnline: false });
  }

  /** Shows what is now, unless the last look is still being shown. */
  look(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#running = this.#show(this.#parts.facts()).finally(() => {
      this.#isBusy = false;
    });
  }

  /** Resolves when the last look is shown. */
  settled(): Promise<void> {
    return this.#running;
  }

  async #show(facts: LampFacts): Promise<void> {
    for (const [lamp, state] of lampsFor(facts)) {
      // A lamp that was never lit need not be put out.
      if (this.#missing.has(lamp) || (this.#shown.get(lamp) ?? 'off') === state) continue;
      const { outcome } = await this.#parts.hooks.run('indicator', { input: { lamp, state }, answer: lampAnswer });
      if (outcome === 'ok') this.#shown.set(lamp, state);
      else if (outcome === 'unsupported' || outcome === 'refused') this.#missing.add(lamp);
    }
  }
}
