/**
 * How long a search takes that finds many cameras, in a network of its own so that it meets no others: as a program it starts `COUNT` cameras beside
 * itself, searches `ROUNDS` times and prints one line of JSON with the ms of each search, and how many cameras each found.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CameraRegistry } from '../../../agent/cameras/registry.js';
import { systemClock } from '../../../agent/kernel/clock.js';
import { createOnvifConnector } from '../../../drivers/onvif/connector.js';
import { createDiscovery } from '../../../drivers/onvif/discovery.js';
import { FORGETFUL, SILENT } from './camera-asker.js';
import { startFarm } from './camera-farm.js';

/** One search. */
export interface Searched {
  readonly tookMs: number;
  readonly found: number;
}

const OWN_NETWORK = [
  ...(process.getuid?.() === 0 ? ['--net'] : ['--map-root-user', '--net']),
  ...['/bin/sh', '-c', 'ip link set lo up && ip route add 224.0.0.0/4 dev lo && exec "$@"', 'sh'],
];

/** Searches for `count` cameras, `rounds` times. Undefined where no network of one's own is to be had. */
export async function searchMany(count: number, rounds: number): Promise<readonly Searched[] | undefined> {
  const words = [...OWN_NETWORK, process.execPath, fileURLToPath(import.meta.url), String(count), String(rounds)];
  const child = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit').catch(() => undefined);
  let told: readonly Searched[] | undefined;
  for await (const line of createInterface({ input: child.stdout })) told = JSON.parse(line) as Searched[];
  await ended;
  return told;
}

async function searchOnce(): Promise<Searched> {
  const parts = { clock: systemClock, log: SILENT };
  const registry = new CameraRegistry({
    ...{ ...parts, connector: createOnvifConnector(parts), store: FORGETFUL, serialPtz: () => undefined, groupLogins: [] },
    discovery: createDiscovery({ ...parts, networks: () => [{ address: '127.0.0.1', netmask: '255.0.0.0', interfaceName: 'lo' }] }),
  });
  const startedMs = performance.now();
  const { found } = await registry.discover();
  const tookMs = performance.now() - startedMs;
  await registry.stop();
  return { tookMs, found: found.length };
}

async function runAsProcess(count: number, rounds: number): Promise<void> {
  const farm = await startFarm(count, { answersSearches: true });
  const all: Searched[] = [];
  for (let round = 0; round < rounds; round += 1) all.push(await searchOnce());
  await farm.stop();
  process.stdout.write(`${JSON.stringify(all)}\n`);
  process.exit(0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runAsProcess(Number(process.argv[2]), Number(process.argv[3]));
