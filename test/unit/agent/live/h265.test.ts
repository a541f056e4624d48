/** H.265 through the gate: what is seen in a payload, how it is cut, and that a viewer’s first picture is whole. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MediaGate } from '../../../../agent/live/gate.js';
import { H265 } from '../../../../agent/live/h265.js';
import { NAL_IDR, NAL_PPS, NAL_SPS, NAL_VPS, NO_SETS } from '../../../../agent/live/nal-syntax.js';
import { cameraPacket, VirtualClock } from './live-rig.js';

const nal = (type: number, ...rest: readonly number[]): number[] => [type << 1, 1, ...rest];
const [VPS, SPS, PPS] = [nal(32, 7, 7), nal(33, 8, 8), nal(34, 9)];
const IDR = nal(19, 0x80, 1, 2, 3);
const SLICE = nal(1, 0x80, 4);
const sized = (unit: readonly number[]): number[] => [unit.length >> 8, unit.length & 0xff, ...unit];
const bitsOf = (payload: readonly number[]): number => H265.inspect(Uint8Array.from(payload), 0, payload.length);

test('what a payload holds: single units, aggregation packets, first fragments; nothing of broken ones', () => {
  assert.equal([VPS, SPS, PPS, IDR, nal(21, 1), nal(16, 1), SLICE].map(bitsOf), [NAL_VPS, NAL_SPS, NAL_PPS, NAL_IDR, NAL_IDR, NAL_IDR, 0]);
  const aggregate = [...nal(48), ...sized(VPS), ...sized(SPS), ...sized(PPS)];
  assert.is(bitsOf(aggregate), NAL_VPS | NAL_SPS | NAL_PPS);
  assert.is(bitsOf([...nal(49), 0x80 | 19, 1]), NAL_IDR);
  assert.is(bitsOf([...nal(49), 19, 1]), 0, 'a later fragment begins nothing');
  for (let cut = 0; cut <= aggregate.length; cut += 1) bitsOf(aggregate.slice(0, cut));
  assert.equal([bitsOf([]), bitsOf([0x26]), bitsOf([...nal(48), 0, 1, 2])], [0, 0, 0]);
  const sets = H265.readSets(Uint8Array.from(aggregate), 0, aggregate.length, NO_SETS);
  assert.equal(
    [sets.vps, sets.sps, sets.pps].map((set) => [...(set ?? [])]),
    [VPS, SPS, PPS],
  );
});

/** Puts pieces together again as a receiver does (RFC 7798 4.4.3). */
function joined(bytes: Uint8Array, limit: number): number[] {
  const pieces = H265.cut(bytes, 0, bytes.length, limit);
  const out: number[] = [];
  pieces.forEach((piece, index) => {
    assert.ok(piece.head.length + piece.to - piece.from <= limit);
    const [first = 0, second = 0, fu = 0] = piece.head;
    assert.is(first >> 1, 49);
    assert.equal([(fu & 0x80) !== 0, (fu & 0x40) !== 0], [index === 0, index === pieces.length - 1]);
    if (index === 0) out.push((first & 0x81) | ((fu & 0x3f) << 1), second);
    out.push(...bytes.subarray(piece.from, piece.to));
  });
  return out;
}

test('what is too large is cut into fragments that give the unit back; fragments are cut again', () => {
  const large = Uint8Array.from([...nal(19), ...Array.from({ length: 5_000 }, (_, index) => index & 0xff)]);
  assert.equal(joined(large, 1_400), [...large]);
  const fragment = Uint8Array.from([...nal(49), 0x80 | 19, ...Array.from({ length: 3_000 }, () => 5)]);
  const again = H265.cut(fragment, 0, fragment.length, 1_400);
  assert.equal(
    again.map((piece) => piece.head[2]),
    [0x80 | 19, 19, 19],
    'the end bit stays with the fragment that had it',
  );
});

test('through the gate: parameter sets of the description stand before the first picture', () => {
  const clock = new VirtualClock();
  const never = (): void => undefined;
  const rules = { clock, mayWatch: () => true, deadlineAt: 1e9, onRefused: never, onFirstPicture: never };
  const gate = new MediaGate({ ...rules, codec: 'H265', firstSequence: 5, firstTimestamp: 9 });
  gate.arm();
  const push = (...packets: readonly Buffer[]): void => {
    for (const packet of packets) gate.push(packet, 0, packet.length);
  };
  push(cameraPacket(1, 1, SLICE, true), cameraPacket(2, 2, IDR, true), cameraPacket(3, 3, SLICE, true));
  gate.describe([VPS, SPS, PPS].map((set) => Uint8Array.from(set)));
  const sent: number[] = [];
  gate.connect({ ssrc: 1, payloadType: 49, send: (packet) => sent.push((packet[12] ?? 0) >> 1) > 0 });
  assert.equal(sent, [32, 33, 34, 19, 1]);
  push(cameraPacket(4, 4, [...nal(48), ...sized(VPS), ...sized(SPS), ...sized(PPS)]), cameraPacket(5, 4, IDR, true));
  assert.equal(sent.splice(0), [32, 33, 34, 19, 1, 48, 19]);
});

test.run();
