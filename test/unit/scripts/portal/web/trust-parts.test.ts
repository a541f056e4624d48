import { generate } from 'lean-qr';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseShape } from '../../../../../agent/contract/shapes.js';
import { Hours } from '../../../../../agent/contract/statements.js';
import { linePath, nearest, timeMarks } from '../../../../../scripts/portal/web/chart-scale.js';
import { describeHours, hoursOf, isOvernight, nameOfDay, WORKING_HOURS } from '../../../../../scripts/portal/web/hours.js';
import { qrPath } from '../../../../../scripts/portal/web/qr-path.js';

test('hours of a form become those of a grant, or the sentence that says what is missing', () => {
  const hours = hoursOf({ days: [5, 1], from: '22:00', to: '06:00' }, 'Europe/Berlin');
  assert.equal(hours, { zone: 'Europe/Berlin', days: [1, 5], from: '22:00', to: '06:00' });
  assert.equal(parseShape(Hours, hours), hours);
  assert.type(hoursOf({ ...WORKING_HOURS, days: [] }, 'UTC'), 'string');
  assert.type(hoursOf({ ...WORKING_HOURS, to: '' }, 'UTC'), 'string');
  assert.equal([isOvernight(WORKING_HOURS), isOvernight({ days: [1], from: '08:00', to: '08:00' })], [false, true]);
});

test('hours are said as people say them', () => {
  const say = (days: number[]): string | undefined => describeHours({ zone: 'UTC', days, from: '08:00', to: '18:00' });
  assert.is(say([1, 2, 3, 4, 5]), 'Monday to Friday, 08:00 to 18:00');
  assert.is(say([6, 0]), 'Saturday and Sunday, 08:00 to 18:00');
  assert.is(say([0, 1, 2, 3, 4, 5, 6]), 'every day, 08:00 to 18:00');
  assert.is(say([1, 3, 5]), 'Monday, Wednesday and Friday, 08:00 to 18:00');
  assert.is(describeHours(null), undefined);
  assert.is(nameOfDay(0), 'Sunday');
});

test('a drawn code has exactly the modules of the code, and its margin', () => {
  const code = generate('https://portal.example.org/#/join/SN4F2K7Q9D/abc');
  const { size, path } = qrPath(code);
  assert.is(size, code.size + 8);
  const dark = new Set<string>();
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g))
    for (let at = 0; at < Number(width); at += 1) dark.add(`${Number(x) + at - 4} ${Number(y) - 4}`);
  for (let y = 0; y < code.size; y += 1)
    for (let x = 0; x < code.size; x += 1) assert.is(dark.has(`${x} ${y}`), code.get(x, y), `${x} ${y}`);
  assert.ok([...dark].every((place) => place.split(' ').every((at) => Number(at) >= 0 && Number(at) < code.size)));
});

test('a line has gaps where values are missing, and a value alone is still seen', () => {
  const self = (value: number): number => value;
  assert.is(linePath([1, 2, 3, 4, 5], [1, 2, null, 4, null], self, self), 'M1.0 1.0L2.0 2.0M4.0 4.0h0.1');
  assert.is(linePath([1], [null], self, self), '');
});

test('marks stand at whole steps of the local clock, and no more than fit', () => {
  const hour = 3_600_000;
  const offset = 5.5 * hour;
  const marks = timeMarks(10 * 60_000, 70 * 60_000, 6, offset);
  assert.ok(marks.length <= 7 && marks.length >= 4);
  assert.ok(marks.every((at) => (at + offset) % 600_000 === 0));
  assert.ok(timeMarks(0, 31 * 24 * hour, 8, 0).length <= 9);
});

test('the nearest moment is found at both ends and between', () => {
  assert.equal(
    [0, 14, 16, 99].map((at) => nearest([10, 20, 30], at)),
    [0, 0, 1, 2],
  );
  assert.is(nearest([], 5), -1);
});

test.run();
