import { locale, t } from './words.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const date = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long' });
const exact = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long', hourCycle: 'h23' });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'always' });
const list = new Intl.ListFormat(locale, { type: 'conjunction' });
const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const percentage = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });

/** Midnight before `at` on this device's calendar. */
function dayOf(at: number): number {
  const day = new Date(at);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
}

/** A moment as people say it: `18:30`, `tomorrow 09:00`, `3 December, 18:30`. */
export function moment(at: number, now: number): string {
  const time = clock.format(at);
  const days = Math.round((dayOf(at) - dayOf(now)) / DAY);
  if (days === 0) return t.today(time);
  if (days === 1) return t.tomorrow(time);
  if (days === -1) return t.yesterday(time);
  return t.dateAndTime(date.format(at), time);
}

/** The moment in full, for hover and screen readers. */
export function exactMoment(at: number): string {
  return exact.format(at);
}

/** `just now`, `5 minutes ago`, and after six hours the moment itself. */
export function ago(at: number, now: number): string {
  const age = now - at;
  if (age < 45 * SECOND) return t.justNow;
  if (age < HOUR) return relative.format(-Math.max(1, Math.round(age / MINUTE)), 'minute');
  if (age < 6 * HOUR) return relative.format(-Math.round(age / HOUR), 'hour');
  return moment(at, now);
}

/** A length of time in its largest fitting unit: `40 s`, `10 min`, `4 hours`, `7 days`. */
export function duration(ms: number): string {
  if (ms < MINUTE) return t.seconds(Math.max(0, Math.round(ms / SECOND)));
  if (ms < HOUR) return t.minutes(Math.round(ms / MINUTE));
  if (ms <= 24 * HOUR) return t.hours(Math.round(ms / HOUR));
  return t.days(Math.round(ms / DAY));
}

/** `9:41` of minutes and seconds, for what runs out. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / SECOND));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** A size in its largest fitting unit of 1000: `950 B`, `72 MB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number.format(value)} ${UNITS[unit] ?? ''}`;
}

/** A ratio 0..1 as `42%`, null as "not known". */
export function percent(ratio: number | null): string {
  return ratio === null ? t.unknown : percentage.format(ratio);
}

/** `a`, `a and b`, `a, b and c`. */
export function listOf(items: readonly string[]): string {
  return list.format(items);
}

/** A number with at most one digit after the point. */
export function plainNumber(value: number): string {
  return number.format(value);
}

/**
 * The most that can have passed between pressing and the last picture, s with two digits, rounded up: the order took effect before its
 * answer was here, and pictures went on for `lastMediaMs` after that.
 */
export function secondsAfterPress(roundTripMs: number, lastMediaMs: number): string {
  return Math.max(0.01, Math.ceil((roundTripMs + lastMediaMs) / 10) / 100).toFixed(2);
}

/** The first characters of a key's thumbprint, in groups that can be read out. */
export const shortPrint = (print: string): string => print.slice(0, 12).replace(/(.{4})(?=.)/g, '$1 ');
