/**
 * A registry with its real driver that keeps asking cameras for a sign of life, in a process of its own: `camera-asker.js`. The first line of its
 * standard input is `{"uris":[...],"hanging":[...],"probeMs":500}`; after each line `window MS` it prints how long the probes of the cameras that do
 * not hang took within that time, as a JSON array of ms. Ends with its standard input.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ChannelStore } from '../../../agent/cameras/ports.js';
import { CameraRegistry } from '../../../agent/cameras/registry.js';
import { systemClock } from '../../../agent/kernel/clock.js';
import { createLog } from '../../../agent/kernel/log.js';
import { Secret } from '../../../agent/kernel/secret.js';
import { createOnvifConnector } from '../../../drivers/onvif/connector.js';
import type { CameraConnector } from '../../../drivers/port.js';
import { FARM_PASSWORD } from './camera-farm.js';

/** Which cameras are asked, and which of them hang. */
export interface AskerSite {
  readonly uris: readonly string[];
  readonly hanging: readonly string[];
  readonly probeMs: number;
}

/** An asker that runs. */
export interface CameraAsker {
  /** Times of the probes that ended within the next `windowMs`. */
  window(windowMs: number): Promise<readonly number[]>;
  stop(): Promise<void>;
}

/** A store that remembers nothing. */
export const FORGETFUL: ChannelStore = {
  load: async () => undefined,
  save: async () => undefined,
  loadLogin: async () => undefined,
  saveLogin: async () => undefined,
};

/** A log that nobody reads. */
export const SILENT = createLog({ level: 'error', clock: systemClock, format: 'text', write: () => undefined });

/** Starts one as a child process; resolves when every camera that answers was read once. */
export async function startAsker(site: AskerSite): Promise<CameraAsker> {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(import.meta.url)], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new RangeError('no stdout');
  const lines = createInterface({ input: child.stdout });
  const ask = async (line: string): Promise<string> => {
    const answered = once(lines, 'line') as Promise<[string]>;
    child.stdin?.write(`${line}\n`);
    return (await answered)[0];
  };
  await ask(JSON.stringify(site));
  return {
    window: async (windowMs) => JSON.parse(await ask(`window ${windowMs}`)) as number[],
    stop: async () => {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    },
  };
}

/** The real driver, with the time of each probe of a camera that answers. */
function timed(real: CameraConnector, hanging: ReadonlySet<string>, note: (tookMs: number) => void): CameraConnector {
  return {
    connect: (target) => {
      const driver = real.connect(target);
      if (hanging.has(target.deviceUri)) return driver;
      const ask = driver.clockOffsetMs.bind(driver);
      driver.clockOffsetMs = async (options) => {
        const startedMs = performance.now();
        const offsetMs = await ask(options);
        note(performance.now() - startedMs);
        return offsetMs;
      };
      // Events stay closed: a camera that is listened to is hardly asked for signs of life.
      driver.capabilities = async (options) => {
        const ptz = await driver.ptz(options);
        return { ptz, ...NO_EXTRAS };
      };
      return driver;
    },
  };
}

const NO_EXTRAS = {
  ...{ imaging: undefined, events: undefined, recordings: undefined, io: undefined },
  ...{ overlays: undefined, users: undefined, upkeep: undefined },
};

async function runAsProcess(): Promise<void> {
  let taken: number[] = [];
  let registry: CameraRegistry | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    if (registry === undefined) {
      const { uris, hanging, probeMs } = JSON.parse(line) as AskerSite;
      const real = createOnvifConnector({ clock: systemClock, log: SILENT });
      const connector = timed(real, new Set(hanging), (tookMs) => taken.push(tookMs));
      registry = new CameraRegistry({
        ...{ connector, discovery: undefined, store: FORGETFUL, serialPtz: () => undefined, groupLogins: [] },
        ...{ clock: systemClock, log: SILENT, timing: { probeMs } },
      });
      await registry.start();
      const login = { user: 'admin', password: new Secret(FARM_PASSWORD) };
      const added = uris.map((uri) => registry?.add(uri, login));
      await Promise.all(added.filter((_, at) => !hanging.includes(uris[at] ?? '')));
      process.stdout.write('ready\n');
      continue;
    }
    taken = [];
    await wait(Number(line.replace('window ', '')));
    process.stdout.write(`${JSON.stringify(taken)}\n`);
  }
  await registry?.stop();
  process.exit(0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runAsProcess();
