import type { DriverClock, SerialTraffic } from '../port.js';
import { TrafficReader } from './traffic.js';

/** Who wants to know what goes over a port; each has a reader of his own, so that frames that began before he came are no matter to others. */
export class Watchers {
  readonly #clock: Pick<DriverClock, 'now'>;
  readonly #all = new Set<{ readonly tell: (traffic: SerialTraffic) => void; readonly reader: TrafficReader }>();

  constructor(clock: Pick<DriverClock, 'now'>) {
    this.#clock = clock;
  }

  /** Begins to tell; gives back how to end it. */
  add(tell: (traffic: SerialTraffic) => void): () => void {
    const watcher = { tell, reader: new TrafficReader(() => this.#clock.now()) };
    this.#all.add(watcher);
    return () => void this.#all.delete(watcher);
  }

  /** Costs nothing while nobody watches. */
  tell(direction: 'in' | 'out', bytes: Uint8Array): void {
    for (const { tell, reader } of this.#all) for (const traffic of reader.read(direction, bytes)) tell(traffic);
  }
}
