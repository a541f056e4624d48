import type { Hours } from '../contract/statements.js';

/**
 * Hours of the week in which a grant counts, as pure reckoning: a window is open while the clock on the site's wall reads a time inside it. What
 * the wall reads follows from the zone's offset, which the caller asks for (zone.ts), so summer time is right and everything here can be tested.
 */
export type Opening = { readonly isOpen: false } | { readonly isOpen: true; readonly untilAt: number | undefined };

/** Local time minus UTC at an instant, ms. */
export type OffsetAt = (at: number) => number;

const MINUTE_MS = 60_000;
const DAY = 1_440;
const WEEK = 7 * DAY;
/** 1 January 1970 was a Thursday; day 0 is Sunday. */
const EPOCH_DAY = 4;
/** Changes of the clock that are looked through; a window lasts less than a week, so one is the rule. */
const MOST_CHANGES = 4;

/** Always open: a grant without hours. */
export const ANY_HOUR: Opening = { isOpen: true, untilAt: undefined };
/** Not open, or not to be told. */
export const CLOSED: Opening = { isOpen: false };

const DAY_NAMES = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

function minuteOfDay(time: string): number {
  const [hour = '0', minute = '0'] = time.split(':');
  return Number(hour) * 60 + Number(minute);
}

/** Minute of the week, 0 is Sunday 00:00, of a local instant (UTC plus offset, ms). */
export function minuteOfWeek(localAt: number): number {
  const minutes = Math.floor(localAt / MINUTE_MS) + EPOCH_DAY * DAY;
  return ((minutes % WEEK) + WEEK) % WEEK;
}

/**
 * Minutes from this minute of the week until no window is open: 0 when none is, 10,080 when one always is. Windows that touch or overlap are one. `to`
 * at or before `from` reaches into the next day, also from Saturday into Sunday.
 */
export function openMinutes(hours: Hours, minute: number): number {
  const from = minuteOfDay(hours.from);
  const lasts = (minuteOfDay(hours.to) - from + DAY) % DAY || DAY;
  for (let left = 0; left < WEEK; ) {
    const more = Math.max(...hours.days.map((day) => lasts - ((minute + left - day * DAY - from + 2 * WEEK) % WEEK)), 0);
    if (more === 0) return left;
    left += more;
  }
  return WEEK;
}

/** Whether the hours are open at this instant, and until when: the first instant at which the wall reads a time outside. */
export function openingAt(hours: Hours, at: number, offsetAt: OffsetAt): Opening {
  let from = at;
  for (let changes = 0; changes < MOST_CHANGES; changes += 1) {
    const offset = offsetAt(from);
    const left = openMinutes(hours, minuteOfWeek(from + offset));
    if (left === 0) return from === at ? CLOSED : { isOpen: true, untilAt: from };
    if (left >= WEEK) return ANY_HOUR;
    const endAt = Math.floor((from + offset) / MINUTE_MS) * MINUTE_MS - offset + left * MINUTE_MS;
    if (offsetAt(endAt) === offset) return { isOpen: true, untilAt: endAt };
    from = changeBetween(from, endAt, offsetAt);
  }
  return { isOpen: true, untilAt: from };
}

/** The first instant after `before` with the offset of `after`: when the clocks are changed. */
function changeBetween(before: number, after: number, offsetAt: OffsetAt): number {
  const offset = offsetAt(before);
  let [early, late] = [before, after];
  while (late - early > 1) {
    const middle = Math.floor((early + late) / 2);
    if (offsetAt(middle) === offset) early = middle;
    else late = middle;
  }
  return late;
}

/** The hours as a person reads them: `Monday, Tuesday, 08:00 to 17:00 (Europe/Berlin)`. */
export function describeHours({ days, from, to, zone }: Hours): string {
  const named = [...new Set(days)].sort().map((day) => DAY_NAMES[day] ?? '');
  return `${named.length === 7 ? 'every day' : named.join(', ')}, ${from} to ${to} (${zone})`;
}
