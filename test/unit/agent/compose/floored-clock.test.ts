import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flooredClock } from '../../../../agent/compose/floored-clock.js';
import { readTimeSource } from '../../../../agent/compose/time-source.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { TestLog } from '../../../support/test-log.js';

const NOW_AT = Date.UTC(2026, 10, 24, 12);
const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'sightline-clock-'));
let machines = 0;

/** What survives a restart. */
class Memory {
  value: unknown;
  isFull = false;
  async get<T>(): Promise<T | undefined> {
    return this.value as T | undefined;
  }
  async put(_key: string, value: unknown): Promise<number> {
    if (this.isFull) throw new RangeError('full');
    this.value = value;
    return 1;
  }
}

const NOTHING = { isSynchronised: false, hasBattery: false };

test('the time is remembered every minute, and a start with an empty clock goes on from it', async () => {
  const memory = new Memory();
  const log = new TestLog();
  const system = new ManualClock(NOW_AT);
  const first = await flooredClock(system, memory, () => ({ isSynchronised: false, hasBattery: true }));
  const timer = first.watch(log);
  await system.advance(2 * 3_600_000);
  const { at } = memory.value as { at: number };
  assert.ok(Number.isInteger(at) && at > NOW_AT + 3_500_000 && at <= system.now(), String(at - NOW_AT));
  timer.cancel();
  await system.advance(600_000);
  assert.equal((memory.value as { at: number }).at, at, 'nothing after the end');

  const empty = new ManualClock(0);
  const second = await flooredClock(empty, memory, () => NOTHING);
  assert.is(second.clock.now(), at);
  await empty.advance(5_000);
  assert.is(second.clock.now(), at + 5_000);
  assert.equal([second.quality(), second.isTimeKnown()], ['floor', false]);
  second.sighted(at + DAY_MS, false);
  assert.not(second.isTimeKnown());
  second.sighted(at + DAY_MS);
  assert.equal([second.clock.now(), second.isTimeKnown()], [at + DAY_MS, true]);
});

test('a disk that is full costs a line in the log, not the time', async () => {
  const memory = new Memory();
  const log = new TestLog();
  const system = new ManualClock(NOW_AT);
  const floored = await flooredClock(system, memory, () => NOTHING);
  memory.isFull = true;
  const timer = floored.watch(log);
  await system.advance(60_000);
  assert.is(log.lines.length, 1);
  assert.is(floored.clock.now(), NOW_AT + 60_000);
  timer.cancel();
});

/** A made-up machine: its files, under a root of its own. */
function machine(files: Readonly<Record<string, string>>): string {
  machines += 1;
  const root = join(folder, String(machines));
  mkdirSync(root, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

test('where the time is from: battery clocks, dead ones, none at all, guests of a hypervisor', () => {
  const clock = new ManualClock(NOW_AT);
  const hasBattery = (files: Readonly<Record<string, string>>): boolean => readTimeSource(clock, machine(files)).hasBattery;
  const rtc = 'sys/class/rtc/rtc0/since_epoch';
  assert.ok(hasBattery({ [rtc]: `${NOW_AT / 1000 - 7200}\n` }), 'in local time');
  assert.not(hasBattery({ [rtc]: '946684800\n' }), 'counts from 2000');
  assert.ok(hasBattery({ 'sys/class/rtc/rtc0/name': 'x' }), 'cannot be asked');
  const none = { 'sys/class/rtc/../net/x': '' };
  assert.ok(hasBattery(none), 'a container shows no such folder');
  const empty = machine({ 'sys/devices/system/clocksource/clocksource0/current_clocksource': 'arch_sys_counter\n' });
  mkdirSync(join(empty, 'sys/class/rtc'), { recursive: true });
  assert.not(readTimeSource(clock, empty).hasBattery, 'a board without one');
  writeFileSync(join(empty, 'sys/devices/system/clocksource/clocksource0/current_clocksource'), 'kvm-clock\n');
  assert.ok(readTimeSource(clock, empty).hasBattery);
});

test('where the time is from: the marks that network time leaves since this start', () => {
  const clock = new ManualClock(NOW_AT);
  const is = (root: string): boolean => readTimeSource(clock, root).isSynchronised;
  assert.not(is(machine({ 'proc/uptime': '3600.00 1.0\n' })));
  assert.ok(is(machine({ 'run/systemd/timesync/synchronized': '' })));
  const root = machine({ 'proc/uptime': '3600.00 1.0\n', 'var/lib/chrony/drift': '1 2\n' });
  const written = (beforeS: number): void => utimesSync(join(root, 'var/lib/chrony/drift'), NOW_AT / 1000, NOW_AT / 1000 - beforeS);
  written(600);
  assert.ok(is(root));
  written(4000);
  assert.not(is(root), 'of the run before');
  written(-600);
  assert.not(is(root), 'from a time that is not yet');
});

test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();
