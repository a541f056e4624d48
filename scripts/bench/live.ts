/**
 * Live view: `npm run --silent bench:live -- --json [--only NAME,NAME]`. How quickly a picture is there, what pictures cost the recorder, and what is
 * left when they are over. Every figure is taken from the agent in a process of its own, through permission, judgement and log.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../root.js';
import { glassToGlass } from './support/live-glass.js';
import { watchWithLoss } from './support/live-loss.js';
import { idrAtPlay, midGop } from './support/live-opens.js';
import { seekTimes } from './support/live-seek.js';
import { leftoversAfter, openStreamSite, type StreamSite, type WatchCost, watchCost } from './support/live-streams.js';
import { type Figure, figure, missing, print, progress } from './support/report.js';

const NAMES = [
  'openMidGopMs',
  'openIdrMs',
  'openFirstMs',
  'cpuPerMinute1',
  'cpuPerMinute16',
  'cpuPerMinute16Shared',
  'rssMb16',
  'glassToGlassMs',
  'freezesPerMinuteAt5PercentLoss',
  'leftoversAfter500',
  'rssGrowth500Mb',
  'seekDiskMs',
  'seekProfileGMs',
  'transcodeCpuPerMinute',
];
const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    only: { type: 'string' },
    cycles: { type: 'string', default: '500' },
    'watch-s': { type: 'string', default: '20' },
  },
});
const wanted = new Set(values.only === undefined ? NAMES : values.only.split(','));
const wants = (...names: readonly string[]): boolean => names.some((name) => wanted.has(name));
const MANY = 16;
const WATCH_MS = 1000 * Math.max(5, Number(values['watch-s']) || 20);
const CYCLES = Math.max(10, Number(values.cycles) || 500);

const figures: Record<string, Figure> = Object.fromEntries(
  NAMES.map((name) => [name, missing(wanted.has(name) ? 'this bench does not measure it' : 'not asked for')]),
);
const baseline: Record<string, Figure> = {};
const notes: string[] = [];

async function opens(): Promise<void> {
  if (wants('openMidGopMs', 'openFirstMs')) {
    const { first, honoured, ignored } = await midGop();
    Object.assign(figures, { openMidGopMs: figure(honoured), openFirstMs: figure([first]) });
    baseline.openMidGopMs = figure(ignored);
    notes.push('openFirstMs is the first open of a fresh agent and of a fresh browser');
  }
  if (wants('openIdrMs')) figures.openIdrMs = figure(await idrAtPlay());
  if (wants('glassToGlassMs')) {
    progress('from the camera to the glass');
    figures.glassToGlassMs = figure(await glassToGlass(WATCH_MS));
  }
}

async function within<T>(cameras: number, viewers: number, act: (site: StreamSite) => Promise<T>): Promise<T> {
  const site = await openStreamSite(cameras, viewers);
  try {
    return await act(site);
  } finally {
    await site.close();
  }
}

const share = ({ received, rtspConnections }: WatchCost): string =>
  `${Math.round(1000 * received) / 10} % received over ${rtspConnections} RTSP connection${rtspConnections === 1 ? '' : 's'}`;

/** One camera: nobody watches, one viewer, many viewers. */
async function oneCamera(site: StreamSite): Promise<void> {
  if (wants('cpuPerMinute1')) {
    progress('nobody watches, then one viewer');
    const idle = await watchCost(site, 0, WATCH_MS);
    const one = await watchCost(site, 1, WATCH_MS);
    figures.cpuPerMinute1 = figure([one.cpuSPerMinute]);
    baseline.cpuPerMinute1 = figure([idle.cpuSPerMinute]);
    notes.push(`1 viewer: ${share(one)}; its baseline is the same recorder with nobody who watches`);
  }
  if (!wants('cpuPerMinute16Shared')) return;
  progress(`${MANY} viewers of one camera`);
  const shared = await watchCost(site, MANY, WATCH_MS);
  figures.cpuPerMinute16Shared = figure([shared.cpuSPerMinute]);
  notes.push(`${MANY} viewers of one camera: ${share(shared)}`);
}

async function costs(): Promise<void> {
  if (wants('cpuPerMinute1', 'cpuPerMinute16Shared')) await within(1, wants('cpuPerMinute16Shared') ? MANY : 1, oneCamera);
  if (!wants('cpuPerMinute16', 'rssMb16')) return;
  await within(MANY, MANY, async (site) => {
    progress(`${MANY} viewers of ${MANY} cameras`);
    const all = await watchCost(site, MANY, WATCH_MS);
    Object.assign(figures, { cpuPerMinute16: figure([all.cpuSPerMinute]), rssMb16: figure([all.rssMb]) });
    notes.push(`${MANY} viewers of ${MANY} cameras: ${share(all)}`);
  });
}

async function lossAndSeeks(): Promise<void> {
  if (wants('freezesPerMinuteAt5PercentLoss')) {
    progress('a line that loses 5 %');
    const { freezesPerMinute, frames, sent } = await watchWithLoss(0.05, 3 * (WATCH_MS / 1000));
    figures.freezesPerMinuteAt5PercentLoss = figure([freezesPerMinute]);
    notes.push(`5 % of the packets lost: ${frames} of ${sent} pictures decoded`);
  }
  if (!wants('seekDiskMs', 'seekProfileGMs')) return;
  progress('seeking in recordings');
  const { diskMs, profileGMs } = await seekTimes();
  Object.assign(figures, { seekDiskMs: figure(diskMs), seekProfileGMs: figure(profileGMs) });
}

async function leftovers(): Promise<void> {
  if (!wants('leftoversAfter500', 'rssGrowth500Mb')) return;
  await within(4, MANY, async (site) => {
    const left = await leftoversAfter(site, CYCLES);
    figures.leftoversAfter500 = figure([left.rtspConnections + left.sockets + left.children]);
    figures.rssGrowth500Mb = figure([left.rssGrowthMb]);
    notes.push(`after ${CYCLES} cycles: ${left.rtspConnections} RTSP connections, ${left.sockets} UDP sockets, ${left.children} children`);
  });
}

progress('making the bundle');
const { bundleAgent } = (await import(join(ROOT, 'scripts', 'esbuild-agent.mjs'))) as { bundleAgent: () => Promise<unknown> };
await bundleAgent();
await opens();
await costs();
await lossAndSeeks();
await leftovers();
print({
  bench: 'live',
  figures,
  baseline,
  baselineIs: 'the same path to a camera that ignores the request for an intra picture: what waiting for the next one costs',
  notes: [...notes, `cameras send 1920x1080, 25 fps, 3 Mbit/s; processor time over ${WATCH_MS / 1000} s, memory at its end`],
});
