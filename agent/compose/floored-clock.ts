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
  /** Begins to remember the time; to be cancelled at the end, so that a quick restart goes on from there. */
  watch(log: Log): Timer;
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
 * The floor is written when it is so much later than the stored one: once a minute wears the flash out by 12 MB a day (measured). No longer than what
 * the floor stays behind the time anyway, so that a start that has lost the time may take it for passed.
 */
const WRITE_MS = floors.SLACK_MS;

/** Reads the remembered floor. `source` tells where the system clock has its time from; looked at once a minute. */
export async function flooredClock(
  system: Clock,
  state: Pick<StateStore, 'get' | 'put'>,
  source: () => floors.TimeSource = () => readTimeSource(system),
): Promise<FlooredClock> {
  const read = (): floors.Reading => ({ systemAt: system.now(), monoMs: system.monotonicMs() });
  let known = source();
  let storedAt = (await state.get('clock-floor', ClockFloor))?.at ?? 0;
  if (isLost(storedAt, read(), known)) {
    // The power may have gone just before the next writing. Stored at once: switching off and on again must not win this time anew.
    storedAt += WRITE_MS;
    await state.put('clock-floor', { at: storedAt }).catch(() => undefined);
  }
  let floor = floors.observe(floors.openFloor(storedAt, MADE_AT, read()), read(), known);
  const observe = (): floors.Reading => {
    const reading = read();
    floor = floors.observe(floor, reading, known);
    return reading;
  };
  const now = (): number => {
    observe();
    return floors.nowAt(floor);
  };
  const remember = async (log: Log, leastMs: number): Promise<void> => {
    known = source();
    const at = floors.floorAt(floor, observe().monoMs);
    if (at - storedAt < leastMs) return;
    try {
      await state.put('clock-floor', { at });
      storedAt = at;
    } catch (error) {
      log.warn('the time could not be remembered', { error });
    }
  };
  return {
    clock: {
      now,
      monotonicMs: () => system.monotonicMs(),
      after: (delayMs, act, background) => system.after(delayMs, act, background),
      every: (periodMs, act) => system.every(periodMs, act),
    },
    watch: (log) => {
      const timer = system.every(PERIOD_MS, () => void remember(log, WRITE_MS));
      return {
        cancel: () => {
          timer.cancel();
          void remember(log, 1);
        },
      };
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

/** The system clock is behind what is sure, or not known to be beyond what may have passed since that was written. */
function isLost(storedAt: number, { systemAt }: floors.Reading, { isSynchronised, hasBattery }: floors.TimeSource): boolean {
  if (storedAt === 0) return false;
  return systemAt < storedAt || (!isSynchronised && !hasBattery && systemAt < storedAt + WRITE_MS);
}
