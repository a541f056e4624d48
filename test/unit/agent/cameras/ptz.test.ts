import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MotionGuard } from '../../../../agent/cameras/ptz.js';
import { createLog } from '../../../../agent/kernel/log.js';
import { type CallOptions, DriverError, type PtzDriver, type PtzVelocity } from '../../../../drivers/port.js';
import { HandClock } from '../kernel/hand-clock.js';
import { settle } from './camera-fakes.js';

const patient = (): CallOptions => ({ signal: new AbortController().signal });
const right = (pan: number): PtzVelocity => ({ pan, tilt: 0, zoom: 0 });

/** Gear that answers when told, in the order of `heard`. */
class Gear implements PtzDriver {
  readonly heard: string[] = [];
  isSlow = false;
  stopFailures = 0;
  #release: (() => void) | undefined;

  async move(velocity: PtzVelocity, options: CallOptions): Promise<void> {
    if (this.isSlow) {
      await new Promise<void>((resolve, reject) => {
        this.#release = resolve;
        options.signal.addEventListener('abort', () => reject(new DriverError('driver.aborted', 'stop')));
      });
    }
    this.heard.push(`move ${velocity.pan} ${velocity.tilt} ${velocity.zoom}`);
  }

  async stop(): Promise<void> {
    if (this.stopFailures > 0) {
      this.stopFailures -= 1;
      this.heard.push('stop failed');
      throw new DriverError('camera.timeout', 'slow');
    }
    this.heard.push('stop');
  }

  async goto(token: string): Promise<void> {
    this.heard.push(`goto ${token}`);
  }

  async home(): Promise<void> {
    this.heard.push('home');
  }

  release(): void {
    this.isSlow = false;
    this.#release?.();
  }
}

function rig() {
  const clock = new HandClock();
  const gear = new Gear();
  const log = createLog({ level: 'error', clock, format: 'text', write: () => undefined });
  const guard = new MotionGuard({ driver: () => gear, clock, log });
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  return { clock, gear, guard, pass };
}

test('a movement nobody renews stops within a second, once', async () => {
  const { gear, guard, pass } = rig();
  await guard.move(right(0.5), patient());
  await pass(1_000);
  assert.equal(gear.heard, ['move 0.5 0 0', 'stop']);
  await pass(10_000);
  assert.is(gear.heard.length, 2);
});

test('a renewed movement goes on', async () => {
  const { gear, guard, pass } = rig();
  for (let round = 0; round < 5; round += 1) {
    await guard.move(right(0.5), patient());
    await pass(500);
  }
  assert.not.ok(gear.heard.includes('stop'));
  await pass(500);
  assert.is(gear.heard.at(-1), 'stop');
});

test('speeds are clamped, what is not a number is no speed, all zero is a stop', async () => {
  const { gear, guard, clock } = rig();
  await guard.move({ pan: 9, tilt: Number.NaN, zoom: -7 }, patient());
  await guard.move({ pan: 0, tilt: 0, zoom: 0 }, patient());
  assert.equal(gear.heard, ['move 1 0 -1', 'stop']);
  assert.is(clock.pending, 0);
});

test('of movements that pile up only the last is sent', async () => {
  const { gear, guard } = rig();
  gear.isSlow = true;
  const all = [0.1, 0.2, 0.3].map((pan) => guard.move(right(pan), patient()));
  await settle();
  gear.release();
  await Promise.all(all);
  assert.equal(gear.heard, ['move 0.1 0 0', 'move 0.3 0 0']);
  await guard.stop(patient());
});

test('a stop overtakes a movement under way and is repeated behind it', async () => {
  const { gear, guard, clock } = rig();
  gear.isSlow = true;
  const moving = guard.move(right(0.5), patient());
  await settle();
  await guard.stop(patient());
  await moving;
  assert.equal(gear.heard, ['stop', 'stop']);
  assert.is(clock.pending, 0);
});

test('a movement asked for after the stop is not stopped by its repetition', async () => {
  const { gear, guard } = rig();
  gear.isSlow = true;
  const moving = guard.move(right(0.5), patient());
  await settle();
  const stopping = guard.stop(patient());
  gear.isSlow = false;
  const again = guard.move(right(-0.5), patient());
  await Promise.all([moving, stopping, again]);
  assert.equal(gear.heard.at(-1), 'move -0.5 0 0');
  await guard.stop(patient());
});

