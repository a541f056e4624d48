/**
 * What the agent costs while nobody watches: `npm run --silent bench:idle -- --json [--cameras N]`. Five starts, turn by turn with an empty
 * Node process; the bundle that goes to recorders is measured, cameras are paired and online.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { descendantsOf } from '../../test/support/proc.js';
import { openSite } from '../../test/support/site.js';
import { ROOT } from '../root.js';
import { writtenInADay } from './support/idle-day.js';
import { type Figure, figure, missing, print, progress } from './support/report.js';
import { cpuMs, rssMb, writtenBytes } from './support/usage.js';

const { values } = parseArgs({ options: { json: { type: 'boolean' }, cameras: { type: 'string', default: '1' } } });
const CAMERAS = Math.max(0, Math.min(64, Number(values.cameras) || 0));
const STARTS = 5;
const SETTLE_MS = 3_000;
const WATCH_MS = 20_000;
/** The last start is watched for two of the agent's minutes: whatever it writes then comes on top of what a day of beats writes (idle-day.ts). */
const LONG_WATCH_MS = 125_000;
const DAY_MS = 86_400_000;

type Row = Record<string, number>;

async function agentRun(entry: string, watchMs: number): Promise<Row> {
  const site = await openSite({ cameras: Array.from({ length: CAMERAS }, () => ({})), agent: { entry, args: [] } });
  try {
    await site.online();
    // Measured from a second start: the first one makes keys and databases, as it does once in a recorder's life.
    await site.agent.stop();
    const agent = await site.restart();
    const startCpuMs = cpuMs(agent.pid);
    await site.online();
    await wait(SETTLE_MS);
    const before = { cpu: cpuMs(agent.pid), written: writtenBytes(agent.pid), at: performance.now() };
    const children = new Set<number>();
    while (performance.now() - before.at < watchMs) {
      for (const child of descendantsOf(agent.pid)) children.add(child);
      await wait(40);
    }
    const spentMs = performance.now() - before.at;
    return {
      startReadyMs: agent.readyMs,
      startCpuMs,
      rssMb: rssMb(agent.pid),
      cpuShare: (cpuMs(agent.pid) - before.cpu) / spentMs,
      processesPerMinute: (children.size / spentMs) * 60_000,
      writtenMbPerDay: ((writtenBytes(agent.pid) - before.written) / spentMs) * (DAY_MS / 1e6),
    };
  } finally {
    await site.close();
  }
}

async function emptyRun(): Promise<Row> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--max-semi-space-size=1', '-e', 'process.stdout.write("x"); setInterval(() => {}, 1e9)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  const row = { startReadyMs: performance.now() - startedAt, startCpuMs: cpuMs(pid), rssMb: 0 };
  await wait(1_000);
  row.rssMb = rssMb(pid);
  const ended = once(child, 'exit');
  child.kill();
  await ended;
  return row;
}

const columns = (rows: readonly Row[], names: readonly string[]): Record<string, Figure> =>
  Object.fromEntries(names.map((name) => [name, figure(rows.map((row) => row[name] ?? Number.NaN))]));

progress('making the bundle');
const { bundleAgent } = (await import(join(ROOT, 'scripts', 'esbuild-agent.mjs'))) as { bundleAgent: () => Promise<unknown> };
await bundleAgent();
const entry = join(ROOT, 'dist', 'agent.mjs');
const own: Row[] = [];
const empty: Row[] = [];
for (let start = 1; start <= STARTS; start += 1) {
  progress(`start ${start} of ${STARTS}`);
  own.push(await agentRun(entry, start === STARTS ? LONG_WATCH_MS : WATCH_MS));
  empty.push(await emptyRun());
}
progress('a day of writing');
const dayMb = (await writtenInADay()) / 1e6;
const seenMb = own.at(-1)?.writtenMbPerDay ?? Number.NaN;
print({
  bench: 'idle',
  figures: {
    ...columns(own, ['startReadyMs', 'startCpuMs', 'rssMb', 'cpuShare', 'processesPerMinute']),
    writtenMbPerDay: figure([dayMb + seenMb]),
  },
  baseline: {
    ...columns(empty, ['startReadyMs', 'startCpuMs', 'rssMb']),
    cpuShare: missing('an empty process does nothing'),
    processesPerMinute: missing('an empty process does nothing'),
    writtenMbPerDay: missing('an empty process does nothing'),
  },
  baselineIs: 'an empty Node process',
  notes: [
    `writtenMbPerDay: ${dayMb.toFixed(2)} by the beats of a day, with the real stores on this disk; ${seenMb.toFixed(2)} extrapolated from what the running agent wrote between two beats`,
    `${CAMERAS} camera(s), paired, cloud connected; dist/agent.mjs; ${WATCH_MS / 1000} s watched after each start, the last one ${LONG_WATCH_MS / 1000} s`,
  ],
});
