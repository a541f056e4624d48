/** What a viewer's RTCP is read as, and what is sent again for it. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { KEPT_PACKETS, Resends } from '../../../../drivers/webrtc/resends.js';
import { type Feedback, readFeedback } from '../../../../drivers/webrtc/rtcp.js';

const OURS = 0x12d687;
const read = (hex: string, ssrc = OURS): Feedback => readFeedback(Uint8Array.from(Buffer.from(hex, 'hex')), ssrc);
const PLI = '81ce0002a28762a40012d687';
const FIR = '84ce0004a28762a4000000000012d68701000000';
/** One block: 0x40/256 lost. */
const REPORT = '81c90007a28762a40012d687400000000000fff400000095d3e370210000a24d';
/** 0xfffe, and of the 16 behind it 0xffff (bit 0) and 0x0000 (bit 1), 0x000e (bit 15). */
const NACK = '81cd0003a28762a40012d687fffe8003';
/** 2 000 000 bits/s for our stream. */
const REMB = '8fce0005a28762a40000000052454d42010fd0900012d687';

test('PLI and FIR for our SSRC, also inside a compound', () => {
  assert.is(read(PLI).wantsPicture, true);
  assert.is(read(REPORT + FIR).wantsPicture, true);
  assert.is(read(PLI, 1).wantsPicture, false);
  assert.is(read(REPORT).wantsPicture, false);
  for (let cut = 0; cut < (REPORT + PLI).length; cut += 2) assert.is(read((REPORT + PLI).slice(0, cut)).wantsPicture, false);
});

test('reports, numbers asked for again and the estimate of the line', () => {
  const all = read(REPORT + NACK + REMB);
  assert.is(all.loss, 0.25);
  assert.equal(all.missing, [0xfffe, 0xffff, 0x0000, 0x000e]);
  assert.is(all.estimateBps, 2_000_000);
  assert.equal(read(REPORT + NACK, 7), { wantsPicture: false, missing: [], loss: undefined, estimateBps: undefined });
});

test('no bytes from outside throw or hang', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(REPORT, NACK, REMB, FIR), fc.nat(200), (noise, hex, at) => {
      const packet = Uint8Array.from(Buffer.from(hex, 'hex'));
      if (at < packet.length) packet.set(noise.subarray(0, packet.length - at), at);
      assert.ok(readFeedback(packet, OURS).missing.length <= 17 * 30);
      readFeedback(noise, OURS);
    }),
    { numRuns: 1_000 },
  );
});

function packet(number: number, bytes = 1_000): Buffer {
  const made = Buffer.alloc(bytes, number & 0xff);
  made.writeUInt16BE(number & 0xffff, 2);
  return made;
}

function rig(count: number, bytes = 1_000) {
  const resends = new Resends();
  for (let number = 0; number < count; number += 1) resends.keep(packet(number, bytes));
  const out: number[] = [];
  const ask = (missing: readonly number[], nowMs: number): number[] => {
    out.length = 0;
    resends.answer(missing, nowMs, (again) => {
      assert.equal(again, packet(again.readUInt16BE(2), bytes), 'byte for byte');
      out.push(again.readUInt16BE(2));
      return true;
    });
    return [...out];
  };
  return { resends, ask };
}

test('what is kept goes out again as it was; what is not kept, never was, or is on its way does not', () => {
  const { ask } = rig(KEPT_PACKETS + 10);
  assert.equal(ask([9, 10, KEPT_PACKETS + 9, KEPT_PACKETS + 10], 0), [10, KEPT_PACKETS + 9]);
  assert.equal(ask([10], 14), []);
  assert.equal(ask([10], 15), [10]);
  assert.equal(ask([10, 10, 10], 40), [10]);
  assert.equal(new Array(20).fill(0).flatMap((_, index) => ask([11], 100 * index)).length, 10, 'ten times at most');
});

test('numbers wrap: packet 65535 and 0 are both kept', () => {
  const resends = new Resends();
  for (let number = 65_500; number < 65_600; number += 1) resends.keep(packet(number));
  const got: number[] = [];
  resends.answer([65_535, 0, 63], 0, (again) => got.push(again.readUInt16BE(2)) > 0);
  assert.equal(got, [65_535, 0, 63]);
});

test('resends are capped at a quarter of what is sent, whatever a viewer asks for', () => {
  const { resends, ask } = rig(KEPT_PACKETS);
  let bytes = 0;
  for (let number = KEPT_PACKETS; number < 20_000; number += 1) {
    resends.keep(packet(number));
    bytes +=
      1_000 *
      ask(
        Array.from({ length: 17 }, (_, back) => (number - back) & 0xffff),
        number * 4,
      ).length;
  }
  const sent = 20_000 * 1_000;
  assert.ok(bytes > 0.2 * sent && bytes <= 0.25 * sent + 131_072, `${bytes} of ${sent}`);
});

test('a no of the gate stops the resends at once and costs no credit', () => {
  const { resends } = rig(100);
  let asked = 0;
  resends.answer([1, 2, 3], 0, () => {
    asked += 1;
    return false;
  });
  assert.is(asked, 1);
});

test('the share of packets that were missed counts each once', () => {
  const { resends, ask } = rig(100);
  for (let round = 0; round < 5; round += 1) ask([3, 4, 5, 6, 7], round * 50);
  assert.is(resends.takeAskedShare(), 0.05);
  assert.is(resends.takeAskedShare(), 0);
});

test.run();
