import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  readVisca,
  VISCA_ADDRESS_SET,
  VISCA_CLEAR,
  ViscaDecoder,
  viscaCancel,
  viscaDrive,
  viscaFocus,
  viscaHome,
  viscaInquiry,
  viscaMemory,
  viscaNumber,
  viscaPosition,
  viscaZoom,
  viscaZoomTo,
} from '../../../../drivers/serial/visca.js';
import { decodeViscaIp, encodeViscaIp, readControlReply, type ViscaIpType } from '../../../../drivers/serial/visca-ip.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Buffer => Buffer.from(text, 'hex');
const read = (text: string) => readVisca(bytesOf(text));

test('commands equal those of the published lists', () => {
  assert.is(hex(viscaFocus(1, 'auto')), '8101043802ff');
  assert.is(hex(viscaInquiry(1, 'focus')), '81090438ff');
  assert.is(hex(VISCA_ADDRESS_SET), '883001ff');
  assert.is(hex(VISCA_CLEAR), '88010001ff');
  assert.is(hex(viscaCancel(1, 2)), '8122ff');
  assert.is(hex(viscaDrive(1, { pan: 0, tilt: 1 })), '8101060101140301ff');
  assert.is(hex(viscaDrive(1, { pan: -1, tilt: -1 })), '8101060118140102ff');
  assert.is(hex(viscaDrive(2, { pan: 0.5, tilt: 0 })), '820106010c010203ff');
  assert.is(hex(viscaDrive(1, { pan: Number.NaN, tilt: 0 })), '8101060101010303ff');
  assert.equal(
    [1, -1, 0, 0.5].map((speed) => hex(viscaZoom(1, speed))),
    ['8101040727ff', '8101040737ff', '8101040700ff', '8101040724ff'],
  );
  assert.is(hex(viscaMemory(1, 'goto', 1)), '8101043f0201ff');
  assert.is(hex(viscaHome(7)), '87010604ff');
  assert.is(hex(viscaZoomTo(1, 1)), '8101044704000000ff');
  assert.is(hex(viscaPosition(1, 'absolute', { pan: -1, tilt: 0x123 })), '8101060218140f0f0f0f00010203ff');
  assert.is(hex(viscaInquiry(1, 'zoom')), '81090447ff');
});

test('answers mean what the lists say', () => {
  assert.equal(read('9041ff'), { kind: 'ack', camera: 1, socket: 1 });
  assert.equal(read('a052ff'), { kind: 'done', camera: 2, socket: 2 });
  assert.equal(read('905002ff'), { kind: 'answer', camera: 1, data: Uint8Array.of(2) });
  const reasons = {
    '906002ff': 'syntax',
    '906003ff': 'full',
    '906104ff': 'cancelled',
    '906205ff': 'no-socket',
    '906141ff': 'not-executable',
  };
  for (const [text, reason] of Object.entries(reasons)) {
    const message = read(text);
    assert.is(message.kind === 'refused' && message.reason, reason, text);
  }
  assert.equal(read('883004ff'), { kind: 'address-set', next: 4 });
  assert.equal(read('88010001ff'), { kind: 'clear' });
  assert.equal(read('a038ff'), { kind: 'network-change', camera: 2 });
  assert.equal(read('8121ff'), { kind: 'cancel', camera: 1, socket: 1 });
  assert.is(read('80ff').kind, 'other');
  assert.is(read(`81${'00'.repeat(20)}ff`).kind, 'other');
  assert.is(viscaNumber(bytesOf('0f0f0f0f'), 0), -1);
  assert.is(viscaNumber(bytesOf('04000000'), 0), 0x4000);
  assert.is(viscaNumber(bytesOf('0400'), 0), undefined);
});

test('after noise, after a lost end and in pieces, messages are found', () => {
  const all = (text: string): string[] => new ViscaDecoder().push(bytesOf(text)).map(hex);
  assert.equal(all('9041ff9051ff'), ['9041ff', '9051ff']);
  assert.equal(all('000102ff9041ff'), ['9041ff']);
  // The end of the first one got lost.
  assert.equal(all('90419051ff'), ['9051ff']);
  assert.equal(all('9050029041ff'), ['9041ff']);
  assert.equal(all(`${'55'.repeat(40)}9041ff`), ['9041ff']);
  assert.equal(all('ffffff9041ff'), ['9041ff']);
});

const camera = fc.integer({ min: 1, max: 7 });
const message = fc
  .oneof(
    fc.tuple(camera, fc.constantFrom(0x41, 0x42, 0x51, 0x52, 0x38)).map(([one, what]) => [0x80 + one * 16, what]),
    fc.tuple(camera, fc.uint8Array({ minLength: 1, maxLength: 13, max: 0x7f })).map(([one, data]) => [0x80 + one * 16, 0x50, ...data]),
    fc.tuple(camera, fc.uint8Array({ minLength: 1, maxLength: 13, max: 0x7f })).map(([one, data]) => [0x80 + one, 0x01, ...data]),
  )
  .map((bytes) => Uint8Array.from([...(bytes[0] === 0x80 + 8 * 16 ? [0xf0, ...bytes.slice(1)] : bytes), 0xff]));

test('fast-check: any bytes never throw, and any message is found after any noise, however it is cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), message, fc.integer({ min: 1, max: 9 }), (noise, wanted, size) => {
      const decoder = new ViscaDecoder();
      const found: Uint8Array[] = [];
      const stream = Buffer.concat([noise, wanted]);
      for (let at = 0; at < stream.length; at += size) found.push(...decoder.push(stream.subarray(at, at + size)));
      for (const one of found) readVisca(one);
      assert.is(hex(found.at(-1) ?? Buffer.alloc(0)), hex(wanted));
    }),
    { numRuns: 1000 },
  );
});

test('over the network: a header of eight bytes, and any datagram is read without a throw', () => {
  const sent = encodeViscaIp({ type: 'inquiry', sequence: 0x01020304, payload: viscaInquiry(1, 'zoom') });
  assert.is(hex(sent), '011000050102030481090447ff');
  assert.is(hex(encodeViscaIp({ type: 'control', sequence: 0, payload: Uint8Array.of(1) })), '020000010000000001');
  assert.equal(
    [readControlReply(bytesOf('01')), readControlReply(bytesOf('0f01')), readControlReply(bytesOf('0f02'))],
    ['reset', 'bad-sequence', 'bad-message'],
  );
  const types: ViscaIpType[] = ['command', 'inquiry', 'reply', 'device-setting', 'control', 'control-reply'];
  const payload = fc.uint8Array({ minLength: 1, maxLength: 16 });
  fc.assert(
    fc.property(
      fc.constantFrom(...types),
      fc.integer({ min: 0, max: 0xffffffff }),
      payload,
      fc.uint8Array({ maxLength: 30 }),
      (type, sequence, data, noise) => {
        assert.equal(decodeViscaIp(encodeViscaIp({ type, sequence, payload: data })), { type, sequence, payload: data });
        decodeViscaIp(Buffer.from(noise));
        assert.is(decodeViscaIp(encodeViscaIp({ type, sequence, payload: data }).subarray(0, 8)), undefined);
      },
    ),
    { numRuns: 300 },
  );
});

test.run();
