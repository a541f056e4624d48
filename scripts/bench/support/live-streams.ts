/**
 * What pictures cost the recorder, and what is left when they are over: the bundle in a process of its own, cameras in another, native viewers here
 * (a browser would take the processor that is to be measured). Everybody who watches has a permission and a badge, as in life.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { AgentError } from '../../../agent/kernel/errors.js';
import { App, asOrganisation, newCompany, Person } from '../../../test/attacks/attack-rig.js';
import { type NodeViewer, watchInNode } from '../../../test/support/node-viewer.js';
import { descendantsOf, udpSocketsOf } from '../../../test/support/proc.js';
import { openSite, type Site } from '../../../test/support/site.js';
import { until } from '../../../test/support/until.js';
import { ROOT } from '../../root.js';
import { progress } from './report.js';
import { STREAM_PASSWORD, type StreamFarm, startStreamFarm } from './stream-farm.js';
import { cpuMs, rssMb } from './usage.js';

/** One measured stretch of watching. */
export interface WatchCost {
  readonly cpuSPerMinute: number;
  /** At its end. */
  readonly rssMb: number;
  /** Of what the cameras sent within the stretch, what the viewers received; 1 when nothing was lost. */
  readonly received: number;
  readonly rtspConnections: number;
}

/** A recorder with cameras of 3 Mbit/s and people who may watch. */
export interface StreamSite {
  readonly site: Site;
  readonly farm: StreamFarm;
  readonly people: readonly App[];
  close(): Promise<void>;
}

/** The first seconds of a picture cost twice: code that has not run before is compiled. */
const SETTLE_MS = 12_000;
/** The recorder takes one open per viewer and 2 s. */
const PERIOD_MS = 2_050;

/** Starts it all; resolves when every camera is online. */
export async function openStreamSite(cameras: number, viewers: number): Promise<StreamSite> {
  const farm = await startStreamFarm(cameras);
  const login = { user: 'admin', password: STREAM_PASSWORD };
  const site = await openSite({
    cameras: [],
    agent: { entry: join(ROOT, 'dist', 'agent.mjs'), args: [] },
    site: {
      cameras: { discovery: false, add: farm.uris.map((address) => ({ address, login })) },
      live: { bindAddress: '127.0.0.1', maxSessions: Math.max(4, viewers) },
    },
  });
  await until(
    'all cameras are online',
    async () => {
      const known = (await site.status()).cameras;
      return known.length === cameras && known.every(({ state }) => state === 'online');
    },
    60_000,
  );
  const company = await newCompany();
  const grant = await site.owner.grant(asOrganisation(company), ['live-view'], 3_600_000);
  const people: App[] = [];
  for (let index = 0; index < viewers; index += 1) people.push(await App.of(site, await Person.of(company, grant)));
  return {
    ...{ site, farm, people },
    close: async () => {
      await App.leaveAll();
      await site.close();
      await farm.stop();
    },
  };
}

/** Opens as soon as the recorder takes it: opens are rated for the whole recorder, not only for each viewer. */
async function openWhenTaken(person: App, cam: string): Promise<NodeViewer> {
  for (;;)
    try {
      return await watchInNode(person, cam);
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'live.too_many_opens') throw error;
      await wait(PERIOD_MS / 4);
    }
}

const channel = (index: number, cameras: number): string => `cam-${(index % cameras) + 1}`;

/** Person n watches camera n modulo the cameras, for `watchMs` after a while of settling. */
export async function watchCost({ site, farm, people }: StreamSite, viewers: number, watchMs: number): Promise<WatchCost> {
  const open: NodeViewer[] = [];
  try {
    for (const [index, person] of people.slice(0, viewers).entries()) {
      const viewer = await openWhenTaken(person, channel(index, farm.uris.length));
      open.push(viewer);
      await viewer.firstPacket();
    }
    await wait(SETTLE_MS);
    const received = (): number => open.reduce((sum, { bytes }) => sum + bytes, 0);
    const [sentBefore, gotBefore, cpuBefore, startedMs] = [await farm.counters(), received(), cpuMs(site.agent.pid), performance.now()];
    await wait(watchMs);
    const minutes = (performance.now() - startedMs) / 60_000;
    const [cpuS, sent, got] = [(cpuMs(site.agent.pid) - cpuBefore) / 1000, await farm.counters(), received()];
    const shared = viewers / Math.min(viewers, farm.uris.length);
    return {
      cpuSPerMinute: cpuS / minutes,
      rssMb: rssMb(site.agent.pid),
      received: (got - gotBefore) / ((sent.mediaBytes - sentBefore.mediaBytes) * shared),
      rtspConnections: sent.openConnections,
    };
  } finally {
    await Promise.all(people.slice(0, open.length).map((person, index) => closeOne(person, open[index])));
    await until('the cameras are left alone', async () => (await farm.counters()).openConnections === 0);
    await wait(PERIOD_MS);
  }
}

async function closeOne(person: App, viewer: NodeViewer | undefined): Promise<void> {
  if (viewer === undefined) return;
  await person.call('live.close', { session: viewer.answer.session });
  viewer.close();
}

/** What is left of many sessions. */
export interface Leftovers {
  readonly rtspConnections: number;
  readonly sockets: number;
  readonly children: number;
  /** After the first tenth, which makes the pools, until the end. */
  readonly rssGrowthMb: number;
}

/** Opens and closes `cycles` times, everyone in turn; every fifth viewer vanishes without a word while the next one already opens. */
export async function leftoversAfter({ site, farm, people }: StreamSite, cycles: number): Promise<Leftovers> {
  const lastOpen = people.map(() => 0);
  let rssBefore = 0;
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const turn = cycle % people.length;
    const person = people[turn];
    if (person === undefined) continue;
    await wait(Math.max(0, (lastOpen[turn] ?? 0) + PERIOD_MS - performance.now()));
    lastOpen[turn] = performance.now();
    const viewer = await openWhenTaken(person, channel(turn, farm.uris.length));
    await viewer.firstPacket();
    if (cycle % 5 === 4) viewer.close();
    else await closeOne(person, viewer);
    if (cycle === Math.floor(cycles / 10)) rssBefore = rssMb(site.agent.pid);
    if (cycle % 50 === 49) progress(`cycle ${cycle + 1} of ${cycles}`);
  }
  await until('no session is left', async () => (await site.status()).watching === 0, 60_000);
  await until('the cameras are left alone', async () => (await farm.counters()).openConnections === 0);
  await wait(PERIOD_MS);
  return {
    rtspConnections: (await farm.counters()).openConnections,
    sockets: udpSocketsOf(site.agent.pid).length,
    children: descendantsOf(site.agent.pid).length,
    rssGrowthMb: rssMb(site.agent.pid) - rssBefore,
  };
}
