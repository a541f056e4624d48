import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  encodePelcoD,
  isPelcoDAddress,
  PELCO_D_BYTES,
  PelcoDDecoder,
  pelcoDAuxiliary,
  pelcoDLens,
  pelcoDMove,
  pelcoDPreset,
  pelcoDStop,
} from '../../../../drivers/serial/pelco-d.js';

const hex = (bytes: Buffer): string => bytes.toString('hex');
const raw = (command2: number, data1: number, data2: number): string =>
  hex(encodePelcoD({ address: 1, command1: 0, command2, data1, data2 }));

test('frames equal those of two independent encoders', () => {
  assert.is(hex(pelcoDStop(1)), 'ff010000000001');
  assert.is(raw(0x02, 0x20, 0), 'ff010002200023'); // right
  assert.is(raw(0x04, 0x20, 0), 'ff010004200025'); // left
  assert.is(raw(0x08, 0, 0x10), 'ff010008001019'); // up
  assert.is(raw(0x0a, 0x20, 0x10), 'ff01000a20103b'); // up and right
  assert.is(hex(pelcoDMove(1, { pan: 0, tilt: 0, zoom: 1 })), 'ff010020000021');
  assert.is(hex(pelcoDLens(1, 'focus-near')), 'ff010100000002');
  assert.is(hex(pelcoDLens(1, 'iris-open')), 'ff010200000003');
  assert.is(hex(pelcoDPreset(1, 'set', 1)), 'ff010003000105');
  assert.is(hex(pelcoDPreset(1, 'clear', 1)), 'ff010005000107');
  assert.is(hex(pelcoDPreset(1, 'goto', 1)), 'ff010007000109');
  assert.is(hex(pelcoDAuxiliary(1, 'on', 1)), 'ff01000900010b');
  const published = encodePelcoD({ address: 0x0a, command1: 0x88, command2: 0x90, data1: 0, data2: 0x40 });
  assert.is(hex(published), 'ff0a8890004062');
});

test('speed -1..1 becomes direction and 1..63', () => {
  assert.is(hex(pelcoDMove(1, { pan: 0.5, tilt: 0, zoom: 0 })), 'ff010002200023');
  assert.is(hex(pelcoDMove(1, { pan: -0.5, tilt: 0, zoom: 0 })), 'ff010004200025');
  assert.is(hex(pelcoDMove(3, { pan: -1, tilt: -1, zoom: -1 })), 'ff0300543f3fd5');
  assert.is(hex(pelcoDMove(1, { pan: 0.01, tilt: 99, zoom: 0 })), 'ff01000a013f4b');
  assert.is(hex(pelcoDMove(1, { pan: Number.NaN, tilt: 0.001, zoom: 0 })), hex(pelcoDStop(1)));
});

test('addresses', () => {
  assert.equal([0, 1, 254, 255, 1.5, Number.NaN].map(isPelcoDAddress), [false, true, true, false, false, false]);
});

const byte = fc.nat(255);
const command = fc.record(
  { address: fc.integer({ min: 1, max: 254 }), command1: byte, command2: byte, data1: byte, data2: byte },
  { noNullPrototype: true },
);
const noise = fc.uint8Array({ maxLength: 40 });

/** Cuts bytes where a serial driver might: anywhere. */
function pushInPieces(decoder: PelcoDDecoder, bytes: Uint8Array, size: number): unknown[] {
  const found: unknown[] = [];
  for (let at = 0; at < bytes.length; at += size) found.push(...decoder.push(bytes.subarray(at, at + size)));
  return found;
}

test('every frame is read back, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 20 }), fc.integer({ min: 1, max: 20 }), (commands, size) => {
      const found = pushInPieces(new PelcoDDecoder(), Buffer.concat(commands.map(encodePelcoD)), size);
      assert.equal(found, commands);
    }),
  );
});

test('after any noise and six quiet bytes a frame is found', () => {
  fc.assert(
    fc.property(noise, command, fc.integer({ min: 1, max: 20 }), (before, wanted, size) => {
      const quiet = Buffer.alloc(PELCO_D_BYTES - 1);
      const found = pushInPieces(new PelcoDDecoder(), Buffer.concat([before, quiet, encodePelcoD(wanted)]), size);
      assert.equal(found.at(-1), wanted);
    }),
    { numRuns: 2000 },
  );
});

test('after noise without a sync byte a frame is found at once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(254), { maxLength: 40 }), command, (before, wanted) => {
      assert.equal(new PelcoDDecoder().push(Buffer.concat([Buffer.from(before), encodePelcoD(wanted)])), [wanted]);
    }),
  );
});

test('a wrong sum is no frame, and the true one behind it is', () => {
  const broken = pelcoDStop(1);
  broken[6] = 0x77;
  assert.equal(new PelcoDDecoder().push(Buffer.concat([broken, pelcoDPreset(2, 'goto', 9)])), [
    { address: 2, command1: 0, command2: 7, data1: 0, data2: 9 },
  ]);
});

test('bytes of a frame that was read are not read again as the start of another', () => {
  const first = { address: 1, command1: 0, command2: 2, data1: 0xff, data2: 0x20 };
  // From data1 of the first to command2 of the second, the bytes make a frame with a right sum.
  const second = { address: 5, command1: 0, command2: 0x46, data1: 0, data2: 0 };
  assert.equal(new PelcoDDecoder().push(Buffer.concat([first, second].map(encodePelcoD))), [first, second]);
});

test('a megabyte of noise costs little and keeps nothing', () => {
  const decoder = new PelcoDDecoder();
  for (let round = 0; round < 256; round += 1) decoder.push(Buffer.alloc(4096, 0xff));
  assert.equal(decoder.push(Buffer.concat([Buffer.alloc(6), pelcoDStop(4)])).at(-1)?.address, 4);
});

test.run();
