import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog, type Log } from '../../../../agent/kernel/log.js';
import { Runtime } from '../../../../agent/kernel/runtime.js';
import type { Service } from '../../../../agent/kernel/service.js';
import { HandClock } from './hand-clock.js';

interface Rig {
  readonly clock: HandClock;
  readonly log: Log;
  readonly lines: string[];
  readonly calls: string[];
  service(name: string, change?: Partial<Service>): Service;
}

function makeRig(): Rig {
  const clock = new HandClock();
  const lines: string[] = [];
  const calls: string[] = [];
  return {
    clock,
    lines,
    calls,
    log: createLog({ level: 'debug', clock, format: 'json', write: (line) => lines.push(line) }),
    service: (name, change = {}) => ({
      name,
      start: async () => void calls.push(`+${name}`),
      stop: async () => void calls.push(`-${name}`),
      ...change,
    }),
  };
}

/** Lets everything that is ready to run do so. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('starts in order and stops in reverse', async () => {
  const { service, calls, clock, log } = makeRig();
  const runtime = new Runtime([service('a'), service('b'), service('c')], clock, log);
  await runtime.start();
  assert.equal(await runtime.stop(), []);
  assert.equal(calls, ['+a', '+b', '+c', '-c', '-b', '-a']);
  assert.is(clock.pending, 0, 'no deadline is left ticking');
});

test('a failed start stops what ran before it, itself included, and gives the failure to the caller', async () => {
  const { service, calls, clock, log } = makeRig();
  const broken = service('b', { start: () => Promise.reject(new TypeError('port taken')) });
  const runtime = new Runtime([service('a'), broken, service('c')], clock, log);
  await runtime.start().then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'port taken'),
  );
  assert.equal(calls, ['+a', '-b', '-a']);
});

test('a service that hangs while stopping is named and passed over at its deadline', async () => {
  const { service, calls, clock, log, lines } = makeRig();
  const hanging = service('b', { stop: () => new Promise(() => undefined), stopDeadlineMs: 500 });
  const runtime = new Runtime([service('a'), hanging], clock, log);
  await runtime.start();
  const stopped = runtime.stop();
  clock.advance(499);
  await settle();
  assert.equal(calls, ['+a', '+b'], 'still waiting');
  clock.advance(1);
  assert.equal(await stopped, ['b']);
  assert.equal(calls, ['+a', '+b', '-a']);
  assert.match(lines.join('\n'), '"service":"b"');
});

test('a service that fails while stopping does not keep the others from it', async () => {
  const { service, calls, clock, log, lines } = makeRig();
  const broken = service('b', { stop: () => Promise.reject(new TypeError('half closed')) });
  const runtime = new Runtime([service('a'), broken], clock, log);
  await runtime.start();
  assert.equal(await runtime.stop(), []);
  assert.equal(calls, ['+a', '+b', '-a']);
  assert.match(lines.join('\n'), 'half closed');
});

test('a service whose stop throws at once does not keep the others from it either', async () => {
  const { service, calls, clock, log, lines } = makeRig();
  const broken = service('b', {
    stop: () => {
      throw new TypeError('never opened');
    },
  });
  const runtime = new Runtime([service('a'), broken], clock, log);
  await runtime.start();
  assert.equal(await runtime.stop(), []);
  assert.equal(calls, ['+a', '+b', '-a']);
  assert.match(lines.join('\n'), 'never opened');
  assert.is(clock.pending, 0, 'no deadline is left ticking');
});

test('a stop during the start ends the start, and two stops are one', async () => {
  const { service, calls, clock, log } = makeRig();
  let go = (): void => undefined;
  const slow = service('a', { start: () => new Promise((resolve) => (go = resolve)) });
  const runtime = new Runtime([slow, service('b')], clock, log);
  const started = runtime.start();
  const both = Promise.all([runtime.stop(), runtime.stop()]);
  go();
  await started;
  assert.equal(await both, [[], []]);
  assert.equal(calls, ['-a'], 'b was never begun');
});

test.run();
