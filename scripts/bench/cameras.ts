/**
 * What many cameras cost: `npm run --silent bench:cameras -- --json [--turns N] [--watch-s N]`. The bundle that goes to recorders with 64 cameras,
 * turn by turn with the same one without any; the cameras run in a process of their own. Whether some that hang make the others wait is measured on
 * the registry with its real driver, because an agent tells nobody how long a probe took.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ChannelStore } from '../../agent/cameras/ports.js';
import { CameraRegistry } from '../../agent/cameras/registry.js';
import type { LocalStatus } from '../../agent/contract/control.js';
import { askAgent } from '../../agent/control/control-client.js';
import { systemClock } from '../../agent/kernel/clock.js';
import { createLog } from '../../agent/kernel/log.js';
import { Secret } from '../../agent/kernel/secret.js';
import { createOnvifConnector } from '../../drivers/onvif/connector.js';
import type { CameraConnector } from '../../drivers/port.js';
import { startAgent } from '../../test/support/agent-process.js';
import { until } from '../../test/support/until.js';
import { ROOT } from '../root.js';
import { type CameraFarm, FARM_PASSWORD, startFarm } from './support/camera-farm.js';
import { figure, missing, print, progress } from './support/report.js';
import { cpuMs, rssMb } from './support/usage.js';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, turns: { type: 'string', default: '3' }, 'watch-s': { type: 'string', default: '310' } },
});
const TURNS = Math.max(1, Number(values.turns) || 3);
/** By default every camera is read once as a whole (each 5 minutes) and asked ten times for a sign of life within it. */
const WATCH_MS = 1000 * Math.max(20, Number(values['watch-s']) || 310);
const CAMERAS = 64;
const HANGING = 8;
const SETTLE_MS = 5_000;
/** For the comparison with hanging cameras they are asked more often, so that there are enough probes to compare. */
const PROBE_MS = 2_000;
const WINDOW_MS = 6_000;
const PAIRS = 5;

interface Row {
  readonly inventoryMs: number;
  readonly cpuShare: number;
  readonly rss: number;
}

