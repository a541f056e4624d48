import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cameraUpCheck } from '../../../../agent/health/checks/camera-up.js';
import { bytesInWords, compareLevels, durationInWords, levelWithHysteresis } from '../../../../agent/health/checks/check.js';
import { cpuCheck } from '../../../../agent/health/checks/cpu.js';
import { diskCheck } from '../../../../agent/health/checks/disk.js';
import { memoryCheck } from '../../../../agent/health/checks/memory.js';
import { powerCheck } from '../../../../agent/health/checks/power.js';
import { temperatureCheck } from '../../../../agent/health/checks/temperature.js';
import type { Level } from '../../../../agent/health/types.js';

/** Levels of a series, each judged with the one before. */
function series<T>(check: { judge(value: T, before: Level, at: number): { level: Level } }, values: readonly T[]): string {
  let before: Level = 'ok';
  return values
    .map((value, at) => {
      before = check.judge(value, before, at).level;
      return before;
    })
    .join(' ');
}

test('processor: warn at 85 %, critical at 95 %, left only well below', () => {
  assert.is(series(cpuCheck, [0.84, 0.85, 0.8, 0.76, 0.74, 0.84]), 'ok warn warn warn ok ok');
  assert.is(series(cpuCheck, [0.95, 0.9, 0.86, 0.84, 0.74]), 'crit crit crit warn ok');
  assert.is(cpuCheck.judge(0.734, 'ok', 0).sentence, 'The processor is 73 % busy.');
});

test('memory: warn below 10 % available, critical below 5 %, good again five points above', () => {
  const memory = (share: number): { totalBytes: number; availableBytes: number } => ({ totalBytes: 1e9, availableBytes: share * 1e9 });
  assert.is(series(memoryCheck, [0.11, 0.09, 0.14, 0.16].map(memory)), 'ok warn warn ok');
  assert.is(series(memoryCheck, [0.04, 0.09, 0.11, 0.16].map(memory)), 'crit crit warn ok');
  assert.is(memoryCheck.judge(memory(0.25), 'ok', 0).sentence, '250 MB of memory are free (25 %).');
});

test('disk: warn at 90 %, critical at 98 %, left at 80 % and 90 %', () => {
  const disk = (used: number): { totalBytes: number; freeBytes: number } => ({ totalBytes: 1e10, freeBytes: (1 - used) * 1e10 });
  assert.is(series(diskCheck, [0.89, 0.91, 0.81, 0.79].map(disk)), 'ok warn warn ok');
  assert.is(series(diskCheck, [0.985, 0.91, 0.89].map(disk)), 'crit crit warn');
  assert.is(diskCheck.judge(disk(0.9), 'ok', 0).sentence, 'The system disk is 90 % full, 1.0 GB are free.');
});

test('temperature: warn at 80, critical at 90, left five degrees below', () => {
  assert.is(series(temperatureCheck, [79.9, 80, 76, 74.9, 90, 86, 84]), 'ok warn warn ok crit crit warn');
});

test('camera: an answer is good, none says since when', () => {
  const camera = { id: 'c1', name: 'Front door', isUp: true, lastSeenAt: 1_000 };
  assert.equal(cameraUpCheck.judge(camera, 'ok', 5_000), { level: 'ok', sentence: 'Front door answers.' });
  const down = { ...camera, isUp: false };
  assert.equal(cameraUpCheck.judge(down, 'ok', 721_000), { level: 'crit', sentence: 'Front door has not answered for 12 min.' });
  assert.is(cameraUpCheck.judge({ ...down, lastSeenAt: null }, 'ok', 5_000).sentence, 'Front door has not answered yet.');
});

test('power: told at once, empty batteries are critical, a silent supply is a warning', () => {
  const good = { isOnBattery: false, isBatteryLow: false, hasFailed: false, batteryVolts: 13.6, load: 0.21 };
  const gone = { ...good, isOnBattery: true, batteryVolts: 11.4 };
  const failed = { ...good, hasFailed: true };
  assert.is(series(powerCheck, [good, gone, { ...gone, isBatteryLow: true }, good, failed, 'silent']), 'ok warn crit ok crit warn');
  assert.is(powerCheck.judge(gone, 'ok', 0).sentence, 'Mains power is gone: the recorder runs on battery (11.4 V, 21 % load).');
  assert.is(powerCheck.judge({ ...good, isBatteryLow: true }, 'ok', 0).level, 'warn');
  assert.is(powerCheck.holds.warnAfterMs + powerCheck.holds.critAfterMs, 0);
});

test('any value gives a level, a higher one never a better level', () => {
  const limits = { warn: 0.85, crit: 0.95, clearWarn: 0.75, clearCrit: 0.85 };
  const level = fc.constantFrom<Level>('ok', 'warn', 'crit');
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), level, (a, b, before) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      return compareLevels(levelWithHysteresis(high, before, limits), levelWithHysteresis(low, before, limits)) >= 0;
    }),
  );
});

test('numbers in words', () => {
  assert.equal([0, 999, 1_500, 250e6, 1.25e12, 9e15].map(bytesInWords), ['0 bytes', '999 bytes', '1.5 kB', '250 MB', '1.3 TB', '9000 TB']);
  assert.equal([-5, 40_000, 720_000, 3 * 3_600_000, 3 * 86_400_000].map(durationInWords), ['0 s', '40 s', '12 min', '3 h', '3 days']);
});

test.run();
