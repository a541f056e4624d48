import type { CameraDiscovery, DiscoveredCamera } from '../../drivers/port.js';
import type { Log } from '../kernel/log.js';

/** What listening is made with. */
export interface GreetingsParts {
  /** Undefined, or without `listen`: nothing is heard. */
  readonly discovery: Pick<CameraDiscovery, 'listen'> | undefined;
  readonly onHello: (camera: DiscoveredCamera) => void;
  readonly onBye: (endpoint: string) => void;
  readonly log: Log;
}

type Listening = { close(): Promise<void> };

/**
 * Hears cameras greet. Nothing that is heard is believed: whoever is in the network can say it. It only tells where to look. A port that cannot be
 * had costs nothing but time, because cameras are searched for all the same.
 */
export class Greetings {
  readonly #parts: GreetingsParts;
  readonly #life = new AbortController();
  #listening: Promise<Listening | undefined> = Promise.resolve(undefined);
  #isTold = false;

  constructor(parts: GreetingsParts) {
    this.#parts = parts;
  }

  /** Listens on the addresses that the machine has now; those of before no longer count. Never rejects. */
  renew(): void {
    const before = this.#listening;
    this.#listening = this.#open(before);
  }

  /** Resolves when nothing is heard any more. */
  async stop(): Promise<void> {
    this.#life.abort();
    await (await this.#listening)?.close();
  }

  async #open(before: Promise<Listening | undefined>): Promise<Listening | undefined> {
    const { discovery, onHello, onBye, log } = this.#parts;
    await (await before)?.close();
    if (this.#life.signal.aborted) return undefined;
    try {
      const listening = await discovery?.listen?.({ onHello, onBye }, { signal: this.#life.signal });
      this.#isTold = false;
      return listening;
    } catch (error) {
      if (!this.#isTold && !this.#life.signal.aborted) log.info('cameras that greet are not heard; they are found by searching', { error });
      this.#isTold = true;
      return undefined;
    }
  }
}
