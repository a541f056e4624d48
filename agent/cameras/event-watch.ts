import { type CameraEvent, DriverError, type EventSource } from '../../drivers/port.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

const MOST_DOUBLINGS = 3.3;

/** What a watch is made with. */
export interface EventWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  /** [0, 1); spreads the tries of many cameras. */
  readonly random: () => number;
  readonly retryMs: number;
  readonly onEvent: (event: CameraEvent) => void;
  /** The camera answered because it was listened to. */
  readonly onAlive: () => void;
  /** The camera refused the login, or this user its events. */
  readonly onRefused: () => void;
  /** Nothing is heard any more: what the camera said last may not hold. */
  readonly onDeaf: () => void;
}

/**
 * Listens to the events of one camera for as long as there is something to listen to. The driver mends what it can; what ended for good is tried
 * again here, ever more rarely, and never at the expense of anything else: a camera without events is a camera.
 */
export class EventWatch {
  readonly #parts: EventWatchParts;
  #source: EventSource | undefined;
  #life = new AbortController();
  #timer: Timer | undefined;
  #failures = 0;
  #isOpen = false;

  constructor(parts: EventWatchParts) {
    this.#parts = parts;
  }

  /** Whether something is listened to now. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Listens to this source from now on, to none when it is undefined; the same one again changes nothing. */
  follow(source: EventSource | undefined): void {
    if (source === this.#source) return;
    this.#end();
    this.#source = source;
    this.#failures = 0;
    if (source !== undefined) this.#open(source);
  }

  #end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#life.abort();
    this.#life = new AbortController();
    this.#isOpen = false;
    if (this.#source !== undefined) this.#parts.onDeaf();
  }

  #open(source: EventSource): void {
    const { signal } = this.#life;
    const isOurs = (): boolean => !signal.aborted;
    const retry = (reason: unknown): void => {
      if (!isOurs()) return;
      this.#isOpen = false;
      this.#parts.onDeaf();
      this.#later(source, reason);
      if (reason instanceof DriverError && reason.code === 'camera.unauthorized') this.#parts.onRefused();
    };
    source
      .open(
        {
          onEvent: (event: CameraEvent) => {
            if (isOurs()) this.#parts.onEvent(event);
          },
          onAlive: () => {
            if (isOurs()) this.#parts.onAlive();
          },
          onEnd: (reason: DriverError) => retry(reason),
        },
        { signal },
      )
      .then(() => {
        if (!isOurs()) return;
        this.#failures = 0;
        this.#isOpen = true;
      }, retry);
  }

  #later(source: EventSource, reason: unknown): void {
    const delayMs = this.#parts.retryMs * 2 ** Math.min(MOST_DOUBLINGS, this.#failures) * (0.9 + 0.2 * this.#parts.random());
    if (this.#failures === 0) this.#parts.log.info('the events of a camera are not heard', { error: reason });
    this.#failures += 1;
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(Math.round(delayMs), () => this.#open(source), true);
  }
}
