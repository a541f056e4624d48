import { DriverError } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

const ASK_PERIOD_MS = 1_000;
/** Beginning the stream again costs every viewer a moment of picture, so for one that waits it happens at most so often. */
const RESTART_PERIOD_MS = 5_000;
/** And for one that lost packets, while others watch undisturbed, far less often: one bad line must not spoil the picture of all. */
const SHARED_RESTART_PERIOD_MS = 30_000;

/** The two ways to an intra picture. */
export interface PictureWays {
  /** Asks the camera. Rejects with `camera.unsupported` where it cannot; it is then not asked again. */
  ask(): Promise<void>;
  /** Whether beginning the stream again would give one: the camera began with one the last time. */
  mayRestart(): boolean;
  /** Begins the stream again. */
  restart(): void;
  /** Monotonic instant at which the stream was last begun. */
  begunAt(): number;
  /** Whether several viewers share the stream. */
  isShared(): boolean;
}

/**
 * Gets intra pictures out of a camera: by asking, at most once a second (browsers ask every 200 ms while they wait), one request at
 * a time; from a camera that cannot be asked by beginning its stream again, rarely, and only if that has helped before.
 */
export class PictureRequests {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly #log: Log;
  readonly #ways: PictureWays;
  readonly #wishes = new Set<() => boolean>();
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #isStopped = false;
  #isUnsupported: boolean;
  #timer: { cancel(): void } | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>, log: Log, ways: PictureWays, isUnsupported = false) {
    this.#clock = clock;
    this.#log = log;
    this.#ways = ways;
    this.#isUnsupported = isUnsupported;
  }

  /** The camera has said that it cannot be asked. */
  get isUnsupported(): boolean {
    return this.#isUnsupported;
  }

  /** A viewer lost something. Never throws and never waits; too soon after the last request it is passed over. */
  ask(): void {
    if (this.#isUnsupported) this.#restart(this.#ways.isShared() ? SHARED_RESTART_PERIOD_MS : RESTART_PERIOD_MS);
    else this.#askNow();
  }

  /** A viewer waits for its first picture: asked for now or as soon as it may be, if it is still needed then. */
  want(isStillNeeded: () => boolean): void {
    this.#wishes.add(isStillNeeded);
    this.#serve();
  }

  /** Nothing is asked any more. */
  stop(): void {
    this.#isStopped = true;
    this.#wishes.clear();
    this.#timer?.cancel();
  }

  #serve(): void {
    if (this.#isStopped) return;
    for (const isStillNeeded of this.#wishes) if (!isStillNeeded()) this.#wishes.delete(isStillNeeded);
    if (this.#wishes.size === 0 || this.#isAsking) return;
    const dueAt = this.#isUnsupported ? this.#ways.begunAt() + RESTART_PERIOD_MS : this.#askedAt + ASK_PERIOD_MS;
    const waitMs = dueAt - this.#clock.monotonicMs();
    if (waitMs > 0) {
      this.#timer?.cancel();
      this.#timer = this.#clock.after(waitMs, () => this.#serve(), true);
      return;
    }
    // Each wish is served once: what the camera does not give for it, its next own intra picture will.
    this.#wishes.clear();
    if (this.#isUnsupported) this.#restart(RESTART_PERIOD_MS);
    else this.#askNow();
  }

  #restart(periodMs: number): void {
    if (this.#isStopped || !this.#ways.mayRestart() || this.#clock.monotonicMs() - this.#ways.begunAt() < periodMs) return;
    this.#log.debug('the stream is begun again for an intra picture');
    this.#ways.restart();
  }

  #askNow(): void {
    const now = this.#clock.monotonicMs();
    if (this.#isStopped || this.#isAsking || now - this.#askedAt < ASK_PERIOD_MS) return;
    this.#askedAt = now;
    this.#isAsking = true;
    this.#ways
      .ask()
      .catch((error: unknown) => {
        this.#isUnsupported = error instanceof DriverError && error.code === 'camera.unsupported';
        this.#log.debug('the camera did not take the request for an intra picture', { error });
      })
      .finally(() => {
        this.#isAsking = false;
        this.#serve();
      });
  }
}
