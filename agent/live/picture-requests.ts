import { DriverError } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

const PERIOD_MS = 1_000;

/**
 * Asks a camera for an intra picture, at most once a second (browsers ask every 200 ms while they wait), one request at a time.
 * A camera that cannot do it is not asked again.
 */
export class PictureRequests {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #log: Log;
  readonly #ask: () => Promise<void>;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  #isUnsupported = false;

  constructor(clock: Pick<Clock, 'monotonicMs'>, log: Log, ask: () => Promise<void>) {
    this.#clock = clock;
    this.#log = log;
    this.#ask = ask;
  }

  /** Never throws and never waits. */
  ask(): void {
    const now = this.#clock.monotonicMs();
    if (this.#isUnsupported || this.#isAsking || now - this.#askedAt < PERIOD_MS) return;
    this.#askedAt = now;
    this.#isAsking = true;
    this.#ask()
      .catch((error: unknown) => {
        this.#isUnsupported = error instanceof DriverError && error.code === 'camera.unsupported';
        this.#log.debug('the camera did not take the request for an intra picture', { error });
      })
      .finally(() => {
        this.#isAsking = false;
      });
  }
}
