import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  encodeHikvision,
  HikvisionDecoder,
  hikvisionLens,
  hikvisionMove,
  hikvisionPreset,
  hikvisionStop,
} from '../../../../drivers/serial/hikvision.js';
import { encodePelcoD, PelcoDReplyReader, pelcoDGo, pelcoDPosition, pelcoDQuery, pelcoDStop } from '../../../../drivers/serial/pelco-d.js';
import {
  encodePelcoP,
  PelcoPDecoder,
  pelcoPAuxiliary,
  pelcoPLens,
  pelcoPMove,
  pelcoPPreset,
  pelcoPStop,
} from '../../../../drivers/serial/pelco-p.js';
import {
  encodeSamsungT,
  SamsungTDecoder,
  samsungTLens,
  samsungTMove,
  samsungTPreset,
  samsungTStop,
} from '../../../../drivers/serial/samsung-t.js';
import { TrafficReader } from '../../../../drivers/serial/traffic.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Buffer => Buffer.from(text, 'hex');

test('Pelco-P: frames equal those of independent encoders', () => {
  assert.is(hex(pelcoPStop(0)), 'a00000000000af0f');
  assert.is(hex(encodePelcoP({ address: 0, command1: 0, command2: 0x02, data1: 0x20, data2: 0 })), 'a00000022000af2d');
  assert.is(hex(pelcoPMove(0, { pan: 0.5, tilt: 0, zoom: 0 })), 'a00000022000af2d');
  assert.is(hex(pelcoPMove(0, { pan: 0, tilt: 0, zoom: 1 })), 'a00000200000af2f');
  assert.is(hex(pelcoPPreset(0, 'goto', 1)), 'a00000070001af09');
  // By the table of bits: focus near is bit 1 and iris open bit 2 of command 1, focus far bit 0.
  assert.equal(
    [2, 4, 1],
    (['focus-near', 'iris-open', 'focus-far'] as const).map((act) => pelcoPLens(0, act)[2]),
  );
  assert.is(pelcoPAuxiliary(3, 'on', 2)[3], 0x09);
  assert.is(hex(pelcoPMove(1, { pan: Number.NaN, tilt: 0, zoom: 0 })), hex(pelcoPStop(1)));
});

test('Pelco-D: questions, places and answers as the manuals print them', () => {
  assert.is(hex(pelcoDQuery(1, 'pan')), 'ff010051000052');
  assert.is(hex(pelcoDQuery(1, 'tilt')), 'ff010053000054');
  assert.is(hex(pelcoDQuery(1, 'zoom')), 'ff010055000056');
  assert.is(hex(pelcoDGo(2, 'pan', 0x1234)), hex(encodePelcoD({ address: 2, command1: 0, command2: 0x4b, data1: 0x12, data2: 0x34 })));
  const reply = { address: 1, command1: 0, command2: 0x5b, data1: 0x01, data2: 0x02 };
  assert.equal(pelcoDPosition(reply), { which: 'tilt', value: 258 });
  assert.is(pelcoDPosition({ ...reply, command2: 0x53 }), undefined);
});

test('Pelco-D: the general reply is known by the sum of what was sent, and our own echo is none', () => {
  const sent = pelcoDStop(1);
  assert.equal(new PelcoDReplyReader(sent).push(bytesOf('ff010001')), { kind: 'general', alarms: 0 });
  assert.equal(new PelcoDReplyReader(sent).push(bytesOf('00ff010506')), { kind: 'general', alarms: 5 });
  assert.is(new PelcoDReplyReader(sent).push(bytesOf('ff010507')), undefined);
  assert.is(new PelcoDReplyReader(sent).push(sent), undefined);
  // The first four bytes of this one look like a general reply to itself.
  const alike = encodePelcoD({ address: 1, command1: 0, command2: 0x07, data1: 0, data2: 0xff });
  assert.is(new PelcoDReplyReader(alike).push(alike), undefined);
  // The same for any frame, then an answer: the echo is passed over.
  const query = pelcoDQuery(1, 'pan');
  const reader = new PelcoDReplyReader(query);
  assert.is(reader.push(query), undefined);
  assert.is(reader.push(bytesOf('ff0100590')), undefined);
  assert.equal(reader.push(bytesOf('1234' + '8f')), undefined);
  const whole = encodePelcoD({ address: 1, command1: 0, command2: 0x59, data1: 0x12, data2: 0x34 });
  assert.equal(new PelcoDReplyReader(query).push(Buffer.concat([query, whole])), { kind: 'position', which: 'pan', value: 0x1234 });
  const other = encodePelcoD({ address: 9, command1: 0, command2: 0x59, data1: 0x12, data2: 0x34 });
  assert.is(new PelcoDReplyReader(query).push(other), undefined);
});

