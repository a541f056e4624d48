import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Framer } from '../../../../drivers/rtsp/framing.js';
import { rtp } from '../../../peers/rtsp-fake.js';

const ANSWER = Buffer.from('RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 5\r\n\r\nhello');
const REQUEST = Buffer.from('OPTIONS rtsp://a/b RTSP/1.0\nCSeq: 9\n\n');

function record(): { framer: Framer; seen: string[] } {
  const seen: string[] = [];
  const framer = new Framer({
    onPacket: (channel, buffer, start, end) => seen.push(`${channel}:${buffer.toString('hex', start, end)}`),
    onMessage: (message) => seen.push(`${message.kind === 'response' ? message.status : message.method} ${Buffer.from(message.body)}`),
    onBroken: (reason) => seen.push(`broken: ${reason}`),
  });
  return { framer, seen };
}

/** Pushes pieces through one shared buffer that is overwritten after each, as the connection does. */
function run(pieces: readonly Buffer[], prepare: (framer: Framer) => void = () => {}): { framer: Framer; seen: string[] } {
  const { framer, seen } = record();
  prepare(framer);
  const shared = Buffer.alloc(200_000);
  for (const piece of pieces) {
    piece.copy(shared, 7);
    framer.push(shared, 7, 7 + piece.length);
    shared.fill(0x24);
  }
  return { framer, seen };
}

const hex = (frame: Buffer): string => `${frame[1]}:${frame.toString('hex', 4)}`;

const UNITS = [ANSWER, rtp(0, 1, 50), rtp(1, 2, 20), Buffer.from('\r\n'), REQUEST, rtp(0, 3, 3000), rtp(0, 4, 0), ANSWER, rtp(0, 5, 60)];
const EXPECTED = [
  '200 hello',
  hex(rtp(0, 1, 50)),
  hex(rtp(1, 2, 20)),
  'OPTIONS ',
  hex(rtp(0, 3, 3000)),
  hex(rtp(0, 4, 0)),
  '200 hello',
  hex(rtp(0, 5, 60)),
];

test('one read, one byte at a time, and cut in two at every place give the same', () => {
  const whole = Buffer.concat(UNITS);
  assert.equal(run([whole]).seen, EXPECTED);
  assert.equal(run([...whole].map((byte) => Buffer.from([byte]))).seen, EXPECTED);
  for (let cut = 0; cut <= whole.length; cut++) {
    const { seen, framer } = run([whole.subarray(0, cut), whole.subarray(cut)]);
    assert.equal(seen, EXPECTED, `cut at ${cut}`);
    assert.is(framer.lossCount, 0);
  }
});

test('a carry that grew for a large packet still gives the right bytes, and packets of 65535 bytes pass', () => {
  const frames = [rtp(0, 1, 65_523), rtp(0, 2, 10), rtp(0, 3, 65_523)];
  const whole = Buffer.concat(frames);
  for (const size of [1400, 1448, 65_536]) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < whole.length; at += size) pieces.push(whole.subarray(at, at + size));
    assert.equal(run(pieces).seen, frames.map(hex));
  }
});

test('after garbage and after a packet cut short it finds the next packet', () => {
  const garbage = Buffer.concat([Buffer.from([0, 1, 0x24, 9, 9, 9, 0x24, 0, 255, 255, 0, 0, 0x52, 0x54]), Buffer.alloc(100, 0x7f)]);
  const { seen, framer } = run([Buffer.concat([rtp(0, 1, 40), garbage, rtp(0, 2, 40), garbage, ANSWER, rtp(0, 3, 40)])]);
  assert.equal(seen, [hex(rtp(0, 1, 40)), hex(rtp(0, 2, 40)), '200 hello', hex(rtp(0, 3, 40))]);
  assert.is(framer.lossCount, 2);
  assert.is(framer.skippedBytes, 2 * garbage.length);

  // The camera lost the second half of a packet: what it announced swallows the next one, the one after is found again.
  const cut = rtp(0, 4, 1000).subarray(0, 500);
  const after = run([Buffer.concat([cut, rtp(0, 5, 1200), rtp(0, 6, 300), rtp(0, 7, 300)])], (it) =>
    Object.assign(it, { payloadType: 96 }),
  );
  assert.equal(after.seen.slice(1), [hex(rtp(0, 6, 300)), hex(rtp(0, 7, 300))]);
});

