import { ClockFloor } from '../contract/stored.js';
import type { StateStore } from '../store/state-store.js';
import type { MachineRun } from './time-source.js';

/**
 * The floor is written when it is so much later than the stored one. Every writing costs 20 KiB of flash, measured, most of it for the file system's own
 * books: once a minute was 29 MB a day.
 */
export const WRITE_MS = 15 * 60_000;

/** What is known at the start beside the stored floor. */
export interface FloorFacts {
  /** The system's wall clock, ms since 1970. */
  readonly systemAt: number;
  /** It was set by network time in this start of the machine, or runs on while the machine is off. */
  readonly isTrusted: boolean;
  /** Undefined where the machine does not tell. */
  readonly run: MachineRun | undefined;
}

/**
 * Where the floor of the run before went on to; `isTaken`: time is taken for passed of which nothing is known. Of the same start of the machine it has grown with the machine; after a power cut that the clock did
 * not live through it is as late as it may have been, so that cutting the power wins no time.
 */
export function floorAfter(
  stored: ClockFloor | undefined,
  { systemAt, isTrusted, run }: FloorFacts,
): { readonly at: number; readonly isTaken: boolean } {
  if (stored === undefined) return { at: 0, isTaken: false };
  const { at, mayBeMs = 0, machine } = stored;
  if (machine !== undefined && run !== undefined && machine.boot === run.boot && run.upMs >= machine.upMs)
    return { at: Math.floor(at + run.upMs - machine.upMs), isTaken: false };
  const isLost = systemAt < at || (!isTrusted && systemAt < at + mayBeMs);
  return { at: isLost ? at + mayBeMs : at, isTaken: isLost && mayBeMs > 0 };
}

/** Keeps the floor over restarts. */
export class FloorMemory {
  readonly #state: Pick<StateStore, 'get' | 'put'>;
  readonly #run: () => MachineRun | undefined;
  #storedAt: number;

  private constructor(state: Pick<StateStore, 'get' | 'put'>, run: () => MachineRun | undefined, storedAt: number) {
    this.#state = state;
    this.#run = run;
    this.#storedAt = storedAt;
  }

  /** Reads it. Time that was taken for passed is stored at once: switching off and on again must not win it anew. */
  static async load(
    state: Pick<StateStore, 'get' | 'put'>,
    run: () => MachineRun | undefined,
    facts: Omit<FloorFacts, 'run'>,
  ): Promise<FloorMemory> {
    const { at, isTaken } = floorAfter(await state.get('clock-floor', ClockFloor), { ...facts, run: run() });
    const memory = new FloorMemory(state, run, at);
    if (isTaken) await memory.save(at, WRITE_MS).catch(() => undefined);
    return memory;
  }

  /** As loaded, or as written last. */
  get at(): number {
    return this.#storedAt;
  }

  /** `mayBeMs`: how much later it may be before it is written again. Rejects with `store.*`. */
  async save(at: number, mayBeMs: number): Promise<void> {
    const machine = this.#run();
    const document: ClockFloor = { at, mayBeMs, ...(machine === undefined ? {} : { machine }) };
    await this.#state.put('clock-floor', document);
    this.#storedAt = at;
  }
}
