import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PtzDriver } from '../../../../../scripts/portal/web/ptz-driver.js';

const LEFT = { pan: -0.5, tilt: 0, zoom: 0 };
const UP = { pan: 0, tilt: 0.5, zoom: 0 };

/** A driver whose orders are answered by hand. */
function setUp() {
  const orders: string[] = [];
  const errors: unknown[] = [];
  let answer: (error?: unknown) => void = () => undefined;
  const stopped = { resolve: (): void => undefined };
  const driver = new PtzDriver({
    move: (direction) => {
      orders.push(direction.pan < 0 ? 'left' : 'up');
      return new Promise((resolve, reject) => {
        answer = (error) => (error === undefined ? resolve(undefined) : reject(error));
      });
    },
    stop: () => {
      orders.push('stop');
      stopped.resolve();
      return Promise.resolve();
    },
    onError: (error) => errors.push(error),
  });
  const untilStopped = new Promise<void>((resolve) => {
    stopped.resolve = resolve;
  });
  return { driver, orders, errors, untilStopped, answer: (error?: unknown) => answer(error) };
}

test('the stop goes out after the move it ends, once', async () => {
  const { driver, orders, answer, untilStopped } = setUp();
  driver.press(LEFT);
  driver.press(LEFT);
  driver.release();
  driver.release();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(orders, ['left'], 'the stop waits for the answer to the move');
  answer();
  await untilStopped;
  assert.equal(orders, ['left', 'stop']);
});

test('a refusal is told and ends the repeating', async () => {
  const { driver, orders, errors, answer, untilStopped } = setUp();
  driver.press(UP);
  answer('refused');
  driver.release();
  await untilStopped;
  assert.equal([orders, errors], [['up', 'stop'], ['refused']]);
});

test('letting go without having pressed sends nothing', () => {
  const { driver, orders } = setUp();
  driver.release();
  assert.equal(orders, []);
});

test.run();
