import { SerialPortMock } from 'serialport';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { characterMs, Direction, type TurnedPort } from '../../../../drivers/serial/direction.js';
import { ManualClock, settle } from '../../../support/manual-clock.js';

const SETTINGS = { path: '/dev/ttyS9', baudRate: 2400, parity: 'none', direction: 'rts' } as const;
const FRAME = Buffer.from('ff010002200023', 'hex');

/** A port that takes as long as the test says until it calls the bytes sent, and notes what it was told and when. */
function rig(port: { drainMs?: number; hasNoRts?: boolean; writeFails?: boolean } = {}, settings: { direction?: 'adapter' | 'rts' } = {}) {
  const clock = new ManualClock();
  const told: string[] = [];
  const seen = { none: 0, isOver: false };
  const note = (what: string): void => void told.push(`${Math.round(clock.monotonicMs() * 10) / 10} ${what}`);
  const binding: TurnedPort = {
    write: async () => {
      note('write');
      if (port.writeFails === true) throw new RangeError('EIO');
    },
    drain: async () => {
      await new Promise<void>((resolve) => void clock.after(port.drainMs ?? 0, resolve));
      note('drained');
    },
    set: async ({ rts, dtr }) => {
      if (port.hasNoRts === true) throw new RangeError('Inappropriate ioctl for device, cannot set');
      assert.is(dtr, true);
      note(rts ? 'up' : 'down');
    },
  };
  const direction = new Direction({ ...SETTINGS, ...settings }, binding, clock, () => {
    seen.none += 1;
  });
  return { clock, told, seen, direction, write: () => direction.write(FRAME, () => seen.isOver) };
}

test('a character is ten bits, eleven with parity', () => {
  assert.is(characterMs({ baudRate: 1000, parity: 'none' }), 10);
  assert.is(characterMs({ baudRate: 1000, parity: 'even' }), 11);
});

test('RTS up, write, drain, one more character, RTS down: only then is it written', async () => {
  // Seven characters at 2400 baud are 29.2 ms, one is 4.2 ms.
  const { clock, told, direction, write } = rig({ drainMs: 29.2 });
  await direction.listen();
  let isWritten = false;
  const work = write().then(() => {
    isWritten = true;
  });
  await clock.advance(33);
  assert.is(isWritten, false);
  await clock.advance(1);
  await work;
  assert.equal(told, ['0 down', '0 up', '0 write', '29.2 drained', '33.4 down']);
});

test('an adapter that says "sent" at once does not cut the frame off', async () => {
  const { clock, told, write } = rig({ drainMs: 0 });
  const work = write();
  await clock.advance(33.2);
  assert.is(told.at(-1), '0 drained');
  await clock.advance(0.3);
  await work;
  assert.is(told.at(-1), '33.3 down');
});

test('two writes take turns: the line goes down between them', async () => {
  const { clock, told, write } = rig();
  const both = Promise.all([write(), write()]);
  await clock.advance(100);
  await both;
  assert.equal(
    told.map((one) => one.split(' ')[1]),
    ['up', 'write', 'drained', 'down', 'up', 'write', 'drained', 'down'],
  );
});

test('a port without RTS (ENOTTY) is used as if its adapter turned it, and that is told once', async () => {
  const { told, seen, direction, write } = rig({ hasNoRts: true });
  await direction.listen();
  await write();
  await write();
  assert.equal([told, seen.none], [['0 write', '0 write'], 1]);
});

test('an adapter that turns by itself is never told', async () => {
  const { told, direction, write } = rig({}, { direction: 'adapter' });
  await direction.listen();
  await write();
  assert.equal(told, ['0 write']);
});

test('a write that fails lets go of the line, a port that is gone is left alone, and the next write works', async () => {
  const { told, write } = rig({ writeFails: true });
  await write().then(assert.unreachable as never, () => undefined);
  await write().then(assert.unreachable as never, () => undefined);
  assert.equal(told, ['0 up', '0 write', '0 down', '0 up', '0 write', '0 down']);
  const gone = rig();
  gone.seen.isOver = true;
  const work = gone.write();
  await gone.clock.advance(100);
  await work;
  assert.is(gone.told.at(-1), '0 drained');
});

test('over the binding of the library: the bytes arrive, and a closed port is an error, not a hang', async () => {
  SerialPortMock.binding.createPort(SETTINGS.path, { record: true });
  const { path, baudRate, parity } = SETTINGS;
  const port = await SerialPortMock.binding.open({ path, baudRate, parity });
  const clock = new ManualClock();
  const direction = new Direction(SETTINGS, port, clock, () => assert.unreachable());
  await direction.listen();
  const work = direction.write(FRAME, () => false);
  // The mock takes a turn of the loop for each of its steps.
  while (clock.armed === 0) await settle();
  await clock.advance(40);
  await work;
  assert.is(port.recording.toString('hex'), FRAME.toString('hex'));
  await port.close();
  await direction.write(FRAME, () => true).then(assert.unreachable as never, () => undefined);
  SerialPortMock.binding.reset();
});

test.run();
