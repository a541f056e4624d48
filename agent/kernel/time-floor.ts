/**
 * What time it is on a machine whose clock may lie: pure, all facts come in. Times are ms since 1970 ("wall") or ms of the monotonic clock.
 *
 * The floor is an instant that is surely past. It is kept over restarts, so time never runs backward, not even with an empty clock battery:
 * `now = max(system, floor)`. From its stored value the floor grows with the time that this run lasts.
 *
 * A clock that runs ahead must not spoil the floor for good. What the system clock says counts at once (permissions end rather too early than
 * too late) but becomes floor only after the clock kept it for an hour of uptime, or when the owner's word agrees. Falls the clock back
 * before, time returns to where it was. Two exceptions to that return: steps back of up to five minutes (network time setting a clock right)
 * are waited out, and the floor itself stays five minutes behind what is sure, so that such a step does not leave it ahead of the real time.
 *
 * The owner's word is the `iat` of what the owner signed, never an employee's. It counts for more than a clock that has lost the time, for a
 * day against a battery clock that lags, and for nothing against network time: a phone may be wrong too. It becomes floor as a clock does.
 */
export interface TimeFloor {
  /** Surely past: wall minus monotonic. */
  readonly floorMs: number;
  /** What the system clock said at the start, wall minus monotonic: another value later means that somebody set it. */
  readonly startMs: number;
  /** Lowest value of the system clock (wall minus monotonic) in each slot of the last hour, oldest first. */
  readonly slots: readonly Slot[];
  /** The owner's word as far as it is not floor yet. */
  readonly told: { readonly offsetMs: number; readonly sinceMs: number } | undefined;
  /** The owner said in this run what time it is. */
  readonly isTold: boolean;
  /** Latest answer to "what time is it", wall. */
  readonly latestAt: number;
}

interface Slot {
  readonly sinceMs: number;
  readonly lowestMs: number;
}

/** Both clocks, read together. */
export interface Reading {
  /** The system's wall clock, ms since 1970. */
  readonly systemAt: number;
  readonly monoMs: number;
}

/** Where the system clock has its time from, as far as the system tells. */
export interface TimeSource {
  /** Set by network time since the machine started. */
  readonly isSynchronised: boolean;
  /** A clock that runs on while the machine is off. */
  readonly hasBattery: boolean;
}

/** How far the wall clock can be trusted: set by network time, by a battery clock (or by hand), or only known to be not before this. */
export type TimeQuality = 'ntp' | 'rtc' | 'floor';

/** A clock that keeps its time for so long is believed. */
export const HOLD_MS = 3_600_000;
/** Steps back up to this are waited out; clocks that differ by no more agree. */
export const SLACK_MS = 5 * 60_000;
const SLOT_MS = 60_000;
const DAY_MS = 86_400_000;
/** A recorder may have lain in store for long; a word from beyond this is a mistake. */
const LONGEST_LEAP_MS = 3650 * DAY_MS;
/** Nobody sets a clock by less on purpose. */
const SET_MS = 10_000;

/** At the start. `storedAt`: the floor of the run before, 0 for none; `madeAt`: when this version was made. */
export function openFloor(storedAt: number, madeAt: number, reading: Reading): TimeFloor {
  const floorAt = Math.max(storedAt, madeAt);
  return {
    floorMs: floorAt - reading.monoMs,
    startMs: offsetOf(reading),
    slots: [{ sinceMs: reading.monoMs, lowestMs: offsetOf(reading) }],
    told: undefined,
    isTold: false,
    latestAt: 0,
  };
}

/** Takes one reading in; to be called at least once a minute. `nowAt` of the result is the time. */
export function observe(floor: TimeFloor, reading: Reading, source: TimeSource): TimeFloor {
  const slots = keepHour(noted(floor.slots, reading), reading.monoMs);
  // Asked for with every packet: the hour is looked through only when it has changed, once a minute at least.
  const held = slots === floor.slots ? Number.NEGATIVE_INFINITY : heldFor(slots, reading.monoMs) - SLACK_MS;
  const word = judgeWord(floor.told, reading, source);
  const floorMs = Math.max(floor.floorMs, held, word.floorMs);
  const seen = { ...floor, slots, floorMs, told: word.told };
  return { ...seen, latestAt: Math.max(believed(seen, reading), waitedOut(seen, reading)) };
}

/** The time, ms since 1970, whole. Of a floor that has just observed this reading. */
export function nowAt(floor: TimeFloor): number {
  return Math.floor(floor.latestAt);
}

/** What is to be stored: surely past at this moment, over a restart too. */
export function floorAt(floor: TimeFloor, monoMs: number): number {
  return Math.floor(floor.floorMs + monoMs);
}

/**
 * The owner signed something at `at`, by the owner's clock. `isFresh`: made in this run for certain (it answered to the challenge of this start);
 * what a relay may have kept back proves a time that is past, not that it is now.
 */
