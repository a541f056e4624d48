import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError, type DriverLog, type SerialBus } from '../../../../drivers/port.js';
import { createSerialBusFactory } from '../../../../drivers/serial/bus.js';
import type { OpenSerialLine } from '../../../../drivers/serial/line.js';
import { encodePelcoD, pelcoDMove, pelcoDStop } from '../../../../drivers/serial/pelco-d.js';
import { ManualClock, settle } from '../../../support/manual-clock.js';

const RIGHT = { pan: 1, tilt: 0, zoom: 0 };
const LEFT = { pan: -1, tilt: 0, zoom: 0 };
const quiet: DriverLog = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });
const hex = (bytes: Buffer): string => bytes.toString('hex');

/** A bus over a made-up port whose writes, hangs and losses the test decides. */
function rig(baudRate = 2400) {
  const clock = new ManualClock();
  const port = {
    written: [] as string[],
    at: [] as number[],
    opened: 0,
    closed: 0,
    isThere: true,
    hangs: false,
    lose: (_: string) => {},
    hear: (_: string) => {},
  };
  const openLine: OpenSerialLine = async (_settings, { onLost, onData }) => {
    port.opened += 1;
    if (!port.isThere) throw new DriverError('serial.unavailable', '/dev/ttyS9 is not there.');
    port.lose = onLost;
    port.hear = (text) => onData(Buffer.from(text, 'hex'));
    return {
      write: (bytes) => {
        port.written.push(hex(bytes));
        port.at.push(clock.monotonicMs());
        return port.hangs ? new Promise(() => undefined) : Promise.resolve();
      },
      close: async () => {
        port.closed += 1;
      },
    };
  };
  const open = (): SerialBus =>
    createSerialBusFactory({ clock, log: quiet, openLine }).open({ path: '/dev/ttyS9', baudRate, parity: 'none' });
  return { clock, port, open };
}

/** The code a promise fails with, or 'done'. */
const codeOf = (work: Promise<void>): Promise<string> =>
  work.then(
    () => 'done',
    (error: DriverError) => error.code,
  );

/** Closes it, with the time that stops take on the wire. */
async function shut(bus: SerialBus, clock: ManualClock): Promise<void> {
  const closing = bus.close();
  await clock.advance(500);
  await closing;
}

test('a command is written as its frame', async () => {
  const { clock, port, open } = rig();
  const bus = open();
  assert.is(bus.state().isOpen, false);
  await settle();
  assert.equal(bus.state(), { isOpen: true, reason: '' });
  await bus.ptz('pelco-d', 3).move(RIGHT, never());
  assert.equal(port.written, [hex(pelcoDMove(3, RIGHT))]);
  await shut(bus, clock);
  assert.is(port.closed, 1);
});

test('what moves is stopped before the port is closed, and what may have moved before it was opened as soon as it is', async () => {
  const { clock, port, open } = rig();
  const bus = open();
  const [first, second] = [bus.ptz('pelco-d', 1), bus.ptz('pelco-d', 2)];
  await clock.advance(100);
  assert.equal(port.written.splice(0), [hex(pelcoDStop(1)), hex(pelcoDStop(2))]);
  await first.stop(never());
  const moving = codeOf(second.move(RIGHT, never()));
  await clock.advance(34);
  const closing = bus.close();
  assert.is(await codeOf(first.move(LEFT, never())), 'serial.unavailable', 'nothing new is taken');
  await clock.advance(100);
  await closing;
  assert.equal(port.written, [hex(pelcoDStop(1))]);
  assert.is(await moving, 'driver.aborted', 'it waited still');
  const again = open();
  await settle();
  const turning = again.ptz('pelco-d', 3);
  await turning.move(RIGHT, never());
  await shut(again, clock);
  assert.equal(port.written.slice(1), [hex(pelcoDMove(3, RIGHT)), hex(pelcoDStop(3))]);
  assert.equal([port.closed, clock.armed], [2, 0]);
});

test('a port that hangs while it is closed is given up after a second', async () => {
  const { clock, port, open } = rig();
  const bus = open();
  await settle();
  await bus.ptz('pelco-d', 1).move(RIGHT, never());
  port.hangs = true;
  const closing = bus.close();
  await clock.advance(1_100);
  await closing;
  assert.equal(port.written, [hex(pelcoDMove(1, RIGHT)), hex(pelcoDStop(1))]);
  assert.is(clock.armed, 0);
});

test('frames keep the pace of the wire: seven bytes at 2400 baud are 30 ms, and a gap', async () => {
  const { clock, port, open } = rig(2400);
  const bus = open();
  await settle();
  const work = [1, 2, 3].map((address) => bus.ptz('pelco-d', address).move(RIGHT, never()));
  await clock.advance(200);
  await Promise.all(work);
  assert.equal(port.at, [0, 35, 70]);
  await shut(bus, clock);
});

test('a stop goes before everything, and no address waits for another that talks more', async () => {
  const { clock, port, open } = rig();
  const bus = open();
  await settle();
  const head = (address: number) => bus.ptz('pelco-d', address);
  const work = [head(1).move(RIGHT, never())];
  for (let round = 0; round < 5; round += 1) work.push(head(1).move(round % 2 === 0 ? LEFT : RIGHT, never()));
  work.push(head(2).move(RIGHT, never()), head(3).move(RIGHT, never()), head(2).stop(never()));
  await clock.advance(500);
  assert.equal(await Promise.all(work.map(codeOf)), new Array(work.length).fill('done'));
  const sent = [pelcoDMove(1, RIGHT), pelcoDStop(2), pelcoDMove(1, LEFT), pelcoDMove(3, RIGHT)];
  assert.equal(port.written, sent.map(hex));
  await shut(bus, clock);
});

