import { ClockFloor } from '../contract/stored.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import * as floors from '../kernel/time-floor.js';
import { MADE_AT } from '../kernel/version.js';
import type { StateStore } from '../store/state-store.js';
import { readTimeSource } from './time-source.js';

/** The time as the recorder believes it, and how far it may be believed. The rules are those of kernel/time-floor.ts. */
export interface FlooredClock {
  /** Never before what this recorder was sure of, over restarts too. */
  readonly clock: Clock;
  /** Begins to remember the time, every minute. */
  watch(log: Log): Timer;
  /**
   * The owner signed something at `at` (`iat`, ms since 1970). Only after the statement was accepted, and never for what an employee signed.
   * `isFresh` false for what a relay may have kept back (a retained withdrawal): it proves a time that is past, not that it is now.
   */
  sighted(at: number, isFresh?: boolean): void;
  /** For the rows of the log. */
  quality(): floors.TimeQuality;
  /** False after a start with a clock that had lost the time, until somebody trustworthy told it. */
  isTimeKnown(): boolean;
}

const PERIOD_MS = 60_000;

/** Reads the remembered floor. `source` tells where the system clock has its time from; looked at once a minute. */
export async function flooredClock(
  system: Clock,
  state: Pick<StateStore, 'get' | 'put'>,
  source: () => floors.TimeSource = () => readTimeSource(system),
): Promise<FlooredClock> {
  const read = (): floors.Reading => ({ systemAt: system.now(), monoMs: system.monotonicMs() });
  const stored = await state.get('clock-floor', ClockFloor);
  let known = source();
  let floor = floors.observe(floors.openFloor(stored?.at ?? 0, MADE_AT, read()), read(), known);
  const observe = (): floors.Reading => {
    const reading = read();
    floor = floors.observe(floor, reading, known);
    return reading;
  };
  const now = (): number => {
    observe();
    return floors.nowAt(floor);
  };
  const remember = async (log: Log): Promise<void> => {
    known = source();
    const { monoMs } = observe();
    await state
      .put('clock-floor', { at: floors.floorAt(floor, monoMs) })
      .catch((error: unknown) => log.warn('the time could not be remembered', { error }));
  };
  return {
    clock: {
      now,
      monotonicMs: () => system.monotonicMs(),
      after: (delayMs, act, background) => system.after(delayMs, act, background),
      every: (periodMs, act) => system.every(periodMs, act),
    },
    watch: (log) => system.every(PERIOD_MS, () => void remember(log)),
    sighted: (at, isFresh = true) => {
      floor = floors.sighted(floor, at, isFresh, observe(), known);
    },
    quality: () => floors.qualityOf(floor, observe(), known),
    isTimeKnown: () => floors.isTimeKnown(floor, observe(), known),
  };
}