export function sighted(floor: TimeFloor, at: number, isFresh: boolean, reading: Reading, source: TimeSource): TimeFloor {
  const surelyAt = floor.floorMs + reading.monoMs;
  if (!isPlausible(at, surelyAt, reading, source)) return floor;
  const isTold = floor.isTold || (isFresh && at >= surelyAt - SLACK_MS);
  if (at <= reading.systemAt + SLACK_MS) {
    // The clock and the owner agree that it is at least so late.
    return { ...floor, isTold, floorMs: Math.max(floor.floorMs, Math.min(at, reading.systemAt) - SLACK_MS - reading.monoMs) };
  }
  const offsetMs = at - reading.monoMs;
  if (floor.told !== undefined && offsetMs <= floor.told.offsetMs) return { ...floor, isTold };
  const isSame = floor.told !== undefined && offsetMs <= floor.told.offsetMs + SLACK_MS;
  return { ...floor, isTold, told: { offsetMs, sinceMs: isSame && floor.told ? floor.told.sinceMs : reading.monoMs } };
}

/** Where the trust in the time comes from at this moment. */
export function qualityOf(floor: TimeFloor, reading: Reading, source: TimeSource): TimeQuality {
  if (offsetOf(reading) < floor.floorMs) return 'floor';
  if (source.isSynchronised) return 'ntp';
  return source.hasBattery || wasSet(floor, reading) ? 'rtc' : 'floor';
}

/** Whether the time is known, not merely not too early: permissions to watch wait for it. */
export function isTimeKnown(floor: TimeFloor, reading: Reading, source: TimeSource): boolean {
  // Network time behind the floor: the floor is ahead of the real time, which ends permissions too early, never too late.
  return floor.isTold || source.isSynchronised || qualityOf(floor, reading, source) !== 'floor';
}

function offsetOf({ systemAt, monoMs }: Reading): number {
  return systemAt - monoMs;
}

function wasSet(floor: TimeFloor, reading: Reading): boolean {
  return Math.abs(offsetOf(reading) - floor.startMs) >= SET_MS;
}

function noted(slots: readonly Slot[], reading: Reading): readonly Slot[] {
  const offsetMs = offsetOf(reading);
  const last = slots.at(-1);
  if (last === undefined || reading.monoMs - last.sinceMs >= SLOT_MS) return [...slots, { sinceMs: reading.monoMs, lowestMs: offsetMs }];
  if (offsetMs >= last.lowestMs) return slots;
  return [...slots.slice(0, -1), { ...last, lowestMs: offsetMs }];
}

/** The slots that are needed to cover the last hour without a gap at its beginning. */
function keepHour(slots: readonly Slot[], monoMs: number): readonly Slot[] {
  let first = 0;
  while ((slots[first + 1]?.sinceMs ?? Number.POSITIVE_INFINITY) <= monoMs - HOLD_MS) first += 1;
  return first === 0 ? slots : slots.slice(first);
}

/** What the clock was not below for an hour; nothing as long as it was not watched for so long. */
function heldFor(slots: readonly Slot[], monoMs: number): number {
  const isWhole = monoMs - (slots[0]?.sinceMs ?? monoMs) >= HOLD_MS;
  return isWhole ? Math.min(...slots.map(({ lowestMs }) => lowestMs)) : Number.NEGATIVE_INFINITY;
}

function isPlausible(at: number, surelyAt: number, reading: Reading, source: TimeSource): boolean {
  if (at <= reading.systemAt + SLACK_MS) return true;
  if (source.isSynchronised && reading.systemAt >= surelyAt) return false;
  const hasClock = source.hasBattery && reading.systemAt >= surelyAt;
  return at <= (hasClock ? reading.systemAt + DAY_MS : surelyAt + LONGEST_LEAP_MS);
}

/** What becomes of the owner's word: floor when the clock agrees by now or nothing spoke against it for an hour; nothing when network time does. */
function judgeWord(told: TimeFloor['told'], reading: Reading, source: TimeSource): { floorMs: number; told: TimeFloor['told'] } {
  if (told === undefined) return { floorMs: Number.NEGATIVE_INFINITY, told };
  const isAgreed = offsetOf(reading) >= told.offsetMs - SLACK_MS;
  if (isAgreed || (!source.isSynchronised && reading.monoMs - told.sinceMs >= HOLD_MS)) {
    return { floorMs: told.offsetMs - SLACK_MS, told: isAgreed ? undefined : told };
  }
  return { floorMs: Number.NEGATIVE_INFINITY, told: source.isSynchronised ? undefined : told };
}

function believed(floor: TimeFloor, { systemAt, monoMs }: Reading): number {
  return Math.max(systemAt, floor.floorMs + monoMs, floor.told === undefined ? 0 : floor.told.offsetMs + monoMs);
}

/** The latest answer, when time is only a little behind it: then it stands still until it is caught up. */
function waitedOut(floor: TimeFloor, reading: Reading): number {
  return floor.latestAt - believed(floor, reading) <= SLACK_MS ? floor.latestAt : 0;
}
