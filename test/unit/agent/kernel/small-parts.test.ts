import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { backoffMs, CLOUD_BACKOFF } from '../../../../agent/kernel/backoff.js';
import { delay, systemClock } from '../../../../agent/kernel/clock.js';
import { AgentError, asAgentError, rootMessage } from '../../../../agent/kernel/errors.js';
import { KeyedQueue } from '../../../../agent/kernel/keyed-queue.js';
import { SupervisorNotice } from '../../../../agent/kernel/notify.js';
import { SingleFlight } from '../../../../agent/kernel/single-flight.js';
import { HandClock } from './hand-clock.js';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('errors: code, sentences, retry and cause are kept', () => {
  const cause = new TypeError('inner');
  const error = new AgentError({ code: 'a.b', say: 'It broke.', fix: 'Mend it.', retryable: true, cause, detail: { n: 1 } });
  assert.is(error.message, 'a.b: It broke.');
  assert.is(error.name, 'AgentError');
  assert.equal(
    [error.code, error.say, error.fix, error.retryable, error.detail, error.cause],
    ['a.b', 'It broke.', 'Mend it.', true, { n: 1 }, cause],
  );
  const plain = new AgentError({ code: 'a.b', say: 'x', fix: 'y' });
  assert.is(plain.retryable, false);
  assert.not('cause' in plain);
});

test('errors: any thrown value becomes one of ours, ours stay themselves', () => {
  const ours = new AgentError({ code: 'a.b', say: 'x', fix: 'y' });
  const other = { code: 'c.d', say: 'z', fix: 'w' };
  assert.is(asAgentError(ours, other), ours);
  for (const thrown of [new TypeError('t'), 'text', undefined, null, 7]) {
    const made = asAgentError(thrown, other);
    assert.is(made.code, 'c.d');
    assert.is(made.cause, thrown);
  }
  assert.is(rootMessage(asAgentError(new TypeError('outer', { cause: new TypeError('root') }), other)), 'root');
  assert.is(rootMessage('text'), 'text');
});

test('back-off: always inside its bounds, whatever the attempt and the luck', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1, max: 10_000 }), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (attempt, luck) => {
      const wait = backoffMs(CLOUD_BACKOFF, attempt, () => luck);
      assert.ok(Number.isInteger(wait) && wait >= 0);
      if (attempt <= 0) assert.ok(wait <= CLOUD_BACKOFF.firstMs);
      else assert.ok(wait >= CLOUD_BACKOFF.baseMs / 2 && wait <= CLOUD_BACKOFF.capMs);
    }),
  );
});

test('back-off: doubles from the base to the cap', () => {
  const most = [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(CLOUD_BACKOFF, attempt, () => 1));
  assert.equal(most, [60_000, 120_000, 240_000, 480_000, 900_000, 900_000]);
});

test('keyed queue: one after another per key, keys side by side', async () => {
  const queue = new KeyedQueue();
  const order: string[] = [];
  let release = (): void => undefined;
  const first = queue.run('a', () => new Promise<void>((resolve) => (release = resolve)).then(() => void order.push('a1')));
  const second = queue.run('a', async () => void order.push('a2'));
  await queue.run('b', async () => void order.push('b1'));
  await settle();
  assert.equal(order, ['b1']);
  assert.is(queue.size, 1, 'b is done and forgotten');
  release();
  await Promise.all([first, second]);
  assert.equal(order, ['b1', 'a1', 'a2']);
});

test('keyed queue: a failure is its caller’s and does not stop the next', async () => {
  const queue = new KeyedQueue();
  const failed = queue.run('a', () => Promise.reject(new TypeError('no'))).catch((error: Error) => error.message);
  assert.is(await queue.run('a', async () => 'next'), 'next');
  assert.is(await failed, 'no');
  await settle();
  assert.is(queue.size, 0, 'nothing is kept for a key at rest');
});

test('single flight: callers share one making, a later caller makes anew, a failure is shared too', async () => {
  const flight = new SingleFlight<number>();
  let made = 0;
  const make = async (): Promise<number> => {
    made += 1;
    if (made === 2) throw new TypeError('no');
    return made;
  };
  assert.equal(await Promise.all([flight.run('a', make), flight.run('a', make)]), [1, 1]);
  const both = await Promise.allSettled([flight.run('a', make), flight.run('a', make)]);
  assert.equal(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.is(await flight.run('a', make), 3);
});

test('clock: a delay ends when its time has come, and a cancelled timer never acts', async () => {
  const clock = new HandClock();
  let isDone = false;
  const waiting = delay(clock, 100).then(() => (isDone = true));
  clock.advance(99);
  await settle();
  assert.is(isDone, false);
  clock.advance(1);
  await waiting;
  let ran = 0;
  const real = systemClock.after(1, () => (ran += 1));
  real.cancel();
  await delay(systemClock, 5);
  assert.is(ran, 0);
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
});

test('clock: a period runs on until cancelled', async () => {
  let ran = 0;
  await new Promise<void>((resolve) => {
    const timer = systemClock.every(1, () => {
      ran += 1;
      if (ran < 3) return;
      timer.cancel();
      resolve();
    });
    // A period alone must not keep a process alive, so something else has to while we wait for it.
    const keep = setTimeout(resolve, 5000);
    systemClock.after(50, () => clearTimeout(keep));
  });
  assert.is(ran, 3);
});

test('notify: speaks through the descriptor it was given and hides it from children', () => {
  const folder = mkdtempSync(join(tmpdir(), 'notify-'));
  const path = join(folder, 'said');
  const fd = openSync(path, 'w');
  const environment: NodeJS.ProcessEnv = { NOTIFY_FD: String(fd), NOTIFY_SOCKET: '/run/x', HOME: '/' };
  const notice = new SupervisorNotice(environment);
  notice.ready('3 cameras');
  notice.alive();
  notice.stopping();
  closeSync(fd);
  notice.alive();
  assert.is(readFileSync(path, 'utf8'), 'READY=1\nSTATUS=3 camerasWATCHDOG=1STOPPING=1');
  assert.equal(environment, { HOME: '/' });
  rmSync(folder, { recursive: true });
});

test('notify: without a descriptor, or with a silly one, nothing happens', () => {
  for (const text of [undefined, '', 'x', '1', '-5', '999999']) {
    const notice = new SupervisorNotice(text === undefined ? {} : { NOTIFY_FD: text });
    notice.ready('x');
    notice.alive();
  }
});

test.run();