test('a port that is not there fails at once with the reason, and is tried again: 1, 2, 4 ... 30 s', async () => {
  const { clock, port, open } = rig();
  port.isThere = false;
  const bus = open();
  await settle();
  assert.equal(bus.state(), { isOpen: false, reason: '/dev/ttyS9 is not there.' });
  assert.is(await codeOf(bus.ptz('pelco-d', 1).stop(never())), 'serial.unavailable');
  await clock.advance(1_000 + 2_000 + 4_000 + 8_000 + 16_000 + 30_000 + 30_000);
  assert.is(port.opened, 8);
  port.isThere = true;
  await clock.advance(30_000);
  assert.is(bus.state().isOpen, true);
  await shut(bus, clock);
  assert.is(clock.armed, 0);
});

test('unplugged: who waits is told, and after coming back what was moving is stopped first', async () => {
  const { clock, port, open } = rig();
  const bus = open();
  await settle();
  await bus.ptz('pelco-d', 1).move(RIGHT, never());
  const waiting = bus.ptz('pelco-d', 2).move(RIGHT, never());
  port.lose('EIO');
  assert.is(await codeOf(waiting), 'serial.unavailable');
  assert.equal(bus.state(), { isOpen: false, reason: '/dev/ttyS9 was unplugged (EIO).' });
  await clock.advance(1_000);
  assert.is(bus.state().isOpen, true);
  assert.equal(port.written, [hex(pelcoDMove(1, RIGHT)), hex(pelcoDStop(1))]);
  await shut(bus, clock);
});

test('a write that hangs is given up after a second, with the port; a new one is opened and used', async () => {
  const { clock, port, open } = rig();
  const bus = open();
  await settle();
  port.hangs = true;
  const hanging = codeOf(bus.ptz('pelco-d', 1).stop(never()));
  const behind = codeOf(bus.ptz('pelco-d', 2).stop(never()));
  await clock.advance(1_000);
  assert.is(await hanging, 'serial.timeout');
  assert.is(await behind, 'serial.unavailable');
  assert.is(bus.state().isOpen, false);
  assert.is(port.closed, 1);
  port.hangs = false;
  await clock.advance(1_000);
  const work = bus.ptz('pelco-d', 1).stop(never());
  await clock.advance(100);
  assert.is(await codeOf(work), 'done');
  await shut(bus, clock);
  assert.is(clock.armed, 0);
});

test('a cancelled command that was not sent yet is not sent', async () => {
  const { clock, port, open } = rig();
  const bus = open();
  await settle();
  const cancel = new AbortController();
  const first = bus.ptz('pelco-d', 1).move(RIGHT, never());
  const second = codeOf(bus.ptz('pelco-d', 2).move(RIGHT, { signal: cancel.signal }));
  cancel.abort();
  assert.is(await second, 'driver.aborted');
  await first;
  await clock.advance(500);
  assert.is(port.written.length, 1);
  assert.is(await codeOf(bus.ptz('pelco-d', 1).stop({ signal: cancel.signal })), 'driver.aborted');
  await shut(bus, clock);
});

test('a head that never answers, one whose answer lost bytes, and noise before an answer: a reason or the answer, and the next command goes', async () => {
  const { clock, port, open } = rig(9600);
  const bus = open();
  await settle();
  const head = bus.ptz('pelco-d', 1);
  const ask = (): Promise<unknown> => head.status?.(never()) ?? Promise.reject();
  const reply = (which: number, value: number): string =>
    hex(encodePelcoD({ address: 1, command1: 0, command2: which, data1: value >> 8, data2: value }));
  const silent = codeOf(ask() as Promise<void>);
  // Another camera waits for its turn no longer than the question lasts.
  const other = codeOf(bus.ptz('pelco-d', 2).move(RIGHT, never()));
  await clock.advance(250);
  assert.equal([await silent, await other], ['serial.timeout', 'done']);
  const lost = codeOf(ask() as Promise<void>);
  await clock.advance(20);
  port.hear(reply(0x59, 9_000).slice(0, -4));
  await clock.advance(250);
  assert.is(await lost, 'serial.timeout');
  const noisy = ask() as Promise<{ position: { pan: number; tilt: number; zoom: number } }>;
  for (const answer of [reply(0x59, 9_000), reply(0x5b, 0), reply(0x5d, 0xffff)]) {
    await clock.advance(20);
    port.hear(`00ff37${answer}`);
    await clock.advance(20);
  }
  assert.equal((await noisy).position, { pan: 0.5, tilt: 0, zoom: 1 });
  port.written.length = 0;
  const stopped = codeOf(head.stop(never()));
  await clock.advance(50);
  assert.equal([await stopped, port.written], ['done', [hex(pelcoDStop(1))]]);
  await shut(bus, clock);
  assert.is(clock.armed, 0);
});

test('closing ends what waits, and also while the port is being opened', async () => {
  const { clock, port, open } = rig();
  const bus = open();
  await shut(bus, clock);
  assert.is(port.closed, 1);
  const other = open();
  await settle();
  void other.ptz('pelco-d', 1).move(RIGHT, never());
  const waiting = codeOf(other.ptz('pelco-d', 2).move(RIGHT, never()));
  await shut(other, clock);
  assert.is(await waiting, 'driver.aborted');
  assert.is(await codeOf(other.ptz('pelco-d', 2).stop(never())), 'serial.unavailable');
  assert.is(clock.armed, 0);
});

test('an address that cannot be is refused, not thrown', async () => {
  const { clock, open } = rig();
  const bus = open();
  assert.is(await codeOf(bus.ptz('pelco-d', 0).move(RIGHT, never())), 'camera.refused');
  assert.is(await codeOf(bus.ptz('pelco-d', 300).stop(never())), 'camera.refused');
  await shut(bus, clock);
});

test.run();
