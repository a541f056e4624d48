import childProcess from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createHost } from '../../../../drivers/host/host.js';
import { clean } from '../../../../drivers/host/inventory.js';
import { cpuUtilization, parseCpuTicks, parseMemory, parseUptimeS } from '../../../../drivers/host/proc.js';
import type { DriverError, DriverLog, HostSample } from '../../../../drivers/port.js';

const quiet: DriverLog = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const MEMINFO =
  'MemTotal:        2000 kB\nMemFree:          200 kB\nMemAvailable:     800 kB\nBuffers:           50 kB\nCached:           300 kB\n';

test('processor times: guest is inside user, waiting for a disk is idle', () => {
  const before = parseCpuTicks('cpu  100 0 50 800 50 0 0 0 90 0\ncpu0 1 2 3 4\n');
  assert.equal(before, { total: 1000, idle: 850 });
  assert.is(cpuUtilization({ total: 1000, idle: 850 }, { total: 1100, idle: 875 }), 0.75);
  assert.is(cpuUtilization({ total: 1000, idle: 850 }, { total: 1000, idle: 850 }), undefined);
  assert.is(cpuUtilization({ total: 1000, idle: 850 }, { total: 900, idle: 700 }), undefined);
  assert.equal(['', 'cpu', 'cpu  a b c d', 'cpu0 1 2 3 4'].map(parseCpuTicks), new Array(4).fill(undefined));
});

test('memory: what programs can have, and the next best on old kernels', () => {
  assert.equal(parseMemory(MEMINFO), { total: 2_048_000, available: 819_200 });
  assert.equal(parseMemory(MEMINFO.replace(/MemAvailable.*\n/, '')), { total: 2_048_000, available: 550 * 1024 });
  assert.is(parseMemory('nothing'), undefined);
});

test('uptime', () => {
  assert.is(parseUptimeS('1234.56 99.00\n'), 1234.56);
  assert.equal(['', 'x y'].map(parseUptimeS), [undefined, undefined]);
});

test('what boards say of themselves is cleaned', () => {
  const said = ['  NVR\u0000 16 ', 'To Be Filled By O.E.M.', 'Default string', 'Raspberry Pi 5 – "Rev" 1', 'x'.repeat(300)];
  assert.equal(said.map(clean), ['NVR 16', '', '', 'Raspberry Pi 5 – "Rev" 1', 'x'.repeat(100)]);
});

/** A made-up machine in a folder. */
function machine(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'sightline-host-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

async function sampleOf(files: Readonly<Record<string, string>>, diskPath = '/'): Promise<HostSample> {
  const root = machine(files);
  try {
    return await createHost({ log: quiet, procRoot: join(root, 'proc'), sysClassRoot: join(root, 'class') }).sample(diskPath);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('temperature: the hottest plausible zone; hwmon where there are none; undefined where there is nothing', async () => {
  const meminfo = { 'proc/meminfo': MEMINFO };
  const zone = (index: number, text: string) => ({ [`class/thermal/thermal_zone${index}/temp`]: text });
  const hwmon = { 'class/hwmon/hwmon0/temp1_input': '47000\n', 'class/hwmon/hwmon0/fan1_input': '99000' };
  const celsius = async (files: Readonly<Record<string, string>>) => (await sampleOf({ ...meminfo, ...files })).temperatureCelsius;
  assert.is(await celsius({ ...zone(0, '41500\n'), ...zone(1, '55250\n'), ...zone(2, '-273150'), ...zone(3, '0'), ...hwmon }), 55.25);
  assert.is(await celsius({ ...hwmon, 'class/thermal/cooling_device0/type': 'fan' }), 47);
  assert.is(await celsius(zone(0, 'broken')), undefined);
  assert.is(await celsius({}), undefined);
});

test('a machine that tells nothing but its memory still gives a sample; without that it says so', async () => {
  const sample = await sampleOf({ 'proc/meminfo': MEMINFO }, '/nowhere');
  const { processRssBytes, ...rest } = sample;
  assert.ok(processRssBytes > 1e7);
  assert.equal(rest, {
    cpuUtilization: undefined,
    memoryTotalBytes: 2_048_000,
    memoryAvailableBytes: 819_200,
    diskTotalBytes: 0,
    diskFreeBytes: 0,
    temperatureCelsius: undefined,
    uptimeS: 0,
  });
  assert.is(await sampleOf({}).catch((error: DriverError) => error.code), 'host.unavailable');
});

/** Runs `act` and counts the processes it starts, whoever starts them and by whichever function. */
async function childrenOf(act: () => Promise<unknown>): Promise<number> {
  const names = ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'] as const;
  const module = createRequire(import.meta.url)('node:child_process') as Record<string, unknown>;
  const before = new Map(names.map((name) => [name, module[name]]));
  let count = 0;
  for (const name of names) {
    module[name] = (...args: unknown[]) => {
      count += 1;
      return (before.get(name) as (...all: unknown[]) => unknown)(...args);
    };
  }
  syncBuiltinESMExports();
  try {
    await act();
    return count;
  } finally {
    for (const [name, original] of before) module[name] = original;
    syncBuiltinESMExports();
  }
}

test('this machine: plausible numbers, without starting a process', async () => {
  // The counter itself must be able to see one.
  assert.is(await childrenOf(async () => childProcess.execFileSync('true')), 1);
  const host = createHost({ log: quiet });
  let sample: HostSample | undefined;
  const started = await childrenOf(async () => {
    await host.sample('/');
    const until = performance.now() + 60;
    while (performance.now() < until); // some load, so that time passes on the counters
    sample = await host.sample('/');
  });
  assert.is(started, 0);
  assert.ok(sample !== undefined && sample.memoryTotalBytes > sample.memoryAvailableBytes);
  assert.ok(sample.diskTotalBytes >= sample.diskFreeBytes && sample.diskTotalBytes > 1e8);
  assert.ok(sample.cpuUtilization !== undefined && sample.cpuUtilization > 0 && sample.cpuUtilization <= 1);
  assert.ok(sample.uptimeS > 1);
});

test('the inventory names this machine, and is asked once', async () => {
  const host = createHost({ log: quiet });
  const inventory = await host.inventory();
  assert.ok(inventory.cores >= 1 && inventory.memoryBytes > 1e8);
  assert.match(inventory.kernel, /^\d+\.\d+/);
  assert.is(await childrenOf(async () => assert.is(await host.inventory(), inventory)), 0);
});

test.run();