test('Samsung-T: the sum is the complement of bytes 2 to 9', () => {
  assert.is(hex(samsungTStop(1)), 'a00100000000000000affe');
  // 0x01 + 0x02 + 0x20 = 0x23, and its complement is 0xdc.
  assert.is(hex(samsungTMove(1, { pan: 0.5, tilt: 0, zoom: 0 })), 'a00100000220000000afdc');
  assert.is(samsungTMove(1, { pan: 0, tilt: 0, zoom: 1 })[7], 5);
});

test('Samsung-T: presets and the lens', () => {
  // 0x01 + 0x03 + 0x07 = 0x0b, and its complement is 0xf4.
  assert.is(hex(samsungTPreset(1, 'set', 7)), 'a00100000307000000aff4');
  assert.is(hex(samsungTPreset(1, 'goto', 7)), 'a00100000707000000aff0');
  // By the table of bits: focus near is bit 1 of command 1, brighter bit 4; the speed of the focus is data 3.
  assert.is(hex(samsungTLens(1, 'focus-near')), 'a00100020000004000afbc');
  assert.is(hex(samsungTLens(1, 'iris-open')), 'a00100100000000000afee');
});

test('Hikvision: commands and sums of the manual, in its eight fields', () => {
  assert.is(hex(hikvisionStop(1)), 'b5011400000000ca');
  assert.is(hex(hikvisionLens(1, 'focus-near')), 'b5011000000000c6');
  assert.is(hex(hikvisionLens(1, 'iris-close')), 'b5010e00000000c4');
  assert.is(hex(hikvisionPreset(1, 'goto', 1)), 'b5011701000000ce');
  assert.is(hex(hikvisionPreset(1, 'set', 1)), 'b5011501000000cc');
  assert.is(hex(hikvisionPreset(1, 'clear', 1)), 'b5011601000000cd');
  // Lower left at speed 24 hex each; behind a stop.
  const slow = 0x24 / 0x3f;
  assert.is(hex(hikvisionMove(1, { pan: -slow, tilt: -slow, zoom: 0 })), 'b5011400000000cab5010b2424000009');
  assert.is(hex(hikvisionMove(1, { pan: slow, tilt: -slow, zoom: 0 })), 'b5011400000000cab5010d242400000b');
  assert.is(hex(hikvisionMove(1, { pan: 0, tilt: 0, zoom: 1 })), 'b5011400000000cab5011300000000c9');
  assert.is(hex(hikvisionMove(1, { pan: 0, tilt: 0, zoom: -1 })), 'b5011400000000cab5011200000000c8');
  assert.is(hikvisionMove(1, { pan: 1, tilt: 0, zoom: 1 }).length, 24);
  assert.is(hex(hikvisionMove(1, { pan: Number.NaN, tilt: 0, zoom: 0 })), hex(hikvisionStop(1)));
});

const byte = fc.nat(255);
const noise = fc.uint8Array({ maxLength: 60 });
const pelcoP = fc.record({ address: fc.nat(31), command1: byte, command2: byte, data1: byte, data2: byte }, { noNullPrototype: true });
const hikvision = fc.record({ address: byte, command: byte, data: fc.tuple(byte, byte, byte, byte) }, { noNullPrototype: true });
const samsung = fc.record(
  { camera: byte, host: byte, command1: byte, command2: byte, data: fc.tuple(byte, byte, byte, byte) },
  { noNullPrototype: true },
);

function inPieces<T>(decoder: { push(bytes: Uint8Array): readonly T[] }, bytes: Uint8Array, size: number): T[] {
  const found: T[] = [];
  for (let at = 0; at < bytes.length; at += size) found.push(...decoder.push(bytes.subarray(at, at + size)));
  return found;
}

