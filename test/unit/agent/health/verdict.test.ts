import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AlertNow, CameraUp } from '../../../../agent/health/types.js';
import { verdict } from '../../../../agent/health/verdict.js';

const camera = (number: number): CameraUp => ({ id: `c${number}`, name: `Camera ${number}`, isUp: true, lastSeenAt: 0 });
const cameras = (count: number): CameraUp[] => Array.from({ length: count }, (_, index) => camera(index + 1));

function alert(more: Partial<AlertNow>): AlertNow {
  return { key: 'disk', fact: 'disk', object: '', phase: 'firing', level: 'warn', firedAt: 0, sentence: 'The disk is full.', ...more };
}

function down(number: number, more: Partial<AlertNow> = {}): AlertNow {
  const object = `c${number}`;
  return alert({
    key: `camera-up:${object}`,
    fact: 'camera-up',
    object,
    sentence: `Camera ${number} has not answered for 5 min.`,
    ...more,
  });
}

test('all is well, with as many cameras as there are', () => {
  assert.equal(verdict([], []), { level: 'ok', sentence: 'All is well.' });
  assert.equal(verdict([], cameras(1)), { level: 'ok', sentence: 'All is well. The camera answers.' });
  assert.equal(verdict([], cameras(4)), { level: 'ok', sentence: 'All is well. All 4 cameras answer.' });
});

test('a warning asks for attention, something critical for an act, the worst first', () => {
  assert.equal(verdict([alert({})], cameras(4)), { level: 'attention', sentence: 'Needs attention: The disk is full.' });
  const both = verdict([alert({}), alert({ fact: 'memory', level: 'crit', sentence: 'Memory is short.' })], []);
  assert.equal(both, { level: 'act', sentence: 'Needs attention: Memory is short. The disk is full.' });
});

test('one camera is told by its own sentence, many by their number and a few names', () => {
  assert.is(verdict([down(2)], cameras(4)).sentence, 'Needs attention: Camera 2 has not answered for 5 min.');
  const many = [1, 2, 3, 4, 5].map((number) => down(number, { level: 'crit' }));
  assert.equal(verdict(many, cameras(6)), {
    level: 'act',
    sentence: 'Needs attention: 5 of 6 cameras do not answer: Camera 1, Camera 2, Camera 3 and 2 more.',
  });
});

test('what is not announced yet is watched, not alarmed about', () => {
  const watched = verdict([down(1, { phase: 'pending', level: 'ok', firedAt: null })], cameras(2));
  assert.equal(watched, { level: 'ok', sentence: 'All is well so far. Being watched: Camera 1 has not answered for 5 min.' });
});

test('what recovers says so', () => {
  const recovering = verdict([down(1, { phase: 'recovering', sentence: 'Camera 1 answers.' })], cameras(2));
  assert.is(recovering.sentence, 'Needs attention: Camera 1 answers. It was worse until a moment ago.');
});

test('cameras that came back are not told as away, those that are away still are', () => {
  const back = down(1, { phase: 'recovering', sentence: 'Camera 1 answers.' });
  const two = verdict([back, down(2)], cameras(3)).sentence;
  assert.is(two, 'Needs attention: Camera 2 has not answered for 5 min. Camera 1 answers. It was worse until a moment ago.');
  const three = verdict([back, down(2), down(3)], cameras(3)).sentence;
  assert.is(three, 'Needs attention: 2 of 3 cameras do not answer: Camera 2, Camera 3. Camera 1 answers. It was worse until a moment ago.');
});

test.run();
