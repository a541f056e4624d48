import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ReplayWindow } from '../../../../agent/cloud/replay-window.js';

test('numbers may come out of order, each counts once', () => {
  const window = new ReplayWindow(4);
  assert.equal(
    [5, 3, 4, 5, 3, 9].map((n) => window.take(n)),
    [true, true, true, false, false, true],
  );
});

test('what is older than the window is not taken', () => {
  const window = new ReplayWindow(2);
  for (const n of [10, 11, 12]) window.take(n);
  assert.not(window.take(9));
  assert.not(window.take(10));
  assert.ok(window.take(13));
});

test('no number is ever taken twice, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 400 }), fc.integer({ min: 1, max: 8 }), (numbers, size) => {
      const window = new ReplayWindow(size);
      const taken = numbers.filter((n) => window.take(n));
      return new Set(taken).size === taken.length;
    }),
  );
});

test.run();
