import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { frameBytes, MAX_PAYLOAD_BYTES, packetize, rtpTime, senderReport } from '../../../peers/onvif-camera/rtp.js';

const bytes = (length: number, first: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index === 0 ? first : index & 255));
const sets = { sps: bytes(20, 0x67), pps: bytes(5, 0x68) };

/** Puts NAL units together again, as a receiver does. */
function reassemble(payloads: readonly Uint8Array[]): Uint8Array[] {
  const nals: Uint8Array[] = [];
  let open: number[] = [];
  for (const payload of payloads) {
    const type = (payload[0] ?? 0) & 31;
    if (type === 24) {
      for (let at = 1; at < payload.length; ) {
        const size = ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
        nals.push(payload.subarray(at + 2, at + 2 + size));
        at += 2 + size;
      }
    } else if (type === 28) {
      const fu = payload[1] ?? 0;
      if ((fu & 0x80) !== 0) open = [((payload[0] ?? 0) & 0xe0) | (fu & 31)];
      open.push(...payload.subarray(2));
      if ((fu & 0x40) !== 0) nals.push(Uint8Array.from(open));
    } else nals.push(payload);
  }
  return nals;
}

test('an IDR is sent with its parameter sets, large units in pieces, and comes together again', () => {
  for (const size of [1, 1399, 1400, 1401, 1398 * 2 + 1, 1398 * 2 + 2, 100_000]) {
    const idr = bytes(size, 0x65);
    const payloads = packetize(sets, { isIdr: true, nals: [idr] });
    assert.equal(reassemble(payloads), [sets.sps, sets.pps, idr], `${size} bytes`);
    assert.ok(payloads.every((payload) => payload.length <= MAX_PAYLOAD_BYTES));
    assert.equal(reassemble(packetize(sets, { isIdr: false, nals: [idr] })), [idr]);
  }
});

test('the wire bytes carry channel, length, rising sequence over the wrap, one marker at the end', () => {
  const payloads = packetize(sets, { isIdr: true, nals: [bytes(3000, 0x65)] });
  const wire = frameBytes(payloads, { channel: 4, ssrc: 0xfedcba98, sequence: 65_534, timestamp: 4_294_967_295 });
  const seen: unknown[] = [];
  for (let at = 0; at < wire.length; ) {
    assert.equal([wire[at], wire[at + 1]], [0x24, 4]);
    const length = wire.readUInt16BE(at + 2);
    assert.is(wire.readUInt32BE(at + 8), 4_294_967_295);
    assert.is(wire.readUInt32BE(at + 12), 0xfedcba98);
    seen.push([wire.readUInt16BE(at + 6), (wire[at + 5] ?? 0) >> 7]);
    at += 4 + length;
    if (at === wire.length) assert.is((wire[at - length + 1] ?? 0) & 127, 96);
  }
  assert.equal(seen, [
    [65_534, 0],
    [65_535, 0],
    [0, 0],
    [1, 1],
  ]);
});

test('a sender report binds NTP and RTP time', () => {
  const report = senderReport({ channel: 1, ssrc: 7, atMs: 1500, timestamp: rtpTime(1500), packets: 3, octets: 99 });
  assert.is(report.readUInt16BE(2), report.length - 4);
  assert.equal([...report.subarray(4, 8)], [0x80, 200, 0, 6]);
  assert.is(report.readUInt32BE(12), 2_208_988_801);
  assert.is(report.readUInt32BE(16), 0x80000000);
  assert.is(report.readUInt32BE(20), 135_000);
  assert.equal([report.readUInt32BE(24), report.readUInt32BE(28)], [3, 99]);
  assert.equal([...report.subarray(32, 34)], [0x81, 202]);
  assert.is((report.readUInt16BE(34) + 1) * 4, report.length - 32);
});

test.run();