test('a forgotten movement whose stop fails is stopped again', async () => {
  const { gear, guard, pass } = rig();
  gear.stopFailures = 2;
  await guard.move(right(0.5), patient());
  await pass(900);
  await pass(200);
  await pass(200);
  assert.equal(gear.heard, ['move 0.5 0 0', 'stop failed', 'stop failed', 'stop']);
});

test('a movement that fails is stopped all the same: it may have arrived', async () => {
  const { gear, guard, pass } = rig();
  gear.isSlow = true;
  const controller = new AbortController();
  const moving = guard.move(right(0.5), { signal: controller.signal }).catch((error: unknown) => error);
  await settle();
  controller.abort();
  assert.instance(await moving, DriverError);
  await pass(1_000);
  assert.equal(gear.heard, ['stop']);
});

test('a drive to a place is not cut short by the stop of the movement before it, and a stop ends it', async () => {
  const { gear, guard, pass } = rig();
  await guard.move(right(0.5), patient());
  await guard.goto('gate', patient());
  await pass(5_000);
  assert.equal(gear.heard, ['move 0.5 0 0', 'goto gate']);
  await guard.home(patient());
  await guard.stop(patient());
  await pass(5_000);
  assert.equal(gear.heard.slice(2), ['home', 'stop']);
});

test('a drive replaces a movement that is still on its way; a movement after it is guarded again', async () => {
  const { gear, guard, pass } = rig();
  gear.isSlow = true;
  const moving = guard.move(right(1), patient());
  await guard.goto('gate', patient());
  await moving;
  assert.equal(gear.heard, ['goto gate']);
  gear.isSlow = false;
  await guard.move(right(1), patient());
  await pass(1_000);
  assert.equal(gear.heard.slice(1), ['move 1 0 0', 'stop']);
});

test('a movement that is held goes on until its time is over, and no longer than it is the last word', async () => {
  const { clock, gear, guard, pass } = rig();
  const whole = guard.holdFor(right(1), 1_000);
  for (const ms of [0, 400, 400, 200]) await pass(ms);
  await whole;
  assert.equal(gear.heard.splice(0), ['move 1 0 0', 'move 1 0 0', 'move 1 0 0', 'stop']);
  const stopped = guard.holdFor(right(1), 5_000);
  await settle();
  await pass(100);
  await guard.stop(patient());
  await pass(300);
  await stopped;
  assert.equal(gear.heard.splice(0), ['move 1 0 0', 'stop']);
  const replaced = guard.holdFor(right(1), 5_000);
  await settle();
  await pass(100);
  await guard.move(right(-1), patient());
  await pass(300);
  await replaced;
  assert.equal(gear.heard.splice(0), ['move 1 0 0', 'move -1 0 0'], 'nor is the movement of the other one stopped by it');
  await guard.goto('gate', patient());
  await pass(5_000);
  assert.equal(gear.heard, ['goto gate']);
  assert.is(clock.pending, 0);
});

test('behind the end nothing is moved, a movement that is held ends, and a stop still goes out', async () => {
  const { clock, gear, guard, pass } = rig();
  const held = guard.holdFor(right(1), 5_000);
  await settle();
  guard.end();
  await guard.stop(patient());
  await pass(400);
  await held;
  const refused = [guard.move(right(1), patient()), guard.goto('gate', patient()), guard.holdFor(right(1), 1_000)];
  for (const each of refused) assert.is(await each.catch((error: DriverError) => error.code), 'driver.aborted');
  assert.equal(
    gear.heard.filter((word) => word !== 'stop'),
    ['move 1 0 0'],
  );
  assert.is(clock.pending, 0);
});

test('what the gear cannot do is refused as that', async () => {
  const { guard } = rig();
  for (const asked of [
    guard.presets(patient()),
    guard.setPreset('Gate', patient()),
    guard.removePreset('1', patient()),
    guard.setHome(patient()),
  ])
    assert.is(await asked.catch((error: DriverError) => error.code), 'camera.unsupported');
});

test.run();
