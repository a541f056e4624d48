import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../../../agent/kernel/clock.js';
import { withDeadline } from '../../../../agent/kernel/deadline.js';
import { HandClock } from './hand-clock.js';

test('work in time: its value, an untouched signal, no timer left', async () => {
  const clock = new HandClock();
  let given: AbortSignal | undefined;
  const value = await withDeadline(clock, 1000, async (signal) => {
    given = signal;
    clock.advance(999);
    return 'done';
  });
  assert.is(value, 'done');
  assert.is(clock.pending, 0);
  clock.advance(10_000);
  assert.is(given?.aborted, false, 'what the work left behind is not ended afterwards');
});

test('late work is told at the deadline and settles as it likes', async () => {
  const clock = new HandClock();
  const late = withDeadline(
    clock,
    1000,
    (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new TypeError('gave up')), { once: true });
      }),
  );
  clock.advance(1000);
  await late.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'gave up'),
  );
});

test('work that fails, even at once, leaves no timer', async () => {
  const clock = new HandClock();
  const failures: ((signal: AbortSignal) => Promise<void>)[] = [
    () => Promise.reject(new TypeError('no')),
    () => {
      throw new TypeError('no');
    },
  ];
  for (const fail of failures) {
    await withDeadline(clock, 1000, fail).then(
      () => assert.unreachable(),
      (error: Error) => assert.is(error.message, 'no'),
    );
    assert.is(clock.pending, 0);
  }
});

test('the timer does not keep the process alive', async () => {
  const clock = new HandClock();
  const backgrounds: (boolean | undefined)[] = [];
  const watched: Clock = {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    every: (periodMs, act) => clock.every(periodMs, act),
    after: (delayMs, act, background) => {
      backgrounds.push(background);
      return clock.after(delayMs, act);
    },
  };
  await withDeadline(watched, 1000, async () => undefined);
  assert.equal(backgrounds, [true]);
});

test.run();
