import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CommandQueue, type QueuedFrame } from '../../../../drivers/serial/command-queue.js';

const frame = (lane: string, text: string, kind: QueuedFrame['kind'], told: string[] = []): QueuedFrame => ({
  lane,
  kind,
  bytes: Buffer.from(text),
  settle: (failure) => void told.push(`${text} ${failure === undefined ? 'done' : failure.message}`),
});
const order = (queue: CommandQueue): string => {
  let all = '';
  for (let next = queue.next(); next !== undefined; next = queue.next()) all += next.bytes.toString();
  return all;
};

test('lanes take turns, stops go first, and a stop takes the waiting movement away but nothing else', () => {
  const queue = new CommandQueue();
  const told: string[] = [];
  for (const [lane, text, kind] of [
    ['1', 'a', 'other'],
    ['1', 'b', 'other'],
    ['1', 'c', 'move'],
    ['2', 'd', 'other'],
    ['3', 'e', 'move'],
  ] as const)
    queue.add(frame(lane, text, kind, told));
  queue.add(frame('1', 'S', 'stop', told));
  queue.add(frame('1', 'T', 'stop', told));
  assert.is(queue.size, 5);
  assert.equal(told, ['c done', 'S done']);
  assert.is(order(queue), 'Tadeb');
});

test('who talks without end keeps its turn: a replaced movement stays in its place', () => {
  const queue = new CommandQueue();
  queue.add(frame('joystick', '0', 'move'));
  for (let round = 1; round <= 50; round += 1) {
    queue.add(frame('other', '-', 'other'));
    queue.add(frame('joystick', String(round), 'move'));
    if (round === 1) assert.is(queue.next()?.bytes.toString(), '1');
  }
  const next = [queue.next(), queue.next()].map((one) => one?.lane);
  assert.equal(next.sort(), ['joystick', 'other']);
});

test('a frame is taken back once, and clearing tells everybody', () => {
  const queue = new CommandQueue();
  const told: string[] = [];
  const one = frame('1', 'a', 'other', told);
  const stop = frame('1', 's', 'stop', told);
  queue.add(one);
  queue.add(stop);
  queue.add(frame('1', 'b', 'other', told));
  assert.equal([queue.remove(one), queue.remove(one), queue.remove(stop), queue.remove(stop)], [true, false, true, false]);
  queue.clear(new RangeError('over'));
  assert.equal(told, ['b over']);
  assert.is(queue.size, 0);
});

test.run();