test('resynchronizing works at every cut, too', () => {
  const whole = Buffer.concat([
    rtp(0, 1, 30),
    Buffer.from('\x00RTSX$\x05\x00garbage RTSP/'),
    rtp(0, 2, 30),
    Buffer.from([3]),
    ANSWER,
    rtp(0, 3, 30),
  ]);
  for (let cut = 0; cut <= whole.length; cut++) {
    assert.equal(
      run([whole.subarray(0, cut), whole.subarray(cut)]).seen,
      [hex(rtp(0, 1, 30)), hex(rtp(0, 2, 30)), '200 hello', hex(rtp(0, 3, 30))],
      `cut at ${cut}`,
    );
  }
});

test('packets of channels nobody asked for, empty and tiny ones are passed over', () => {
  const empty = Buffer.from([0x24, 1, 0, 0]);
  const tiny = Buffer.from([0x24, 0, 0, 4, 0xce, 0xfa, 0xed, 0xfe]);
  const { seen, framer } = run([Buffer.concat([rtp(2, 1, 30), empty, rtp(3, 1, 9), tiny, rtp(0, 2, 30)])]);
  assert.equal(seen, [hex(rtp(0, 2, 30))]);
  assert.is(framer.lossCount, 0);
});

test('a line of white space inside a head does not end it', () => {
  const odd = Buffer.from('RTSP/1.0 200 OK\r\nCSeq: 6\r\nSession: 82\r\n \r\nRTP-Info: url=x\r\n\r\n');
  const { seen, framer } = run([Buffer.concat([odd, rtp(0, 1, 20)])]);
  assert.equal(seen, ['200 ', hex(rtp(0, 1, 20))]);
  assert.is(framer.lossCount, 0);
});

test('too large a body and endless garbage end it, once, and nothing comes after', () => {
  const large = run([Buffer.from('RTSP/1.0 200 OK\r\nContent-Length: 65537\r\n\r\n'), rtp(0, 1, 20)]);
  assert.equal(large.seen, ['broken: a message is larger than any camera needs']);
  const noise = Array.from({ length: 12 }, () => Buffer.alloc(100_000, 0x11));
  assert.equal(run([...noise, rtp(0, 1, 20)]).seen, ['broken: no packet could be found in what it sends']);
  const endless = run([
    Buffer.from('RTSP/1.0 200 OK\r\n'),
    ...Array.from({ length: 10 }, () => Buffer.from(`X: ${'y'.repeat(2000)}\r\n`)),
    rtp(0, 1, 20),
  ]);
  assert.equal(endless.seen, [hex(rtp(0, 1, 20))]);
});

test('stopping inside a handler hands out nothing more of the same read', () => {
  let count = 0;
  const framer: Framer = new Framer({
    onPacket: () => {
      count += 1;
      framer.stop();
    },
    onMessage: () => {},
    onBroken: () => {},
  });
  const two = Buffer.concat([rtp(0, 1, 20), rtp(0, 2, 20)]);
  framer.push(two, 0, two.length);
  framer.push(two, 0, two.length);
  assert.is(count, 1);
});

test('any bytes in any pieces: no throw, packets stay inside their bounds, cutting changes nothing', () => {
  const unit = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...UNITS) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('$', '$\x00\x00', 'RTSP/1.0 ', 'RTSP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n', '\r\n\r\n', 'GET / RTSP')
        .map((text) => Buffer.from(text, 'latin1')),
    },
  );
  const input = fc.record({
    units: fc.array(unit, { maxLength: 20 }),
    sizes: fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 10 }),
  });
  fc.assert(
    fc.property(input, ({ units, sizes }) => {
      const whole = Buffer.concat(units);
      const pieces: Buffer[] = [];
      for (let at = 0, turn = 0; at < whole.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        pieces.push(whole.subarray(at, at + size));
        at += size;
      }
      assert.equal(run(pieces).seen, run([whole]).seen);
    }),
    { numRuns: 1500 },
  );
});

test.run();
