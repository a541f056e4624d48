/** What the tests of the RTSP client share: a clock they own, a client on it, and an opening that records what it is told. */
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { type DriverClock, DriverError, type StreamPull, type StreamRequest } from '../../drivers/port.js';
import { createStreamClient } from '../../drivers/rtsp/client.js';
import type { RtspFake } from './rtsp-fake.js';

/** Time that passes only when told. */
export class FakeClock implements DriverClock {
  private nowMs = 1000;
  private readonly timers = new Set<{ atMs: number; act: () => void }>();

  now(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, act: () => void): { cancel(): void } {
    const timer = { atMs: this.nowMs + delayMs, act };
    this.timers.add(timer);
    return { cancel: () => this.timers.delete(timer) };
  }

  /** How many timers are armed. */
  get armed(): number {
    return this.timers.size;
  }

  /** Lets time pass and runs what falls due, in order. */
  advance(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    for (;;) {
      const [next] = [...this.timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.act();
    }
    this.nowMs = endMs;
  }
}

/** One stream request and everything that came of it. */
export interface Rig {
  readonly clock: FakeClock;
  readonly abort: AbortController;
  /** Hex of each RTP packet. */
  readonly packets: string[];
  readonly ends: DriverError[];
  readonly warnings: string[];
  readonly opened: Promise<StreamPull>;
  /** Resolves when `count` packets have come, at once if they have. */
  received(count: number): Promise<void>;
  /** Resolves with the reason when the stream ends. */
  readonly ended: Promise<DriverError>;
}

export const LOGIN = { user: 'admin', password: { reveal: () => 'secret' } };

/** Opens a stream from the fake with whatever differs from the ordinary. */
export function openFrom(port: number, changes: Partial<StreamRequest> = {}, clock = new FakeClock()): Rig {
  const abort = new AbortController();
  const packets: string[] = [];
  const ends: DriverError[] = [];
  const warnings: string[] = [];
  const waits: { count: number; resolve: () => void }[] = [];
  let resolveEnded: (reason: DriverError) => void = () => {};
  const ended = new Promise<DriverError>((resolve) => {
    resolveEnded = resolve;
  });
  const log = { debug() {}, info() {}, warn: (message: string) => void warnings.push(message) };
  const opened = createStreamClient({ clock, log }).open({
    uri: `rtsp://127.0.0.1:${port}/main`,
    allowedHost: '127.0.0.1',
    login: LOGIN,
    signal: abort.signal,
    onRtp: (buffer, start, end) => {
      packets.push(buffer.toString('hex', start, end));
      for (const wait of waits) if (packets.length >= wait.count) wait.resolve();
    },
    onEnd: (reason) => {
      ends.push(reason);
      resolveEnded(reason);
    },
    ...changes,
  });
  opened.catch(() => {});
  const received = (count: number): Promise<void> =>
    new Promise((resolve) => {
      waits.push({ count, resolve });
      if (packets.length >= count) resolve();
    });
  return { clock, abort, packets, ends, warnings, opened, received, ended };
}

/** The DriverError a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<DriverError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, DriverError);
    return error as DriverError;
  }
  return assert.unreachable('it did not fail') as never;
}

/** Resolves when the fake has seen a request of this method. */
export async function asked(fake: RtspFake, method: string, count = 1): Promise<void> {
  while (fake.requests.filter((request) => request.method === method).length < count) await once(fake.events, 'request');
}

/** Resolves when no connection is left at the fake. */
export async function deserted(fake: RtspFake): Promise<void> {
  while (fake.sockets.size > 0) await once(fake.events, 'gone');
}
