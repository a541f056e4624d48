/**
 * Test cameras in a process of their own, so that what they cost is not counted as ours: `camera-farm.js COUNT [searchable]`. Prints one line of JSON with their
 * device addresses when all listen, lets the first N hang after a line `hang N`, and ends with its standard input.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openCameras } from '../../../test/peers/onvif-camera/many-cameras.js';

/** Password of every camera of a farm; the user is `admin`. */
export const FARM_PASSWORD = 'camera';

/** A farm that runs. */
export interface CameraFarm {
  /** Device addresses. */
  readonly uris: readonly string[];
  /** The first `count` accept connections and never answer from now on; the others answer. Resolves when it is so. */
  hang(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a farm as a child process; its cameras answer to WS-Discovery when they are to. */
export async function startFarm(count: number, { answersSearches = false } = {}): Promise<CameraFarm> {
  const words = [fileURLToPath(import.meta.url), String(count), ...(answersSearches ? ['searchable'] : [])];
  const child: ChildProcess = spawn(process.execPath, words, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new RangeError('no stdout');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  return {
    uris: JSON.parse(line) as string[],
    hang: async (hanging) => {
      const done = once(lines, 'line');
      child.stdin?.write(`hang ${hanging}\n`);
      await done;
    },
    stop: async () => {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    },
  };
}

async function runAsProcess(count: number, discovery: boolean): Promise<void> {
  const farm = await openCameras(count, { password: FARM_PASSWORD, discovery });
  process.stdout.write(`${JSON.stringify(farm.all.map(({ deviceUri }) => deviceUri))}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    const hanging = Number(line.replace('hang ', ''));
    for (const [at, camera] of farm.all.entries()) camera.set({ hangs: at < hanging });
    process.stdout.write(`${hanging}\n`);
  }
  await farm.stop();
  process.exit(0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runAsProcess(Number(process.argv[2]), process.argv[3] === 'searchable');