async function agentRun(entry: string, uris: readonly string[]): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-bench-cameras-'));
  const login = { user: 'admin', password: FARM_PASSWORD };
  const site = { cameras: { discovery: false, add: uris.map((address) => ({ address, login })) } };
  const agent = await startAgent(folder, site, { entry, args: [] });
  const readyMs = performance.now();
  try {
    const isOnline = ({ cameras }: LocalStatus): boolean =>
      cameras.length === uris.length && cameras.every(({ state }) => state === 'online');
    await until('every camera is read', async () => isOnline(await askAgent(join(folder, 'agent.sock'), 'status')), 60_000);
    const inventoryMs = performance.now() - readyMs;
    await wait(SETTLE_MS);
    const [beforeMs, startedMs] = [cpuMs(agent.pid), performance.now()];
    await wait(WATCH_MS);
    return { inventoryMs, cpuShare: (cpuMs(agent.pid) - beforeMs) / (performance.now() - startedMs), rss: rssMb(agent.pid) };
  } finally {
    await agent.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A store that remembers nothing. */
const forgetful: ChannelStore = {
  load: async () => undefined,
  save: async () => undefined,
  loadLogin: async () => undefined,
  saveLogin: async () => undefined,
};

/** The real driver, and how long each sign of life of a camera that answers took while `isCounting`. */
function timedConnector(real: CameraConnector, hanging: ReadonlySet<string>) {
  const state = { taken: [] as number[], isCounting: false };
  const connector: CameraConnector = {
    connect: (target) => {
      const driver = real.connect(target);
      if (hanging.has(target.deviceUri)) return driver;
      const ask = driver.clockOffsetMs.bind(driver);
      driver.clockOffsetMs = async (options) => {
        const startedMs = performance.now();
        const offsetMs = await ask(options);
        if (state.isCounting) state.taken.push(performance.now() - startedMs);
        return offsetMs;
      };
      return driver;
    },
  };
  return { connector, state };
}

const p95 = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[Math.floor(0.95 * times.length)] ?? Number.NaN;

/**
 * p95 of the probes of the others while some hang, over the same while none does: window by window in turns, so that both see the same machine, and
 * one figure per pair, so that something else that runs for a moment spoils one of them only.
 */
async function hangRatios(farm: CameraFarm): Promise<number[]> {
  const log = createLog({ level: 'error', clock: systemClock, format: 'text', write: () => undefined });
  const hanging = new Set(farm.uris.slice(0, HANGING));
  const { connector, state } = timedConnector(createOnvifConnector({ clock: systemClock, log }), hanging);
  const parts = { connector, discovery: undefined, store: forgetful, serialPtz: () => undefined, groupLogins: [], clock: systemClock, log };
  const registry = new CameraRegistry({ ...parts, timing: { probeMs: PROBE_MS } });
  await registry.start();
  const login = { user: 'admin', password: new Secret(FARM_PASSWORD) };
  await Promise.all(farm.uris.map((uri) => registry.add(uri, login)));
  const look = async (stuck: number): Promise<number> => {
    await farm.hang(stuck);
    await wait(2 * PROBE_MS);
    Object.assign(state, { taken: [], isCounting: true });
    await wait(WINDOW_MS);
    state.isCounting = false;
    return p95(state.taken);
  };
  const ratios: number[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const calmMs = await look(0);
    ratios.push((await look(HANGING)) / calmMs);
  }
  await registry.stop();
  return ratios;
}

progress('making the bundle');
const { bundleAgent } = (await import(join(ROOT, 'scripts', 'esbuild-agent.mjs'))) as { bundleAgent: () => Promise<unknown> };
await bundleAgent();
const entry = join(ROOT, 'dist', 'agent.mjs');
const farm = await startFarm(CAMERAS);
const own: Row[] = [];
const empty: Row[] = [];
for (let turn = 1; turn <= TURNS; turn += 1) {
  progress(`turn ${turn} of ${TURNS}: ${CAMERAS} cameras, then none, ${WATCH_MS / 1000} s each`);
  own.push(await agentRun(entry, farm.uris));
  empty.push(await agentRun(entry, []));
}
progress(`${HANGING} of ${CAMERAS} hang`);
const ratios = await hangRatios(farm);
await farm.stop();
print({
  bench: 'cameras',
  figures: {
    inventory64Ms: figure(own.map(({ inventoryMs }) => inventoryMs)),
    cpuShare64: figure(own.map(({ cpuShare }) => cpuShare)),
    rssPerCameraMb: figure(own.map(({ rss }, turn) => (rss - (empty[turn]?.rss ?? Number.NaN)) / CAMERAS)),
    hangRatio: figure(ratios),
  },
  baseline: {
    inventory64Ms: missing('without cameras there is nothing to read'),
    cpuShare64: figure(empty.map(({ cpuShare }) => cpuShare)),
    rssPerCameraMb: missing('it is what the figure is measured against'),
    hangRatio: missing('it is a ratio already'),
  },
  baselineIs: 'the same agent without cameras',
  notes: [
    `inventory64Ms: from ready to every camera read (identity, streams, addresses, PTZ, events); cpuShare64: probes each 30 s, events open, ${WATCH_MS / 1000} s watched`,
    `hangRatio: p95 of the probes of ${CAMERAS - HANGING} cameras beside ${HANGING} that accept connections and never answer, over the same while none hangs; asked each ${PROBE_MS / 1000} s, in windows turn by turn`,
    `memory with ${CAMERAS} cameras ${own.map(({ rss }) => rss.toFixed(1)).join(', ')} MB, without ${empty.map(({ rss }) => rss.toFixed(1)).join(', ')} MB`,
  ],
});
