import type { CameraDiscovery, DiscoveredCamera } from '../../drivers/port.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import { SingleFlight } from '../kernel/single-flight.js';
import type { CameraTiming } from './ports.js';
import { cameraError } from './reasons.js';

/** What a search is made with. */
export interface CameraSearchParts {
  /** Undefined: nothing is ever searched for. */
  readonly discovery: CameraDiscovery | undefined;
  readonly timing: CameraTiming;
  readonly hasCameras: () => boolean;
  /** Takes in what was found; resolves with the ids of the channels that are new. */
  readonly meet: (found: readonly DiscoveredCamera[]) => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Looks for cameras in the network: when it is asked to, and by itself, more often while none is known. */
export class CameraSearch {
  readonly #parts: CameraSearchParts;
  readonly #flight = new SingleFlight<readonly string[]>();
  readonly #life = new AbortController();
  #timer: Timer | undefined;

  constructor(parts: CameraSearchParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#life.abort();
  }

  /** One search, shared by all who ask meanwhile. Rejects with AgentError. */
  now(): Promise<readonly string[]> {
    return this.#flight.run('search', async () => {
      try {
        return await this.#search();
      } finally {
        const { discoverMs, discoverWithoutCameraMs } = this.#parts.timing;
        this.plan(this.#parts.hasCameras() ? discoverMs : discoverWithoutCameraMs);
      }
    });
  }

  plan(delayMs: number): void {
    const { discovery, clock, log } = this.#parts;
    if (this.#life.signal.aborted || discovery === undefined) return;
    this.#timer?.cancel();
    const search = (): void => void this.now().catch((error: unknown) => log.warn('search for cameras failed', { error }));
    this.#timer = clock.after(delayMs, search, true);
  }

  async #search(): Promise<readonly string[]> {
    const { discovery, timing, meet } = this.#parts;
    if (discovery === undefined) return [];
    let found: readonly DiscoveredCamera[];
    try {
      found = await discovery.discover({ listenMs: timing.listenMs, signal: this.#life.signal });
    } catch (error) {
      if (this.#life.signal.aborted) return [];
      throw cameraError(error, { host: '', login: undefined });
    }
    return meet(found);
  }
}
