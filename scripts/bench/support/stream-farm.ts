/**
 * Cameras that send what cameras of today send (1920x1080, 25 fps, 3 Mbit/s, GOP 4 s), in a process of their own: `stream-farm.js COUNT CLIP`. Prints
 * one line of JSON with their device addresses, answers each line that it reads with one of counters, and ends with its standard input.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Clip, indexClip } from '../../../test/peers/onvif-camera/clip.js';
import { type OnvifCamera, startOnvifCamera } from '../../../test/peers/onvif-camera/onvif-camera.js';
import { PlayOut } from '../../../test/peers/onvif-camera/play-out.js';
import type { RtspCounters } from '../../../test/peers/onvif-camera/rtsp-context.js';
import { startRtspServer } from '../../../test/peers/onvif-camera/rtsp-server.js';
import { ROOT } from '../../root.js';

/** Password of every camera of the farm; the user is `admin`. */
export const STREAM_PASSWORD = 'camera';

const FORMAT = { width: 1920, height: 1080, rate: 25 } as const;
const SECONDS = 20;
const GOP_SECONDS = 4;
const BITRATE = '3M';

/** What all cameras together have counted. */
export interface FarmCounters {
  readonly openConnections: number;
  readonly connections: number;
  readonly mediaBytes: number;
  readonly dropped: number;
}

/** A farm that runs. */
export interface StreamFarm {
  /** Device addresses. */
  readonly uris: readonly string[];
  counters(): Promise<FarmCounters>;
  stop(): Promise<void>;
}

/** The clip, made once (some 20 s) and kept beside the build. */
export async function highClip(): Promise<string> {
  const folder = join(ROOT, '.build', 'clips');
  const path = join(folder, '1920x1080-25-3M.h264');
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const gop = String(FORMAT.rate * GOP_SECONDS);
  const source = `testsrc2=size=${FORMAT.width}x${FORMAT.height}:rate=${FORMAT.rate}:duration=${SECONDS},noise=alls=6:allf=t,format=yuv420p`;
  const rate = ['-b:v', BITRATE, '-maxrate', BITRATE, '-bufsize', '6M', '-bf', '0', '-g', gop, '-keyint_min', gop, '-sc_threshold', '0'];
  const made = `${path}.part`;
  const words = ['-y', '-v', 'error', '-f', 'lavfi', '-i', source, '-c:v', 'libx264', '-preset', 'veryfast', ...rate];
  await promisify(execFile)('ffmpeg', [...words, '-bsf:v', 'filter_units=remove_types=6', '-an', '-f', 'h264', made]);
  renameSync(made, path);
  return path;
}

/** Starts a farm as a child process. */
export async function startStreamFarm(count: number): Promise<StreamFarm> {
  const clip = await highClip();
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(import.meta.url), String(count), clip], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new RangeError('no stdout');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  return {
    uris: JSON.parse(line) as string[],
    counters: async () => {
      const answered = once(lines, 'line');
      child.stdin?.write('counters\n');
      return JSON.parse(((await answered) as [string])[0]) as FarmCounters;
    },
    stop: async () => {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    },
  };
}

interface Streaming {
  readonly camera: OnvifCamera;
  readonly counters: RtspCounters;
  stop(): Promise<void>;
}

/** One camera: the ONVIF side is the test camera's, its stream is the clip, `phaseMs` beside the others so that no two send at once. */
async function startStreaming(clip: Clip, index: number, phaseMs: number): Promise<Streaming> {
  const counters: RtspCounters = { openConnections: 0, connections: 0, playingSessions: 0, plays: 0, mediaBytes: 0, dropped: 0 };
  const now = (): number => Date.now() + phaseMs;
  const main = new PlayOut(clip, now);
  const streams = new Map([['main', main] as const]);
  const server = await startRtspServer(
    { streams, counters, now, auth: () => undefined, slowMs: () => 0, idrAtPlay: true, sessionTimeoutS: 60 },
    '127.0.0.1',
    0,
  );
  const camera = await startOnvifCamera({
    ...{ password: STREAM_PASSWORD, discovery: false, name: `Camera ${index + 1}`, serial: `STREAM-${String(index + 1).padStart(4, '0')}` },
    externalRtsp: () => `rtsp://127.0.0.1:${server.port}/main`,
  });
  return {
    camera,
    counters,
    stop: async () => {
      main.stop();
      await Promise.all([server.stop(), camera.stop()]);
    },
  };
}

async function runAsProcess(count: number, path: string): Promise<void> {
  const clip = indexClip(readFileSync(path), FORMAT);
  const all: Streaming[] = [];
  // Whole frames apart, and a part of one: pictures of sixteen real cameras do not arrive in the same millisecond.
  for (let index = 0; index < count; index += 1) all.push(await startStreaming(clip, index, index * 217));
  process.stdout.write(`${JSON.stringify(all.map(({ camera }) => camera.deviceUri))}\n`);
  const sum = (of: keyof RtspCounters): number => all.reduce((total, { counters }) => total + counters[of], 0);
  for await (const _line of createInterface({ input: process.stdin }))
    process.stdout.write(
      `${JSON.stringify({ openConnections: sum('openConnections'), connections: sum('connections'), mediaBytes: sum('mediaBytes'), dropped: sum('dropped') } satisfies FarmCounters)}\n`,
    );
  await Promise.all(all.map((one) => one.stop()));
  process.exit(0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runAsProcess(Number(process.argv[2]), String(process.argv[3]));
