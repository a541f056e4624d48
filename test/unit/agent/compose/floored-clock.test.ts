import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flooredClock } from '../../../../agent/compose/floored-clock.js';
import { readMachineRun, readTimeSource } from '../../../../agent/compose/time-source.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { TestLog } from '../../../support/test-log.js';

const NOW_AT = Date.UTC(2026, 10, 24, 12);
const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'sightline-clock-'));
let machines = 0;

/** What survives a restart. */
class Memory {
  value: unknown;
  puts = 0;
  isFull = false;
  async get<T>(): Promise<T | undefined> {
    return this.value as T | undefined;
  }
  async put(_key: string, value: unknown): Promise<number> {
    if (this.isFull) throw new RangeError('full');
    this.value = value;
    this.puts += 1;
    return 1;
  }
}

/** A machine that does not tell which of its starts this is. */
const none = () => undefined;
const NOTHING = { isSynchronised: false, hasBattery: false };

test('the time is remembered four times an hour and at the end, and a start with an empty clock goes on from it', async () => {
  const memory = new Memory();
  const log = new TestLog();
  const system = new ManualClock(NOW_AT);
  const first = await flooredClock(system, memory, () => ({ isSynchronised: false, hasBattery: true }), none);
  const timer = first.watch(log);
  await system.advance(2 * 3_600_000);
  assert.ok(memory.puts <= 9, `${memory.puts} writings in two hours: each wears the flash out`);
  timer.cancel();
  await system.advance(0);
  const { at } = memory.value as { at: number };
  assert.ok(Number.isInteger(at) && at === first.surelyAt() && at > NOW_AT + 3_500_000 && at <= system.now(), String(at - NOW_AT));
  await system.advance(600_000);
  assert.equal((memory.value as { at: number }).at, at, 'nothing after the end');

  const empty = new ManualClock(0);
  const second = await flooredClock(empty, memory, () => NOTHING, none);
  // It said itself how late it was at the end.
  const from = at;
  assert.is(second.clock.now(), from);
  await empty.advance(5_000);
  assert.is(second.clock.now(), from + 5_000);
  assert.equal([second.quality(), second.isTimeKnown()], ['floor', false]);
  second.sighted(at + DAY_MS, false);
  assert.not(second.isTimeKnown());
  second.sighted(at + DAY_MS);
  assert.equal([second.clock.now(), second.isTimeKnown()], [at + DAY_MS, true]);
});

test('switching off and on again wins no time: each start that has lost it goes on from later than the one before', async () => {
  const memory = new Memory();
  memory.value = { at: NOW_AT, mayBeMs: 900_000 };
  let latest = 0;
  for (let start = 0; start < 5; start += 1) {
    const system = new ManualClock(0);
    const floored = await flooredClock(system, memory, () => NOTHING, none);
    floored.watch(new TestLog());
    assert.ok(floored.clock.now() > latest, `start ${start}`);
    // The power goes just before the time would be written.
    await system.advance(890_000);
    latest = floored.clock.now();
  }
  assert.ok(latest >= NOW_AT + 5 * 890_000);
});

test('a start of the agent alone goes on exactly where the machine is; a clock that is trusted is believed', async () => {
  const memory = new Memory();
  memory.value = { at: NOW_AT, mayBeMs: 900_000, machine: { boot: 'b1', upMs: 60_000 } };
  const at = async (systemAt: number, boot: string, upMs: number, hasBattery = false): Promise<number> => {
    const copy = new Memory();
    copy.value = memory.value;
    const floored = await flooredClock(
      new ManualClock(systemAt),
      copy,
      () => ({ isSynchronised: false, hasBattery }),
      () => ({ boot, upMs }),
    );
    return floored.clock.now() - NOW_AT;
  };
  assert.is(await at(0, 'b1', 75_000), 15_000, 'the same start of the machine, 15 s later');
  assert.is(await at(0, 'b2', 75_000), 900_000, 'another one, with a clock that lost the time');
  assert.is(await at(NOW_AT + 1_000, 'b2', 1_000), 900_000, 'or that may have stood still meanwhile');
  assert.is(await at(NOW_AT + 1_000, 'b2', 1_000, true), 1_000, 'a battery clock runs on');
  assert.is(await at(NOW_AT + 901_000, 'b2', 1_000), 901_000);
  memory.value = { at: NOW_AT };
  assert.is(await at(0, 'b2', 1_000), 0, 'written by an older version');
});

test('what can wait is written along with the time, and does not keep it from being written', async () => {
  const memory = new Memory();
  const system = new ManualClock(NOW_AT);
  const floored = await flooredClock(system, memory, () => NOTHING, none);
  let along = 0;
  const timer = floored.watch(new TestLog(), async () => {
    along += 1;
    throw new RangeError('full');
  });
  await system.advance(3_600_000);
  assert.equal([along, memory.puts], [memory.puts, along]);
  assert.ok(along >= 3 && along <= 6, `${along}`);
  timer.cancel();
});

test('a disk that is full costs a line in the log, not the time', async () => {
  const memory = new Memory();
  const log = new TestLog();
  const system = new ManualClock(NOW_AT);
  const floored = await flooredClock(system, memory, () => NOTHING, none);
  memory.isFull = true;
  const timer = floored.watch(log);
  await system.advance(900_000);
  assert.ok(log.lines.length >= 1);
  assert.is(floored.clock.now(), NOW_AT + 900_000);
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

test('which start of the machine this is', () => {
  const told = machine({ 'proc/sys/kernel/random/boot_id': '0b5c\n', 'proc/uptime': '12.34 5.0\n' });
  assert.equal(readMachineRun(told), { boot: '0b5c', upMs: 12_340 });
  assert.is(readMachineRun(machine({ 'proc/uptime': '12.34 5.0\n' })), undefined);
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
