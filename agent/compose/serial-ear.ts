import type { SerialTraffic } from '../../drivers/port.js';
import type { LocalTraffic } from '../contract/control.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';

/** Who does not ask for so long has gone away. */
const PATIENCE_MS = 10_000;
const MOST_KEPT = 500;

interface Listening {
  readonly kept: { readonly number: number; readonly traffic: SerialTraffic }[];
  next: number;
  timer: Timer;
  readonly stop: () => void;
}

/** Starts to listen to a port; undefined for one that this agent does not use. */
type Watch = (path: string, onTraffic: (traffic: SerialTraffic) => void) => (() => void) | undefined;

/** What went over the serial ports, kept only while somebody asks for it again and again. */
export class SerialEar {
  readonly #watches: Watch[];
  readonly #clock: Clock;
  readonly #listening = new Map<string, Listening>();

  constructor(watch: Watch, clock: Clock) {
    this.#watches = [watch];
    this.#clock = clock;
  }

  /** Ports of somebody else are heard too. */
  also(watch: Watch): void {
    this.#watches.push(watch);
  }

  /** What came behind `after`; the first question begins to listen. @throws AgentError serial.no_such_port */
  traffic(path: string, after: number): LocalTraffic {
    const one = this.#listening.get(path) ?? this.#begin(path);
    one.timer.cancel();
    one.timer = this.#clock.after(PATIENCE_MS, () => this.#end(path), true);
    const entries = one.kept
      .filter(({ number }) => number > after)
      .map(({ traffic: { atMs, direction, hex, meaning } }) => ({ at: Math.floor(atMs), direction, hex, meaning }));
    return { entries, last: one.next - 1 };
  }

  /** Ends all listening. */
  close(): void {
    for (const path of [...this.#listening.keys()]) this.#end(path);
  }

  #begin(path: string): Listening {
    const kept: Listening['kept'] = [];
    const onTraffic = (traffic: SerialTraffic): void => {
      kept.push({ number: one.next, traffic });
      one.next += 1;
      if (kept.length > MOST_KEPT) kept.shift();
    };
    let stop: (() => void) | undefined;
    for (const watch of this.#watches) stop ??= watch(path, onTraffic);
    if (stop === undefined) throw noSuchPort(path);
    const one: Listening = { kept, next: 1, stop, timer: this.#clock.after(PATIENCE_MS, () => this.#end(path), true) };
    this.#listening.set(path, one);
    return one;
  }

  #end(path: string): void {
    const one = this.#listening.get(path);
    this.#listening.delete(path);
    one?.timer.cancel();
    one?.stop();
  }
}

function noSuchPort(path: string): AgentError {
  return new AgentError({
    code: 'serial.no_such_port',
    say: `${path} is no serial port of the running agent.`,
    fix: 'Name a port as the site file does (sightline status lists them).',
  });
}
