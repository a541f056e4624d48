/**
 * What many cameras cost: `npm run --silent bench:cameras -- --json [--turns N] [--watch-s N]`. The bundle that goes to recorders with 64 cameras,
 * beside the same one without any; the cameras run in a process of their own. Whether some that hang make the others wait is measured on two
 * registries side by side, each in its own process with its real driver, because an agent tells nobody how long a probe took.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { LocalStatus } from '../../agent/contract/control.js';
import { askAgent } from '../../agent/control/control-client.js';
import { type AgentProcess, startAgent } from '../../test/support/agent-process.js';
import { until } from '../../test/support/until.js';
import { ROOT } from '../root.js';
import { startAsker } from './support/camera-asker.js';
import { FARM_PASSWORD, startFarm } from './support/camera-farm.js';
import { type Searched, searchMany } from './support/camera-search.js';
import { type Figure, figure, missing, print, progress } from './support/report.js';
import { cpuMs, rssMb } from './support/usage.js';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, turns: { type: 'string', default: '3' }, 'watch-s': { type: 'string' } },
});
const TURNS = Math.max(1, Number(values.turns) || 3);
/** By default it is long enough, and late enough, to cover the one time in five minutes at which every camera is read as a whole. */
const isWhole = values['watch-s'] === undefined;
const WATCH_MS = 1000 * (isWhole ? 240 : Math.max(20, Number(values['watch-s']) || 60));
const CAMERAS = 64;
const HANGING = 8;
const SETTLE_MS = 5_000;
/** By then every camera was read as a whole again: five minutes after the first time, and at its next sign of life. */
const READ_AGAIN_MS = 338_000;
/** For the comparison with hanging cameras they are asked more often, so that there are enough probes to compare. */
const PROBE_MS = 500;
const WINDOW_MS = 1_500;
const WINDOWS = 20;
const SEARCHES = 3;

interface Watched {
  readonly cpuShare: number;
  readonly rss: number;
}

/** An agent that has read all its cameras. */
interface Ready {
  readonly agent: AgentProcess;
  readonly inventoryMs: number;
  stop(): Promise<void>;
}

async function startReady(entry: string, uris: readonly string[]): Promise<Ready> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-bench-cameras-'));
  const login = { user: 'admin', password: FARM_PASSWORD };
  const site = { cameras: { discovery: false, add: uris.map((address) => ({ address, login })) } };
  const agent = await startAgent(folder, site, { entry, args: [] });
  const readyMs = performance.now();
  const isOnline = ({ cameras }: LocalStatus): boolean =>
    cameras.length === uris.length && cameras.every(({ state }) => state === 'online');
  const stop = async (): Promise<void> => {
    await agent.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until('every camera is read', async () => isOnline(await askAgent(join(folder, 'agent.sock'), 'status')), 60_000);
    return { agent, inventoryMs: performance.now() - readyMs, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function watch({ agent }: Ready): Promise<Watched> {
  const [beforeMs, startedMs] = [cpuMs(agent.pid), performance.now()];
  await wait(WATCH_MS);
  return { cpuShare: (cpuMs(agent.pid) - beforeMs) / (performance.now() - startedMs), rss: rssMb(agent.pid) };
}

const p95 = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[Math.floor(0.95 * times.length)] ?? Number.NaN;

/**
 * p95 of the probes of the others beside some that hang, over the same where none does. Both at the same time, window by window: whatever else the
 * machine does for a moment, it does to both. The cameras that answer are the same ones.
 */
async function hangRatios(): Promise<number[]> {
  const farm = await startFarm(CAMERAS);
  await farm.hang(HANGING);
  const hanging = farm.uris.slice(0, HANGING);
  const well = farm.uris.slice(HANGING);
  const beside = await startAsker({ uris: farm.uris, hanging, probeMs: PROBE_MS });
  const alone = await startAsker({ uris: well, hanging: [], probeMs: PROBE_MS });
  const ratios: number[] = [];
  for (let window = 0; window < WINDOWS; window += 1) {
    const [hung, calm] = await Promise.all([beside.window(WINDOW_MS), alone.window(WINDOW_MS)]);
    ratios.push(p95(hung) / p95(calm));
  }
  await Promise.all([beside.stop(), alone.stop()]);
  await farm.stop();
  return ratios;
}

function searchFigure(searches: readonly Searched[] | undefined): Figure {
  if (searches === undefined) return missing('no network of its own is to be had on this machine');
  const fewest = Math.min(...searches.map(({ found }) => found));
  return fewest < CAMERAS ? missing(`one search found ${fewest} of ${CAMERAS}`) : figure(searches.map(({ tookMs }) => tookMs));
}

progress('making the bundle');
const { bundleAgent } = (await import(join(ROOT, 'scripts', 'esbuild-agent.mjs'))) as { bundleAgent: () => Promise<unknown> };
await bundleAgent();
const entry = join(ROOT, 'dist', 'agent.mjs');
const farm = await startFarm(CAMERAS);
progress(`reading ${CAMERAS} cameras, ${TURNS} times`);
const inventories: number[] = [];
for (let turn = 1; turn < TURNS; turn += 1) {
  const ready = await startReady(entry, farm.uris);
  inventories.push(ready.inventoryMs);
  await ready.stop();
}
const own = await startReady(entry, farm.uris);
inventories.push(own.inventoryMs);
const readMs = performance.now();
const empty = await startReady(entry, []);
progress(`searching for ${CAMERAS} cameras, ${SEARCHES} times`);
const searches = await searchMany(CAMERAS, SEARCHES);
progress(`${HANGING} of ${CAMERAS} hang`);
const ratios = await hangRatios();
progress(`watching for ${WATCH_MS / 1000} s${isWhole ? ', so that every camera is read again once' : ''}`);
await wait(Math.max(SETTLE_MS, isWhole ? READ_AGAIN_MS - WATCH_MS - (performance.now() - readMs) : 0));
const [withCameras, without] = await Promise.all([watch(own), watch(empty)]);
await Promise.all([own.stop(), empty.stop()]);
await farm.stop();
print({
  bench: 'cameras',
  figures: {
    inventory64Ms: figure(inventories),
    cpuShare64: figure([withCameras.cpuShare]),
    rssPerCameraMb: figure([(withCameras.rss - without.rss) / CAMERAS]),
    hangRatio: figure(ratios),
    discover64Ms: searchFigure(searches),
  },
  baseline: {
    inventory64Ms: missing('without cameras there is nothing to read'),
    cpuShare64: figure([without.cpuShare]),
    rssPerCameraMb: missing('it is what the figure is measured against'),
    hangRatio: missing('it is a ratio already'),
    discover64Ms: missing('there is nothing to find without cameras'),
  },
  baselineIs: 'the same agent without cameras, at the same time',
  notes: [
    `inventory64Ms: from ready to every camera read (identity, streams, addresses, PTZ, events); cpuShare64: signs of life each 30 s, events open, ${WATCH_MS / 1000} s watched, by the CPU seconds of the process`,
    `hangRatio: p95 of the probes of ${CAMERAS - HANGING} cameras beside ${HANGING} that accept connections and never answer, over the same where there are none; asked each ${PROBE_MS / 1000} s, both at the same time in ${WINDOWS} windows of ${WINDOW_MS / 1000} s`,
    `discover64Ms: one search by WS-Discovery over loopback in a network of its own, which listens for 3 s`,
    `memory with ${CAMERAS} cameras ${withCameras.rss.toFixed(1)} MB, without ${without.rss.toFixed(1)} MB`,
  ],
});
