import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Hours } from '../../../../agent/contract/statements.js';
import { describeHours, minuteOfWeek, openingAt, openMinutes } from '../../../../agent/permissions/hours.js';
import { offsetsOf, openingNow } from '../../../../agent/permissions/zone.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WEEK = 7 * 24 * HOUR;
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];
const hours = (days: number[], from: string, to: string, zone = 'Europe/Berlin'): Hours => ({ zone, days, from, to });
/** Minute of the week, Sunday 00:00 is 0. */
const at = (day: number, time: string): number => day * 1_440 + Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

const WINDOWS: readonly [name: string, hours: Hours, minute: number, left: number][] = [
  ['on the minute it begins', hours([1], '08:00', '17:00'), at(1, '08:00'), 540],
  ['a minute before', hours([1], '08:00', '17:00'), at(1, '07:59'), 0],
  ['its last minute', hours([1], '08:00', '17:00'), at(1, '16:59'), 1],
  ['on the minute it ends', hours([1], '08:00', '17:00'), at(1, '17:00'), 0],
  ['on another day', hours([1], '08:00', '17:00'), at(2, '12:00'), 0],
  ['overnight, before midnight', hours([5], '22:00', '06:00'), at(5, '23:00'), 420],
  ['overnight, after midnight', hours([5], '22:00', '06:00'), at(6, '05:59'), 1],
  ['overnight, over', hours([5], '22:00', '06:00'), at(6, '06:00'), 0],
  ['overnight: the morning belongs to the day before', hours([5], '22:00', '06:00'), at(5, '03:00'), 0],
  ['overnight from Saturday into Sunday', hours([6], '22:00', '06:00'), at(0, '01:00'), 300],
  ['overnight from Saturday, on Saturday', hours([6], '22:00', '06:00'), at(6, '22:00'), 480],
  ['a whole day', hours([3], '00:00', '00:00'), at(3, '00:00'), 1_440],
  ['a whole day, over', hours([3], '00:00', '00:00'), at(4, '00:00'), 0],
  ['two whole days that touch are one window', hours([3, 4], '00:00', '00:00'), at(3, '12:00'), 2_160],
  ['24 hours from noon', hours([3], '12:00', '12:00'), at(4, '11:59'), 1],
  ['days named twice', hours([1, 1], '08:00', '09:00'), at(1, '08:30'), 30],
  ['every day around the clock', hours(EVERY_DAY, '09:00', '09:00'), at(2, '03:00'), 10_080],
  ['every day but for a minute', hours(EVERY_DAY, '00:00', '23:59'), at(2, '00:00'), 1_439],
  ['every day but for a minute, in that minute', hours(EVERY_DAY, '00:00', '23:59'), at(2, '23:59'), 0],
];

for (const [name, window, minute, left] of WINDOWS)
  test(`hours of the week: ${name}: ${left}`, () => {
    assert.is(openMinutes(window, minute), left);
  });

test('the minute of the week: 1970 began on a Thursday', () => {
  assert.is(minuteOfWeek(0), at(4, '00:00'));
  assert.is(minuteOfWeek(-1), at(3, '23:59'));
  assert.is(minuteOfWeek(Date.UTC(2026, 2, 29, 13, 37, 59, 999)), at(0, '13:37'));
});

/** `+minutes` until it closes, `always`, or `closed`. */
function opening(window: Hours, instant: number): string {
  const found = openingNow(window, instant);
  if (!found.isOpen) return 'closed';
  return found.untilAt === undefined ? 'always' : `+${(found.untilAt - instant) / MINUTE}`;
}

const utc = (text: string): number => Date.parse(`${text}Z`);
const INSTANTS: readonly [name: string, hours: Hours, instant: string, opening: string][] = [
  ['winter in Berlin', hours([1], '08:00', '17:00'), '2026-01-05T07:00', '+540'],
  ['winter in Berlin, a minute too early', hours([1], '08:00', '17:00'), '2026-01-05T06:59', 'closed'],
  ['summer in Berlin', hours([1], '08:00', '17:00'), '2026-07-06T06:00', '+540'],
  ['another day here than in Greenwich', hours([1], '00:00', '01:00', 'Pacific/Kiritimati'), '2026-01-04T10:30', '+30'],
  ['half-hour zones', hours([1], '08:00', '09:00', 'Asia/Kolkata'), '2026-01-05T02:30', '+60'],
  ['quarter-hour zones', hours([1], '08:00', '09:00', 'Asia/Kathmandu'), '2026-01-05T02:15', '+60'],
  // Berlin, 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
  ['over the lost hour: an hour less', hours([6], '22:00', '06:00'), '2026-03-28T21:00', '+420'],
  ['over the hour that comes twice: an hour more', hours([6], '22:00', '06:00'), '2026-10-24T20:00', '+540'],
  ['an end inside the lost hour: the clock jumps over it', hours([0], '01:00', '02:30'), '2026-03-29T00:15', '+45'],
  ['a beginning inside the lost hour', hours([0], '02:30', '04:00'), '2026-03-29T01:00', '+60'],
  ['before a beginning inside the lost hour', hours([0], '02:30', '04:00'), '2026-03-29T00:59', 'closed'],
  ['wholly inside the lost hour', hours([0], '02:10', '02:50'), '2026-03-29T00:30', 'closed'],
  ['the first of the doubled hour', hours([0], '02:00', '02:30'), '2026-10-25T00:10', '+20'],
  ['between the two', hours([0], '02:00', '02:30'), '2026-10-25T00:40', 'closed'],
  ['the second of the doubled hour', hours([0], '02:00', '02:30'), '2026-10-25T01:10', '+20'],
  ['an end on the change: the hour comes again', hours([0], '01:00', '03:00'), '2026-10-24T23:30', '+150'],
  ['a beginning on the change', hours([0], '03:00', '04:00'), '2026-03-29T01:00', '+60'],
  ['around the clock, over a change', hours(EVERY_DAY, '00:00', '00:00'), '2026-03-28T12:00', 'always'],
  ['a zone that nobody knows', hours(EVERY_DAY, '00:00', '00:00', 'Nowhere/Atlantis'), '2026-01-05T12:00', 'closed'],
  ['at 1970', hours([4], '00:00', '02:00', 'Europe/Berlin'), '1970-01-01T00:00', '+60'],
];

