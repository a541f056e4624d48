import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Sampler, type SamplerParts } from '../../../../agent/health/sampler.js';
import type { AlertMemory, AlertNotice, CameraUp, HealthSample, PowerFact } from '../../../../agent/health/types.js';
import { createLog } from '../../../../agent/kernel/log.js';
import { DriverError, type Host, type HostInventory, type HostSample } from '../../../../drivers/port.js';
import { ManualClock, settle } from '../../../support/manual-clock.js';

const MIN = 60_000;
const GOOD: HostSample = {
  cpuUtilization: 0.2,
  memoryTotalBytes: 1e9,
  memoryAvailableBytes: 6e8,
  diskTotalBytes: 1e10,
  diskFreeBytes: 5e9,
  temperatureCelsius: undefined,
  uptimeS: 100,
  processRssBytes: 7e7,
};
const INVENTORY: HostInventory = { manufacturer: 'Example', model: 'X', os: 'Debian', kernel: '6', cpu: 'c', cores: 2, memoryBytes: 1e9 };

/** A sampler over a machine, cameras and stores that the test changes at will. */
function rig(more: Partial<SamplerParts> = {}) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const world = {
    host: GOOD,
    cameras: [] as CameraUp[],
    rows: [] as unknown[],
    memory: undefined as AlertMemory | undefined,
    isBroken: false,
  };
  const guard = (): void => {
    if (world.isBroken) throw new DriverError('host.unavailable', 'broken');
  };
  const host: Host = {
    inventory: async () => INVENTORY,
    sample: async () => {
      guard();
      return world.host;
    },
  };
  const store = {
    append: async (sample: HealthSample) => {
      guard();
      world.rows.push(JSON.parse(JSON.stringify(sample)));
    },
    load: async () => world.rows,
  };
  const alertStore = {
    load: async () => world.memory,
    save: async (memory: AlertMemory) => {
      world.memory = memory;
    },
  };
  const log = createLog({ level: 'debug', clock, format: 'json', write: (line) => lines.push(line) });
  const make = (): Sampler => new Sampler({ clock, log, host, diskPath: '/', camerasUp: () => world.cameras, store, alertStore, ...more });
  return { clock, world, lines, make };
}

const door = (isUp: boolean, lastSeenAt: number | null = null): CameraUp => ({ id: 'ch-1', name: 'Front door', isUp, lastSeenAt });

test('power is a fact only where a supply tells, is told at once when it changes, and taken back when it holds', async () => {
  let power: PowerFact | 'unheard' | 'silent' | undefined;
  const { clock, make } = rig({ power: () => power });
  const sampler = make();
  const told: string[] = [];
  sampler.onAlert(({ kind, sentence }) => told.push(`${kind}: ${sentence}`));
  const fact = () => sampler.now().facts.find((one) => one.fact === 'power');
  await sampler.start();
  await settle();
  assert.is(fact(), undefined);
  power = 'unheard';
  await sampler.refresh();
  assert.is(fact()?.state, 'unavailable');
  const good = { isOnBattery: false, isBatteryLow: false, hasFailed: false, batteryVolts: 13.6, load: 0.2 };
  power = { ...good, isOnBattery: true };
  await sampler.refresh();
  assert.equal(told.splice(0), ['fired: Mains power is gone: the recorder runs on battery (13.6 V, 20 % load).']);
  assert.equal(sampler.now().verdict.level, 'attention');
  power = good;
  await sampler.refresh();
  assert.equal(told, []);
  await clock.advance(6 * MIN);
  assert.equal(told, ['recovered: Mains power is there, the battery has 13.6 V.']);
  await sampler.stop();
});

test('a first sample at start, then one a minute, kept and shown', async () => {
  const { clock, world, make } = rig();
  world.cameras = [door(true, 5)];
  const sampler = make();
  assert.is(sampler.now().at, null);
  await sampler.start();
  await settle();
  assert.is(world.rows.length, 1);
  await clock.advance(5 * MIN);
  assert.is(world.rows.length, 6);
  const now = sampler.now();
  assert.is(now.at, clock.now());
  assert.equal(now.verdict, { level: 'ok', sentence: 'All is well. The camera answers.' });
  assert.equal(now.cameras, [{ ...door(true, 5), level: 'ok' }]);
  assert.equal(
    now.facts.map(({ fact, state }) => `${fact} ${state}`),
    ['cpu ok', 'memory ok', 'disk ok', 'temperature unavailable', 'camera-up ok'],
  );
  assert.equal(JSON.parse(JSON.stringify(now)), now);
  assert.equal(sampler.history(0).memory, new Array(6).fill(0.4));
  await sampler.stop();
  await clock.advance(5 * MIN);
  assert.is(world.rows.length, 6);
});

test('a camera that goes away is told once, its return once', async () => {
  const { clock, world, make } = rig();
  const told: AlertNotice[] = [];
  world.cameras = [door(true, clock.now())];
  const sampler = make();
  sampler.onAlert((notice) => told.push(notice));
  await sampler.start();
  await settle();
  world.cameras = [door(false, clock.now())];
  await clock.advance(5 * MIN);
  assert.equal(
    told.map(({ kind, to, sentence }) => [kind, to, sentence]),
    [['fired', 'warn', 'Front door has not answered for 3 min.']],
  );
  assert.is(sampler.now().verdict.level, 'attention');
  world.cameras = [door(true, clock.now())];
  await clock.advance(20 * MIN);
  assert.equal(
    told.map(({ kind }) => kind),
    ['fired', 'recovered'],
  );
  assert.is(told[0]?.firedAt, told[1]?.firedAt);
  assert.is(new Set(told.map(({ id }) => id)).size, 2);
  assert.is(sampler.now().alerts.length, 0);
  await sampler.stop();
});

