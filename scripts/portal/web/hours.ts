import type { Hours } from '../../../agent/contract/statements.js';
import { listOf } from './format.js';
import { tt } from './trust-words.js';
import { locale } from './words.js';

/** Days of the week as people here count them: Monday first. 0 is Sunday, as in a grant. */
export const WEEK: readonly number[] = [1, 2, 3, 4, 5, 6, 0];

const dayName = new Intl.DateTimeFormat(locale, { weekday: 'long', timeZone: 'UTC' });

/** `Monday` for 1; 4 January 1970 was a Sunday. */
export function nameOfDay(day: number): string {
  return dayName.format(Date.UTC(1970, 0, 4 + day));
}

/** Hours as a form holds them. */
export interface HoursForm {
  readonly days: readonly number[];
  readonly from: string;
  readonly to: string;
}

/** What most shops mean by working hours. */
export const WORKING_HOURS: HoursForm = { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00' };

const isTime = (text: string): boolean => /^([01][0-9]|2[0-3]):[0-5][0-9]$/.test(text);

/** The hours of a grant, or the sentence that says what is missing. */
export function hoursOf(form: HoursForm, zone: string): Hours | string {
  if (form.days.length === 0) return tt.hoursNoDay;
  if (!isTime(form.from) || !isTime(form.to)) return tt.hoursBadTime;
  return { zone, days: [...form.days].sort((a, b) => a - b), from: form.from, to: form.to };
}

/** True when a window that begins on a day ends on the next one. */
export const isOvernight = ({ from, to }: HoursForm): boolean => isTime(from) && isTime(to) && to <= from;

/** `Monday to Friday, 08:00 to 18:00`; nothing for null. */
export function describeHours(hours: Hours | null): string | undefined {
  return hours === null ? undefined : tt.hours(describeDays(hours.days), hours.from, hours.to);
}

function describeDays(days: readonly number[]): string {
  const chosen = WEEK.filter((day) => days.includes(day));
  if (chosen.length === WEEK.length) return tt.everyDay;
  const first = WEEK.indexOf(chosen[0] ?? 0);
  const isRow = chosen.length > 2 && chosen.every((day, at) => WEEK[first + at] === day);
  if (isRow) return tt.dayRange(nameOfDay(chosen[0] ?? 0), nameOfDay(chosen.at(-1) ?? 0));
  return listOf(chosen.map(nameOfDay));
}