test('Pelco-P and Samsung-T: every frame is read back however it is cut, and found after any noise', () => {
  fc.assert(
    fc.property(
      fc.array(pelcoP, { maxLength: 6 }),
      fc.array(samsung, { maxLength: 6 }),
      noise,
      fc.integer({ min: 1, max: 20 }),
      (p, s, before, size) => {
        assert.equal(inPieces(new PelcoPDecoder(), Buffer.concat(p.map(encodePelcoP)), size), p);
        assert.equal(inPieces(new SamsungTDecoder(), Buffer.concat(s.map(encodeSamsungT)), size), s);
        const quiet = Buffer.alloc(10);
        const last = p.at(-1);
        if (last !== undefined) {
          const found = inPieces(new PelcoPDecoder(), Buffer.concat([before, quiet, encodePelcoP(last)]), size);
          assert.equal(found.at(-1), last);
        }
        const lastT = s.at(-1);
        if (lastT !== undefined) {
          assert.equal(inPieces(new SamsungTDecoder(), Buffer.concat([before, quiet, encodeSamsungT(lastT)]), size).at(-1), lastT);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('Hikvision: every frame is read back however it is cut, and found after any noise', () => {
  fc.assert(
    fc.property(fc.array(hikvision, { maxLength: 6 }), noise, fc.integer({ min: 1, max: 20 }), (frames, before, size) => {
      assert.equal(inPieces(new HikvisionDecoder(), Buffer.concat(frames.map(encodeHikvision)), size), frames);
      const last = frames.at(-1);
      if (last === undefined) return;
      const stream = Buffer.concat([before, Buffer.alloc(8), encodeHikvision(last)]);
      assert.equal(inPieces(new HikvisionDecoder(), stream, size).at(-1), last);
    }),
    { numRuns: 200 },
  );
});

test('what goes over a line is told as it means', () => {
  const reader = new TrafficReader(() => 7);
  const say = (direction: 'in' | 'out', text: string): string => reader.read(direction, bytesOf(text))[0]?.meaning ?? '';
  assert.is(say('out', 'ff01000a20103b'), 'Pelco-D 1: right, up (pan speed 32, tilt speed 16)');
  assert.is(say('out', 'ff010000000001'), 'Pelco-D 1: stop');
  assert.is(say('out', 'ff010100000002'), 'Pelco-D 1: focus near (pan speed 0, tilt speed 0)');
  assert.is(say('out', 'ff010007000109'), 'Pelco-D 1: go to preset 1');
  assert.is(say('in', 'ff010059123461')?.startsWith('Pelco-D'), false);
  assert.is(say('in', hex(encodePelcoD({ address: 1, command1: 0, command2: 0x59, data1: 1, data2: 0 }))), 'Pelco-D 1: pan is 256');
  assert.is(say('out', 'a00000070001af09'), 'Pelco-P 0: go to preset 1');
  assert.is(say('out', 'a00100000220000000afdc'), 'Samsung-T 1: right (pan speed 32, tilt speed 0)');
  assert.is(say('out', '8101040702ff'), 'VISCA 1: zoom 02');
  assert.is(say('in', '9041ff9051ff'), 'VISCA 1: taken, socket 1; VISCA 1: done, socket 1');
  assert.is(say('in', '906003ff'), 'VISCA 1: refuses, full');
  assert.is(say('in', '883003ff'), 'VISCA 2 numbered, or the question for it');
  assert.is(say('in', Buffer.from('(231.0 0\r').toString('hex')), 'text "(231.0 0\\r"');
  assert.is(say('in', '0102'), '');
  assert.is(say('out', 'b5010b2424000009'), 'Hikvision 1: left down (pan speed 36, tilt speed 36)');
  assert.is(say('out', 'b5011701000000ce'), 'Hikvision 1: go to preset 1');
  // A port of its own for each: another language's bytes before it are noise, and end with the next line.
  const line = (text: string): string => new TrafficReader(() => 7).read('in', Buffer.from(text, 'latin1')).at(-1)?.meaning ?? '';
  assert.is(line('5011 181234E13001015\u0014'), 'Contact-ID 1234: burglary (130), new, partition 01, zone 015');
  assert.is(line('1011           @\u0014'), 'Contact-ID sign of life');
  assert.is(say('out', Buffer.from('Q1\r').toString('hex')), 'Megatec asks how the power is');
  const power = '(000.0 000.0 230.1 021 50.0 11.4 25.0 11001000\r';
  assert.is(line(power), 'Megatec on battery, battery low, mains 0 V, battery 11.4 V, load 21 %');
  assert.is(line('$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n'), 'NMEA 48.11730, 11.51667, 8 satellites');
  assert.is(line('Card 4111 1111 1111 1111\n'), 'text "Card 4111 **** **** ****\\n"');
  // A card that comes in pieces, in text or between sequences of the printer, is not told either, in no form.
  const till = new TrafficReader(() => 7);
  const pieces = ['Card 41111', '1111-1', '11', '11', '11\n', '\u001b@ 4111 1111', ' 1111 1111\u001bm'];
  const told = pieces.flatMap((text) => till.read('in', Buffer.from(text)));
  const asText = told.map((one) => (one.hex === '' ? one.meaning : Buffer.from(one.hex, 'hex').toString()));
  assert.equal(asText, ['text "Card 4111*"', 'text "****-*"', '**', '**', 'text "**\\n"', '\u001b@ 4111 ****', ' **** ****\u001bm']);
});

const pairs = (text: string): readonly string[] => text.match(/../g) ?? [];

test('any bytes at all are told without a throw, in pieces that fit a line', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const told = new TrafficReader(() => 0).read('in', bytes);
      let at = 0;
      for (const one of told) {
        const whole = hex(bytes.subarray(at, at + 64));
        assert.ok(
          one.hex === '' ? one.meaning !== '' : pairs(one.hex).every((pair, place) => pair === '2a' || pair === pairs(whole)[place]),
        );
        assert.is(one.hex === '' || one.hex.length === whole.length, true);
        at += 64;
      }
    }),
    { numRuns: 200 },
  );
});

test.run();