test('what a camera complains of is told with the next sample, listed while it lasts, and taken back when it has been quiet for a while', async () => {
  const { clock, world, make } = rig();
  const told: AlertNotice[] = [];
  const listed = (): string[] => sampler.now().facts.flatMap(({ fact, state }) => (fact === 'camera-alarm' ? [state] : []));
  world.cameras = [{ ...door(true, clock.now()), alarms: [] }];
  const sampler = make();
  sampler.onAlert((notice) => told.push(notice));
  await sampler.start();
  await settle();
  assert.equal(listed(), []);
  world.cameras = [{ ...door(true, clock.now()), alarms: ['hardware-failure', 'tamper'] }];
  await clock.advance(MIN);
  assert.equal(listed(), ['crit']);
  const sentence = 'Needs attention: Front door says that a part of it has failed and that it was tampered with.';
  assert.equal(sampler.now().verdict, { level: 'act', sentence });
  world.cameras = [{ ...door(true, clock.now()), alarms: [] }];
  await clock.advance(7 * MIN);
  assert.equal(
    told.map(({ kind, to, fact }) => [kind, to, fact]),
    [
      ['fired', 'crit', 'camera-alarm'],
      ['recovered', 'ok', 'camera-alarm'],
    ],
  );
  assert.equal(listed(), []);
  await sampler.stop();
});

test('a restart in the middle of an alert neither repeats nor forgets it', async () => {
  const { clock, world, make } = rig();
  world.cameras = [door(false, clock.now())];
  const first = make();
  await first.start();
  await settle();
  await clock.advance(15 * MIN);
  await first.stop();
  assert.is(world.memory?.alerts[0]?.level, 'crit');
  const told: AlertNotice[] = [];
  const second = make();
  second.onAlert((notice) => told.push(notice));
  await second.start();
  await settle();
  await clock.advance(15 * MIN);
  assert.equal(told, []);
  assert.is(second.history(0).at.length > 30, true);
  world.cameras = [door(true, clock.now())];
  await clock.advance(15 * MIN);
  assert.equal(
    told.map(({ from, to, kind }) => [from, to, kind]),
    [['crit', 'ok', 'recovered']],
  );
  await second.stop();
});

test('a camera that is taken out of the recorder takes its alert with it', async () => {
  const { clock, world, make } = rig();
  const told: AlertNotice[] = [];
  world.cameras = [door(false)];
  const sampler = make();
  sampler.onAlert((notice) => told.push(notice));
  await sampler.start();
  await settle();
  await clock.advance(5 * MIN);
  world.cameras = [];
  await clock.advance(MIN);
  assert.equal(
    told.map(({ kind }) => kind),
    ['fired', 'withdrawn'],
  );
  assert.equal(world.memory?.alerts, []);
  await sampler.stop();
});

test('a wall clock that steps an hour fires nothing', async () => {
  const { clock, world, make } = rig();
  const told: AlertNotice[] = [];
  world.cameras = [door(true)];
  const sampler = make();
  sampler.onAlert((notice) => told.push(notice));
  await sampler.start();
  await settle();
  await clock.advance(2 * MIN);
  world.cameras = [door(false)];
  await clock.advance(MIN);
  clock.stepWall(3_600_000);
  await clock.advance(MIN);
  assert.equal(told, []);
  await sampler.stop();
});

test('a broken machine and a broken store are passed over, listeners that throw too', async () => {
  const { clock, world, lines, make } = rig();
  const sampler = make();
  let seen = 0;
  sampler.onSample(() => {
    seen += 1;
    throw new DriverError('host.unavailable', 'listener');
  });
  world.isBroken = true;
  await sampler.start();
  await settle();
  await clock.advance(2 * MIN);
  assert.is(seen, 3);
  assert.is(sampler.now().sample?.cpu, null);
  assert.equal(
    sampler.now().facts.map(({ state }) => state),
    new Array(4).fill('unavailable'),
  );
  world.isBroken = false;
  await clock.advance(MIN);
  assert.is(sampler.now().sample?.cpu, 0.2);
  assert.ok(lines.some((line) => line.includes('the machine does not tell its state')));
  await sampler.stop();
});

test('a disk that hangs does not keep the agent from starting, nor pile up samples', async () => {
  let asked = 0;
  const host: Host = {
    inventory: async () => INVENTORY,
    sample: () => {
      asked += 1;
      return new Promise(() => undefined);
    },
  };
  const { clock, make } = rig({ host });
  await make().start();
  await settle();
  await clock.advance(10 * MIN);
  assert.is(asked, 1);
});

test('the machine is asked once what it is, and again only after a failure', async () => {
  let asked = 0;
  const host: Host = {
    sample: async () => GOOD,
    inventory: async () => {
      asked += 1;
      if (asked === 1) throw new DriverError('host.unavailable', 'busy');
      return INVENTORY;
    },
  };
  const sampler = rig({ host }).make();
  assert.is(await sampler.inventory().catch((error: DriverError) => error.code), 'host.unavailable');
  assert.is(sampler.now().recorder, null);
  await Promise.all([sampler.inventory(), sampler.inventory()]);
  assert.is(asked, 2);
  assert.equal(sampler.now().recorder, INVENTORY);
});

test('what the stores hold is not believed blindly', async () => {
  const { clock, world, make } = rig();
  world.rows = [null, { at: 'x' }, 7];
  world.memory = { version: 1, alerts: [{ key: 'disk', level: 'fatal' }, 5, null] } as unknown as AlertMemory;
  const sampler = make();
  await sampler.start();
  await settle();
  await clock.advance(MIN);
  assert.is(sampler.history(0).at.length, 2);
  assert.equal(sampler.now().alerts, []);
  await sampler.stop();
});

test.run();