for (const [name, window, instant, expected] of INSTANTS)
  test(`hours in a zone: ${name}: ${expected}`, () => {
    assert.is(opening(window, utc(instant)), expected);
  });

test('what is left is said to the millisecond, also in the middle of a minute', () => {
  const now = utc('2026-01-05T07:30:29.123');
  assert.equal(openingNow(hours([1], '08:00', '08:31'), now), { isOpen: true, untilAt: utc('2026-01-05T07:31') });
});

const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'America/St_Johns', 'UTC', 'Pacific/Apia'];
const time = fc.tuple(fc.nat(23), fc.nat(59)).map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'));
const anyHours = fc.record({
  zone: fc.constantFrom(...ZONES),
  days: fc.uniqueArray(fc.nat(6), { minLength: 1, maxLength: 7 }),
  from: time,
  to: time,
});

/** What the wall of the site reads, asked in another way than the code does. */
function isOpenByWall({ zone, days, from, to }: Hours, instant: number): boolean {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const [weekday = '', clock = ''] = format.format(instant).replace(',', '').split(' ');
  const day = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(weekday);
  const isToday = (begins: number): boolean => days.includes(((begins % 7) + 7) % 7);
  if (to > from) return isToday(day) && clock >= from && clock < to;
  return (isToday(day) && clock >= from) || (isToday(day - 1) && clock < to);
}

test('any hours, any instant around a change of clocks: open is what the wall says, up to the very end and no longer', () => {
  const changes = ['2026-03-29T01:00', '2026-10-25T01:00', '2026-03-08T07:00', '2026-11-01T06:00', '2026-04-04T15:00', '2026-10-03T15:30'];
  const instant = fc.oneof(
    fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -30 * HOUR, max: 30 * HOUR })).map(([change, off]) => utc(change) + off),
    fc.integer({ min: utc('2026-01-01T00:00'), max: utc('2027-01-01T00:00') }),
  );
  fc.assert(
    fc.property(anyHours, instant, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (window, now, part) => {
      const found = openingNow(window, now);
      assert.is(found.isOpen, isOpenByWall(window, now));
      if (!found.isOpen) return;
      const untilAt = found.untilAt ?? now + WEEK;
      assert.ok(untilAt > now);
      assert.ok(isOpenByWall(window, now + Math.floor((untilAt - now) * part)), 'open all the time in between');
      if (found.untilAt !== undefined) assert.not.ok(isOpenByWall(window, found.untilAt), 'closed at the end');
    }),
    { numRuns: 1_500 },
  );
});

test('zones: known ones by name, unknown ones not, and the offset is that of the instant', () => {
  assert.is(offsetsOf('Nowhere/Atlantis'), undefined);
  assert.is(offsetsOf('Nowhere/Atlantis'), undefined, 'asked again');
  const berlin = offsetsOf('Europe/Berlin');
  assert.is(berlin?.(utc('2026-01-05T12:00')), HOUR);
  assert.is(berlin?.(utc('2026-07-05T12:00:00.5')), 2 * HOUR);
  assert.is(offsetsOf('America/St_Johns')?.(utc('2026-01-05T12:00')), -3.5 * HOUR);
  for (let number = 0; number < 40; number += 1) offsetsOf(`Etc/GMT+${number % 13}${number}`);
  assert.is(offsetsOf('Europe/Berlin')?.(utc('2026-01-05T12:00')), HOUR, 'many others later');
});

test('an offset that changes again and again ends in a time, not in a loop', () => {
  const restless = (instant: number): number => (Math.floor(instant / HOUR) % 2 === 0 ? HOUR : 0);
  const found = openingAt(hours(EVERY_DAY, '00:00', '23:00'), utc('2026-01-05T02:00'), restless);
  assert.ok(found.isOpen && (found.untilAt ?? 0) > utc('2026-01-05T02:00'));
});

test('hours as a person reads them', () => {
  assert.is(describeHours(hours([2, 1, 1], '08:00', '17:00')), 'Monday, Tuesday, 08:00 to 17:00 (Europe/Berlin)');
  assert.is(describeHours(hours(EVERY_DAY, '22:00', '06:00')), 'every day, 22:00 to 06:00 (Europe/Berlin)');
});

test.run();
