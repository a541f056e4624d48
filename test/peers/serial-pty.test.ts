import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, type ReadStream, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../agent/kernel/clock.js';
import type { DriverError, DriverLog, SerialBus } from '../../drivers/port.js';
import { createSerialBusFactory } from '../../drivers/serial/bus.js';
import { type PelcoDCommand, PelcoDDecoder } from '../../drivers/serial/pelco-d.js';

const folder = mkdtempSync(join(tmpdir(), 'sightline-pty-'));
const ours = join(folder, 'ours');
const theirs = join(folder, 'theirs');
const never = { signal: new AbortController().signal };

/** Tells the driver's log to whoever waits for a line. */
class Listening implements DriverLog {
  readonly #waiting = new Map<string, () => void>();
  debug(): void {}
  info(message: string): void {
    this.#waiting.get(message)?.();
  }
  warn(message: string): void {
    this.#waiting.get(message)?.();
  }
  next(message: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(message, resolve));
  }
}

/** Two ends of a serial cable, made by socat. */
async function ptyPair(names: readonly [string, string] = [ours, theirs]): Promise<ChildProcess> {
  const end = (link: string): string => `pty,raw,echo=0,link=${link}`;
  const socat = spawn('socat', ['-d', '-d', ...names.map(end)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  for await (const chunk of socat.stderr ?? []) {
    said += String(chunk);
    if (said.includes('starting data transfer loop')) break;
  }
  return socat;
}

async function end(socat: ChildProcess): Promise<void> {
  const gone = once(socat, 'exit');
  socat.kill('SIGKILL');
  await gone;
}

/** Reads frames at the far end until there are `count`. */
async function frames(far: ReadStream, count: number): Promise<readonly PelcoDCommand[]> {
  const decoder = new PelcoDDecoder();
  const found: PelcoDCommand[] = [];
  while (found.length < count) {
    const [chunk] = (await once(far, 'data')) as [Buffer];
    found.push(...decoder.push(chunk));
  }
  return found;
}

/** The far end; once the cable is gone its pending read fails, which is no news here. */
function openFar(): ReadStream {
  return createReadStream(theirs).on('error', () => undefined);
}

function openBus(log: DriverLog, path = ours): SerialBus {
  return createSerialBusFactory({ clock: systemClock, log }).open({ path, baudRate: 9600, parity: 'none' });
}

const failure = (work: Promise<unknown>): Promise<DriverError> => work.then(assert.unreachable as never, (error: DriverError) => error);

test('commands arrive at the other end of a real serial line', async () => {
  const socat = await ptyPair();
  const log = new Listening();
  const opened = log.next('serial port opened');
  const bus = openBus(log);
  await opened;
  const far = openFar();
  const seen = frames(far, 3);
  await bus.ptz('pelco-d', 1).move({ pan: 1, tilt: -0.5, zoom: 0 }, never);
  await bus.ptz('pelco-d', 7).move({ pan: 0, tilt: 0, zoom: 1 }, never);
  await bus.ptz('pelco-d', 1).stop(never);
  assert.equal(
    (await seen).map(({ address, command2, data1, data2 }) => [address, command2, data1, data2]),
    [
      [1, 0x12, 63, 32],
      [7, 0x20, 0, 0],
      [1, 0, 0, 0],
    ],
  );
  far.destroy();
  await bus.close();
  await end(socat);
});

test('a port that another program holds is told as in use', async () => {
  const socat = await ptyPair();
  const log = new Listening();
  const opened = log.next('serial port opened');
  const first = openBus(log);
  await opened;
  const refused = log.next('serial port not available');
  const second = openBus(log);
  await refused;
  assert.equal(second.state(), { isOpen: false, reason: `${ours} is in use by another program.` });
  await Promise.all([first.close(), second.close()]);
  await end(socat);
});

test('an unplugged port is noticed by itself, told, and used again when it is back, whatever device its name leads to then', async () => {
  const log = new Listening();
  let socat = await ptyPair();
  const opened = log.next('serial port opened');
  const bus = openBus(log);
  await opened;
  const device = readlinkSync(ours);
  const lost = log.next('serial port lost');
  await end(socat);
  await lost;
  const error = await failure(bus.ptz('pelco-d', 1).stop(never));
  assert.is(error.code, 'serial.unavailable');
  assert.match(bus.state().reason, /was unplugged/);
  const again = log.next('serial port opened');
  // As by-id links do: the name stays, the number behind it does not, because another adapter took it meanwhile.
  const other = await ptyPair([join(folder, 'other'), join(folder, 'others')]);
  socat = await ptyPair();
  assert.is.not(readlinkSync(ours), device);
  await again;
  assert.is(bus.state().isOpen, true);
  const far = openFar();
  const seen = frames(far, 1);
  await bus.ptz('pelco-d', 2).stop(never);
  assert.is((await seen)[0]?.address, 2);
  far.destroy();
  await bus.close();
  await end(other);
  await end(socat);
});

test('unplugged while bytes come in: noticed all the same', async () => {
  const log = new Listening();
  const socat = await ptyPair();
  const opened = log.next('serial port opened');
  const bus = openBus(log);
  await opened;
  writeFileSync(theirs, Buffer.alloc(2048, 0xff));
  const lost = log.next('serial port lost');
  await end(socat);
  await lost;
  await bus.close();
});

test('what is no serial port is not opened, and nothing throws', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const loop = join(folder, 'loop');
  symlinkSync(loop, loop);
  const cases: [string, RegExp][] = [
    [join(folder, 'nothing'), /is not there/],
    [file, /is not a serial port/],
    [loop, /cannot be used/],
    ['/dev/null', /cannot be used/],
  ];
  for (const [path, reason] of cases) {
    const log = new Listening();
    const refused = log.next('serial port not available');
    const bus = openBus(log, path);
    await refused;
    assert.match(bus.state().reason, reason);
    await bus.close();
  }
});

// The driver's timer for reopening does not keep a process alive; here nothing else would.
const alive = setInterval(() => undefined, 60_000);
test.after(() => clearInterval(alive));
test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();
