/** Replayed packets: pictures are put together within bounds, however small their parts are. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { H265Pictures } from '../../../../drivers/ffmpeg/h265-pictures.js';
import type { VideoTrack } from '../../../../drivers/port.js';
import { type ReplayedPicture, ReplayPictures } from '../../../../drivers/rtsp/replay-pictures.js';

const TRACK = { codec: 'H264', payloadType: 96, clockRate: 90_000, parameterSets: [] } as unknown as VideoTrack;

/** RTP with the time of the replay in its header extension. */
function packet(sequence: number, timestamp: number, isMarked: boolean, payload: Buffer): Buffer {
  const head = Buffer.alloc(28);
  head.set([0x90, isMarked ? 0xe0 : 0x60]);
  head.writeUInt16BE(sequence & 0xffff, 2);
  head.writeUInt32BE(timestamp, 4);
  head.writeUInt16BE(0xabac, 12);
  head.writeUInt16BE(3, 14);
  head.writeUInt32BE(3_976_214_400, 16);
  return Buffer.concat([head, payload]);
}

const stapA = (count: number, unit: Buffer): Buffer => {
  const one = Buffer.concat([Buffer.from([unit.length >> 8, unit.length & 0xff]), unit]);
  return Buffer.concat([Buffer.from([24]), ...Array.from({ length: count }, () => one)]);
};

/** What comes of these payloads as one picture, and of an ordinary one behind it. */
function replayed(payloads: readonly Buffer[]): readonly number[] {
  const taken: ReplayedPicture[] = [];
  const pictures = new ReplayPictures(TRACK, (picture) => taken.push(picture));
  const all = [...payloads.map((payload) => packet(0, 1, false, payload)), packet(0, 2, true, Buffer.from([0x65, 1, 2]))];
  all.forEach((bytes, index) => {
    bytes.writeUInt16BE(index & 0xffff, 2);
    pictures.push(bytes, 0, bytes.length);
  });
  return taken.map(({ nals }) => nals.length);
}

test('a picture of tiny units, of empty ones or of endless fragments is left out, and the next one comes', () => {
  const slice = Buffer.from([0x65, 1, 2]);
  assert.equal(replayed([stapA(1_024, slice)]), [1_024, 1]);
  assert.equal(replayed([stapA(1_025, slice)]), [1]);
  assert.equal(replayed([stapA(600, slice), stapA(600, slice)]), [1]);
  assert.equal(replayed([stapA(10, Buffer.alloc(0)), slice]), [1]);
  const fragments = (count: number): Buffer[] => [
    Buffer.from([0x7c, 0x85, 1]),
    ...Array.from({ length: count }, () => Buffer.from([0x7c, 0x05, 1])),
    Buffer.from([0x7c, 0x45, 1]),
  ];
  assert.equal(replayed(fragments(1_000)), [1, 1]);
  assert.equal(replayed(fragments(16_400)), [1]);
});

test('the same of H.265 on its way to the decoder', () => {
  const seen: number[] = [];
  const pictures = new H265Pictures([], (annexB) => seen.push(annexB.length));
  const unit = Buffer.from([0, 3, 19 << 1, 1, 7]);
  const aggregate = (count: number): Buffer => Buffer.concat([Buffer.from([48 << 1, 1]), ...Array.from({ length: count }, () => unit)]);
  [1_025, 1_024].forEach((count, index) => {
    const bytes = packet(index, index, true, aggregate(count));
    pictures.push(bytes, 0, bytes.length);
  });
  assert.equal(seen, [1_024 * 7 + 7]);
  const fragment = (head: number): Buffer => Buffer.from([49 << 1, 1, head, 7]);
  const heads = [0x80 | 19, ...Array.from({ length: 16_400 }, () => 19), 0x40 | 19];
  heads.forEach((head, index) => {
    const bytes = packet(2 + index, 9, index === heads.length - 1, fragment(head));
    pictures.push(bytes, 0, bytes.length);
  });
  assert.is(seen.length, 1);
});

test.run();
