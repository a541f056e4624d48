/**
 * Loaded into the agent's process before the agent (`--import`): writes down, one line of JSON each, what cannot be seen from outside. Which
 * programs are started, in which order files are made durable and answers leave, how long the event loop stood still by its own doing, how
 * much memory is held. With EYES_SHIFT it also turns the clocks, as that file says.
 */
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

const LOOK_MS = 5;
const PULSE_MS = 250;
const { EYES_FILE, EYES_SHIFT } = process.env;

/** Worker threads load this too; what they do is not looked at. */
const file = EYES_FILE === undefined || !isMainThread ? undefined : fs.openSync(EYES_FILE, 'a', 0o600);
const tell = (line: object): void => {
  if (file !== undefined) fs.writeSync(file, `${JSON.stringify(line)}\n`);
};

/** Every way in which Node starts a program ends in one of these. */
function watchChildren(): void {
  const starter = childProcess.ChildProcess.prototype as unknown as { spawn(options: { file: string; args?: string[] }): unknown };
  const { spawn } = starter;
  starter.spawn = function (options) {
    tell({ kind: 'child', program: options.file, argv: options.args ?? [] });
    return spawn.call(this, options);
  };
  for (const name of ['spawnSync', 'execSync', 'execFileSync'] as const) {
    const before = childProcess[name] as (...words: unknown[]) => unknown;
    (childProcess as unknown as Record<string, unknown>)[name] = (...words: unknown[]): unknown => {
      tell({ kind: 'child', program: String(words[0]), argv: Array.isArray(words[1]) ? words[1] : [] });
      return before(...words);
    };
  }
}

/** fsync and rename of files, and the moment in which the answer to a pairing try goes into a socket. */
async function watchOrder(): Promise<void> {
  const handle = await fs.promises.open(process.execPath, 'r');
  const proto = Object.getPrototypeOf(handle) as { sync(this: { fd: number }): Promise<void> };
  await handle.close();
  const { sync } = proto;
  proto.sync = async function () {
    const path = fs.readlinkSync(`/proc/self/fd/${this.fd}`);
    await sync.call(this);
    tell({ kind: 'fsync', path });
  };
  const { rename } = fs.promises;
  fs.promises.rename = async (from, to) => {
    await rename(from, to);
    tell({ kind: 'rename', path: String(to) });
  };
  const writer = Socket.prototype as unknown as Record<'_write' | '_writev', (data: unknown, ...rest: unknown[]) => void>;
  for (const name of ['_write', '_writev'] as const) {
    const before = writer[name];
    writer[name] = function (this: unknown, data, ...rest) {
      const chunks = Array.isArray(data) ? (data as { chunk: Uint8Array | string }[]).map(({ chunk }) => chunk) : [data as Uint8Array];
      if (chunks.some((chunk) => Buffer.from(chunk as Uint8Array).includes('"t":"pair.resp"'))) tell({ kind: 'answered' });
      return before.call(this, data, ...rest);
    };
  }
}

/** Time that the main thread has been computing, ms. Other programs on the same machine do not count, as they would by the clock. */
const busyMs = (): number => Number(fs.readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;

function watchLoop(): void {
  let last = busyMs();
  let longest = 0;
  setInterval(() => {
    const now = busyMs();
    longest = Math.max(longest, now - last);
    last = now;
  }, LOOK_MS).unref();
  setInterval(() => {
    tell({ kind: 'pulse', stallMs: Math.round(longest * 10) / 10, rssBytes: process.memoryUsage.rss() });
    longest = 0;
  }, PULSE_MS).unref();
}

/** Two numbers: milliseconds by which the wall clock is wrong, and by which the machine has been up for longer than it has. */
function shiftClocks(path: string): void {
  const wallNow = Date.now;
  const uptimeNow = performance.now.bind(performance);
  let readMs = Number.NEGATIVE_INFINITY;
  let shifts: readonly number[] = [];
  const shift = (which: 0 | 1): number => {
    if (uptimeNow() - readMs > 10) {
      readMs = uptimeNow();
      shifts = fs.readFileSync(path, 'latin1').split(' ').map(Number);
    }
    return shifts[which] ?? 0;
  };
  Date.now = () => wallNow() + shift(0);
  performance.now = () => uptimeNow() + shift(1);
}

if (file !== undefined) {
  watchChildren();
  await watchOrder();
  watchLoop();
}
if (EYES_SHIFT !== undefined) shiftClocks(EYES_SHIFT);
syncBuiltinESMExports();
