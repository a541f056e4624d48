import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { duration } from '../../../../agent/cameras/durations.js';
import { beginsPicture } from '../../../../agent/cameras/keyframe.js';

/** An RTP packet with `csrcs` contributing sources and an extension of `words` words. */
function rtp(payload: readonly number[], csrcs = 0, words?: number): Buffer {
  const head = Buffer.alloc(12 + 4 * csrcs);
  head[0] = 0x80 | csrcs | (words === undefined ? 0 : 0x10);
  const extension = words === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0xbe, 0xde, 0, words]), Buffer.alloc(4 * words)]);
  return Buffer.concat([head, extension, Buffer.from(payload)]);
}

const CASES: readonly [what: string, codec: 'H264' | 'H265', payload: readonly number[], isKey: boolean][] = [
  ['H.264 IDR', 'H264', [0x65, 0x88], true],
  ['H.264 slice', 'H264', [0x41, 0x9a], false],
  ['H.264 STAP-A with SPS, PPS and IDR', 'H264', [0x78, 0, 2, 0x67, 1, 0, 1, 0x68, 0, 2, 0x65, 0x88], true],
  ['H.264 STAP-A with parameter sets only', 'H264', [0x78, 0, 2, 0x67, 1, 0, 1, 0x68], false],
  ['H.264 FU-A of an IDR', 'H264', [0x7c, 0x85, 0x88], true],
  ['H.264 FU-A of a slice', 'H264', [0x7c, 0x81, 0x9a], false],
  ['H.265 IDR_W_RADL', 'H265', [19 << 1, 1, 0], true],
  ['H.265 CRA', 'H265', [21 << 1, 1, 0], true],
  ['H.265 trailing picture', 'H265', [1 << 1, 1, 0], false],
  ['H.265 aggregate with VPS and IDR', 'H265', [48 << 1, 1, 0, 2, 32 << 1, 1, 0, 2, 19 << 1, 1], true],
  ['H.265 fragment of an IDR', 'H265', [49 << 1, 1, 0x80 | 19, 0], true],
  ['H.265 fragment of a trailing picture', 'H265', [49 << 1, 1, 0x80 | 1, 0], false],
  ['nothing', 'H264', [], false],
];

test('a whole picture is seen where it begins, whatever stands before the payload', () => {
  for (const [what, codec, payload, isKey] of CASES) {
    for (const packet of [rtp(payload), rtp(payload, 2), rtp(payload, 0, 3)]) {
      assert.is(beginsPicture(codec, packet, 0, packet.length), isKey, what);
      const shifted = Buffer.concat([Buffer.from([0x65, 0x65, 0x65]), packet]);
      assert.is(beginsPicture(codec, shifted, 3, shifted.length), isKey, `${what}, inside a larger buffer`);
    }
  }
});

test('no truncation of any packet throws or reads a picture into what is cut off', () => {
  for (const [what, codec, payload, isKey] of CASES) {
    const packet = rtp(payload, 1, 1);
    for (let end = 0; end < packet.length; end += 1) {
      const seen = beginsPicture(codec, packet.subarray(0, end), 0, end);
      assert.ok(isKey || !seen, `${what} cut to ${end}`);
    }
  }
});

test('durations as people say them', () => {
  const said = [0, 240, 12_345, 100_000, 180_000, 7_200_000, 86_400_000 * 180].map(duration);
  assert.equal(said, ['0 s', '0.2 s', '12 s', '100 s', '3 minutes', '2 hours', '180 days']);
});

test.run();
