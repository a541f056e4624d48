import { DriverError } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

const ASK_PERIOD_MS = 1_000;
/** How often a camera that did not take the request, for want of time or connection, is asked again for the same viewer. */
const ASK_TRIES = 3;
/** Opening the stream again costs the camera, so for one that waits it happens at most so often. */
const RESTART_PERIOD_MS = 5_000;
/**
 * And while others have a picture, or for one that lost packets while others watch, far less often: a viewer who comes and goes, or whose line is
 * bad, must not keep the camera busy. Its next own intra picture is seldom far.
 */
const SHARED_RESTART_PERIOD_MS = 30_000;

/** Who waits for an intra picture. */
export interface PictureWaiter {
  needsPicture(): boolean;
}

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
  /** Monotonic instant at which it was last begun again; -Infinity when it never was. */
  restartedAt(): number;
  /** Whether several viewers share the stream. */
  isShared(): boolean;
  /** Whether somebody has a picture. */
  isWatched(): boolean;
}

/**
 * Gets intra pictures out of a camera: by asking, at most once a second (browsers ask every 200 ms while they wait), one request at
 * a time; from a camera that cannot be asked by beginning its stream again, rarely, and only if that has helped before.
 */
export class PictureRequests {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly #log: Log;
  readonly #ways: PictureWays;
  readonly #wishes = new Map<PictureWaiter, { tries: number }>();
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
    if (this.#isUnsupported) this.#restart(this.#ways.begunAt() + (this.#ways.isShared() ? SHARED_RESTART_PERIOD_MS : RESTART_PERIOD_MS));
    else this.#askNow();
  }

  /** A viewer waits for its first picture: asked for now or as soon as it may be, if it is still needed then. */
  want(waiter: PictureWaiter): void {
    if (!this.#wishes.has(waiter)) this.#wishes.set(waiter, { tries: 0 });
    this.#serve();
  }

  /** It waits no more. */
  forget(waiter: PictureWaiter): void {
    this.#wishes.delete(waiter);
  }

  /** Nothing is asked any more. */
  stop(): void {
    this.#isStopped = true;
    this.#wishes.clear();
    this.#timer?.cancel();
  }

  #serve(): void {
    if (this.#isStopped) return;
    for (const waiter of this.#wishes.keys()) if (!waiter.needsPicture()) this.#wishes.delete(waiter);
    if (this.#wishes.size === 0 || this.#isAsking) return;
    const dueAt = this.#isUnsupported ? this.#restartDueAt() : this.#askedAt + ASK_PERIOD_MS;
    const waitMs = dueAt - this.#clock.monotonicMs();
    if (waitMs > 0) {
      this.#timer?.cancel();
      this.#timer = this.#clock.after(waitMs, () => this.#serve(), true);
    } else if (this.#isUnsupported) {
      // Each wish is served once: what the camera does not give for it, its next own intra picture will.
      this.#wishes.clear();
      this.#restart(dueAt);
    } else this.#askNow();
  }

  #restartDueAt(): number {
    const { begunAt, restartedAt, isWatched } = this.#ways;
    const dueAt = begunAt() + RESTART_PERIOD_MS;
    return isWatched() ? Math.max(dueAt, restartedAt() + SHARED_RESTART_PERIOD_MS) : dueAt;
  }

  #restart(dueAt: number): void {
    if (this.#isStopped || !this.#ways.mayRestart() || this.#clock.monotonicMs() < dueAt) return;
    this.#ways.restart();
  }

  #askNow(): void {
    const now = this.#clock.monotonicMs();
    if (this.#isStopped || this.#isAsking || now - this.#askedAt < ASK_PERIOD_MS) return;
    this.#askedAt = now;
    this.#isAsking = true;
    const asked = [...this.#wishes];
    this.#ways
      .ask()
      .then(
        () => {
          for (const [waiter] of asked) this.#wishes.delete(waiter);
        },
        (error: unknown) => this.#refused(asked, error),
      )
      .finally(() => {
        this.#isAsking = false;
        this.#serve();
      });
  }

  /** Who waited still waits: for another try, or for the other way where the camera cannot be asked at all. */
  #refused(asked: readonly (readonly [PictureWaiter, { tries: number }])[], error: unknown): void {
    this.#isUnsupported = error instanceof DriverError && error.code === 'camera.unsupported';
    this.#log.debug('the camera did not take the request for an intra picture', { error });
    if (this.#isUnsupported) return;
    for (const [waiter, wish] of asked) {
      wish.tries += 1;
      if (wish.tries >= ASK_TRIES) this.#wishes.delete(waiter);
    }
  }
}
