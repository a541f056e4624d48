import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createPelcoReader, type PelcoInput } from '../../peers/pelco-frames.js';

const one = (hex: string): PelcoInput | undefined => createPelcoReader()(Buffer.from(hex, 'hex'))[0];

test('the published frames mean what their manuals say', () => {
  const still = { pan: 0, tilt: 0, zoom: 0, focus: undefined, iris: undefined, panSpeed: 0, tiltSpeed: 0 } as const;
  const motion = (hex: string, rest: object) => assert.equal(one(hex), { address: 1, hex, kind: 'motion', ...still, ...rest }, hex);
  motion('ff010000000001', {});
  motion('ff010002200023', { pan: 1, panSpeed: 32 });
  motion('ff010004200025', { pan: -1, panSpeed: 32 });
  motion('ff010008001019', { tilt: 1, tiltSpeed: 16 });
  motion('ff01000a20103b', { pan: 1, tilt: 1, panSpeed: 32, tiltSpeed: 16 });
  motion('ff010020000021', { zoom: 1 });
  motion('ff010100000002', { focus: 'near' });
  motion('ff010200000003', { iris: 'open' });
  assert.equal(one('ff010003000105'), { address: 1, hex: 'ff010003000105', kind: 'set-preset', preset: 1 });
  assert.equal(one('ff010005000107'), { address: 1, hex: 'ff010005000107', kind: 'clear-preset', preset: 1 });
  assert.equal(one('ff010007000109'), { address: 1, hex: 'ff010007000109', kind: 'goto-preset', preset: 1 });
  assert.equal(one('ff01000900010b'), { address: 1, hex: 'ff01000900010b', kind: 'auxiliary', number: 1, isOn: true });
});

test('a query of the pan position is answered as published', () => {
  const query = one('ff010051000052');
  assert.ok(query?.kind === 'query');
  assert.equal([query.what, Buffer.from(query.reply).toString('hex')], ['pan', 'ff01005900005a']);
});

test('frames are found in any pieces and after noise; a wrong checksum is noise', () => {
  const bytes = Buffer.from('00ffff010002200023ff010002200024ff010000000001', 'hex');
  const read = createPelcoReader();
  const found = [...bytes].flatMap((byte) => read(Uint8Array.of(byte)));
  assert.equal(
    found.filter((input) => input.kind !== 'noise').map((input) => input.hex),
    ['ff010002200023', 'ff010000000001'],
  );
  assert.is(
    found.reduce((sum, input) => sum + (input.kind === 'noise' ? input.bytes.length : 7), 0),
    bytes.length,
  );
});

test.run();
