import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makePacketJoiner } from '../../../../../scripts/portal/client/packet-joiner.js';

const packet = (length: number): number[] => {
  const header = length < 128 ? [0x30, length] : [0x30, (length & 127) | 128, length >> 7];
  return [...header, ...Array.from({ length }, (_unused, at) => at & 255)];
};

test('packets come out whole, however the stream was cut', () => {
  const packets = [packet(0), packet(3), packet(200), packet(1), packet(0)];
  const stream = packets.flat();
  for (let size = 1; size <= stream.length; size += 1) {
    const join = makePacketJoiner();
    const seen: number[][] = [];
    for (let at = 0; at < stream.length; at += size) {
      for (const whole of join(Uint8Array.from(stream.slice(at, at + size)))) seen.push([...whole]);
    }
    assert.equal(seen, packets, `pieces of ${size}`);
  }
});

test('a length that cannot be is handed on at once', () => {
  assert.is(makePacketJoiner()(Uint8Array.from([0x30, 255, 255, 255, 255, 1]))[0]?.length, 6);
});

test.run();
