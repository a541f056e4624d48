import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import * as floors from '../kernel/time-floor.js';
import { MADE_AT } from '../kernel/version.js';
import type { StateStore } from '../store/state-store.js';
import { FloorMemory, WRITE_MS } from './floor-memory.js';
import { type MachineRun, readMachineRun, readTimeSource } from './time-source.js';

/** The time as the recorder believes it, and how far it may be believed. The rules are those of kernel/time-floor.ts. */
export interface FlooredClock {
  /** Never before what this recorder was sure of, over restarts too. */
  readonly clock: Clock;
  /**
   * Begins to remember the time; to be cancelled at the end, so that a quick restart goes on from there. `along` writes what can wait for as long: two
   * writings at once cost little more than one.
   */
  watch(log: Log, along?: () => Promise<void>): Timer;
  /**
   * The owner signed something at `at` (`iat`, ms since 1970). Only after the statement was accepted, and never for what an employee signed.
   * `isFresh` false for what a relay may have kept back (a retained withdrawal): it proves a time that is past, not that it is now.
   */
  sighted(at: number, isFresh?: boolean): void;
  /** An instant that is surely past (ms since 1970): what must not be lost by a clock that ran ahead for a moment is reckoned from it. */
  surelyAt(): number;
  /** For the rows of the log. */
  quality(): floors.TimeQuality;
  /** False after a start with a clock that had lost the time, until somebody trustworthy told it. */
  isTimeKnown(): boolean;
}

const PERIOD_MS = 60_000;

/**
 * Reads the remembered floor. `source` tells where the system clock has its time from; looked at once a minute. `run`: which start of the machine this
 * is.
 */
export async function flooredClock(
  system: Clock,
  state: Pick<StateStore, 'get' | 'put'>,
  source: () => floors.TimeSource = () => readTimeSource(system),
  run: () => MachineRun | undefined = readMachineRun,
): Promise<FlooredClock> {
  const read = (): floors.Reading => ({ systemAt: system.now(), monoMs: system.monotonicMs() });
  let known = source();
  const memory = await FloorMemory.load(state, run, { systemAt: system.now(), isTrusted: known.isSynchronised || known.hasBattery });
  let floor = floors.observe(floors.openFloor(memory.at, MADE_AT, read()), read(), known);
  const observe = (): floors.Reading => {
    const reading = read();
    floor = floors.observe(floor, reading, known);
    return reading;
  };
  const now = (): number => {
    observe();
    return floors.nowAt(floor);
  };
  const remember = async (log: Log, mayBeMs: number, along: () => Promise<void>): Promise<void> => {
    known = source();
    const at = floors.floorAt(floor, observe().monoMs);
    // The last one says exactly how late it is.
    if (at - memory.at < Math.max(1, mayBeMs)) return;
    await along().catch(() => undefined);
    await memory.save(at, mayBeMs).catch((error: unknown) => log.warn('the time could not be remembered', { error }));
  };
  return {
    clock: {
      now,
      monotonicMs: () => system.monotonicMs(),
      after: (delayMs, act, background) => system.after(delayMs, act, background),
      every: (periodMs, act) => system.every(periodMs, act),
    },
    watch: (log, along = async () => undefined) => {
      const timer = system.every(PERIOD_MS, () => void remember(log, WRITE_MS, along));
      const cancel = (): void => {
        timer.cancel();
        void remember(log, 0, along);
      };
      return { cancel };
    },
    sighted: (at, isFresh = true) => {
      floor = floors.sighted(floor, at, isFresh, observe(), known);
    },
    surelyAt: () => {
      const { monoMs } = observe();
      return floors.floorAt(floor, monoMs);
    },
    quality: () => floors.qualityOf(floor, observe(), known),
    isTimeKnown: () => floors.isTimeKnown(floor, observe(), known),
  };
}
