import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Reception } from '../../../../drivers/rtsp/rtcp.js';
import { rtp } from '../../../peers/rtsp-fake.js';

/** Feeds sequence numbers, one each 40 ms of both clocks. */
function feed(reception: Reception, sequences: readonly number[], source = 7): void {
  for (const [index, sequence] of sequences.entries()) reception.note(rtp(0, sequence, 10, source), 4, index * 40);
}

const report = (reception: Reception, nowMs = 0): Buffer => reception.report(1, 0x01020304, nowMs) ?? Buffer.alloc(0);

test('nothing is reported before anything came', () => {
  assert.is(new Reception(90_000).report(1, 1, 0), undefined);
});

test('a whole stream: no loss, extended sequence over the wrap, and a well-formed frame', () => {
  const reception = new Reception(90_000);
  feed(reception, [65_533, 65_534, 65_535, 0, 1]);
  const frame = report(reception);
  assert.is(frame.length, 4 + 52);
  assert.is(frame.toString('hex', 0, 8), '2401003481c90007');
  assert.is(frame.readUInt32BE(8), 0x01020304);
  assert.is(frame.readUInt32BE(12), 7);
  assert.is(frame.readUInt32BE(16), 0, 'fraction and total lost');
  assert.is(frame.readUInt32BE(20), 0x1_0001);
  assert.is(frame.readUInt32BE(28), 0, 'no sender report yet');
  assert.is(frame.toString('hex', 36, 40), '81ca0004');
  assert.is(frame.toString('latin1', 46, 55), 'sightline');
});

test('loss: in total and as a fraction since the report before; late packets are no new cycle', () => {
  const reception = new Reception(90_000);
  feed(reception, [10, 11, 12, 15, 14, 17]);
  const first = report(reception);
  assert.is(first.readUInt32BE(16), ((Math.floor((2 * 256) / 8) << 24) | 2) >>> 0);
  assert.is(first.readUInt32BE(20), 17);
  feed(reception, [18, 19]);
  assert.is(report(reception).readUInt32BE(16), 2, 'nothing lost since, two in total');
});

test('steady arrival has no jitter, uneven arrival has', () => {
  const steady = new Reception(90_000);
  feed(steady, [0, 1, 2, 3, 4, 5]);
  assert.is(report(steady).readUInt32BE(24), 0);
  const uneven = new Reception(90_000);
  for (const [index, atMs] of [0, 70, 80, 150].entries()) uneven.note(rtp(0, index, 10), 4, atMs);
  assert.ok(report(uneven).readUInt32BE(24) > 100);
});

test('a sender report is echoed with its age; another source starts over', () => {
  const reception = new Reception(90_000);
  feed(reception, [1, 2]);
  const sender = Buffer.alloc(28);
  sender.set([0x80, 200, 0, 6]);
  sender.writeUInt32BE(7, 4);
  sender.writeUInt32BE(0xaabb_ccdd, 10);
  reception.noteRtcp(sender, 0, 28, 1000);
  const frame = report(reception, 3500);
  assert.is(frame.readUInt32BE(28), 0xaabb_ccdd);
  assert.is(frame.readUInt32BE(32), 2.5 * 65_536);
  reception.noteRtcp(sender, 0, 8, 1000);
  feed(reception, [500], 99);
  const other = report(reception, 4000);
  assert.is(other.readUInt32BE(12), 99);
  assert.is(other.readUInt32BE(16), 0);
  assert.is(other.readUInt32BE(28), 0);
});

test.run();
