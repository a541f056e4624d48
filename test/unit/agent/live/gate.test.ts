import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MediaGate } from '../../../../agent/live/gate.js';
import { cameraPacket, IDR, PPS, SLICE, SPS } from './live-rig.js';

function rig(options: { holdLimitBytes?: number; deadlineAt?: number; maxPacketBytes?: number } = {}) {
  const sent: Buffer[] = [];
  const state = { now: 0, isAllowed: true, asked: 0, refused: [] as string[], firsts: 0 };
  const gate = new MediaGate({
    clock: { monotonicMs: () => state.now },
    mayWatch: () => {
      state.asked += 1;
      return state.isAllowed;
    },
    deadlineAt: 1_000_000,
    onRefused: (why) => state.refused.push(why),
    onFirstPicture: () => {
      state.firsts += 1;
    },
    firstSequence: 65_534,
    firstTimestamp: 0xffff_ff00,
    ...options,
  });
  const connect = (): void => gate.connect({ ssrc: 7, payloadType: 102, send: (packet) => sent.push(Buffer.from(packet)) > 0 });
  const push = (...packets: readonly Buffer[]): void => {
    // Inside a larger buffer, as the stream client hands it over.
    for (const packet of packets) gate.push(Buffer.concat([Buffer.alloc(5, 0xff), packet, Buffer.alloc(5, 0xff)]), 5, 5 + packet.length);
  };
  return { gate, sent, state, connect, push, types: () => sent.map((packet) => (packet[12] ?? 0) & 0x1f) };
}

test('what came before the intra picture is never sent; what was held since it goes out at once when the viewer is there', () => {
  const { gate, push, connect, sent, types, state } = rig();
  gate.arm();
  push(cameraPacket(1, 100, SLICE, true), cameraPacket(2, 200, SPS), cameraPacket(3, 200, PPS), cameraPacket(4, 200, IDR, true));
  push(cameraPacket(5, 300, SLICE, true));
  assert.is(gate.state, 'holding');
  assert.is(sent.length, 0);
  connect();
  assert.is(gate.state, 'sending');
  assert.equal(types(), [7, 8, 5, 1]);
  assert.is(state.firsts, 1);
  push(cameraPacket(6, 400, SLICE, true));
  assert.equal(types(), [7, 8, 5, 1, 1]);
  assert.is(gate.packets, 5);
  assert.is(
    gate.bytes,
    sent.reduce((sum, packet) => sum + packet.length, 0),
  );
});

test('a later intra picture replaces what was held', () => {
  const { gate, push, connect, types, sent } = rig();
  gate.arm();
  push(cameraPacket(1, 100, SPS), cameraPacket(2, 100, PPS), cameraPacket(3, 100, IDR, true), cameraPacket(4, 200, SLICE, true));
  push(cameraPacket(5, 300, SPS), cameraPacket(6, 300, PPS), cameraPacket(7, 300, IDR), cameraPacket(8, 300, IDR, true));
  connect();
  assert.equal(types(), [7, 8, 5, 5]);
  assert.equal(new Set(sent.map((packet) => packet.readUInt32BE(4))).size, 1);
});

test('with the viewer first, the picture that turns out to be intra goes out whole', () => {
  const { gate, push, connect, types } = rig();
  gate.arm();
  connect();
  assert.is(gate.state, 'waiting');
  push(cameraPacket(1, 100, SLICE, true), cameraPacket(2, 200, SPS), cameraPacket(3, 200, PPS));
  assert.equal(types(), []);
  push(cameraPacket(4, 200, IDR, true));
  assert.equal(types(), [7, 8, 5]);
});

test('numbers and times: our SSRC and payload type, sequence and timestamp wrap, loss of the camera stays visible', () => {
  const { gate, push, connect, sent, state } = rig();
  gate.arm();
  connect();
  gate.describe([SPS, PPS]);
  push(cameraPacket(65_535, 1_000, IDR, true));
  state.now = 40;
  push(cameraPacket(0, 4_600, SLICE, true));
  state.now = 80;
  push(cameraPacket(3, 8_200, SLICE, true));
  push(cameraPacket(3, 8_200, SLICE, true), cameraPacket(2, 4_600, SLICE, true)); // twice and late: dropped
  assert.equal(
    sent.map((packet) => packet.readUInt16BE(2)),
    [65_534, 65_535, 0, 1, 4],
  );
  assert.equal(
    sent.map((packet) => packet.readUInt32BE(4)),
    [0xffff_ff00, 0xffff_ff00, 0xffff_ff00, 3_344, 6_944],
  );
  assert.ok(sent.every((packet) => packet.readUInt32BE(8) === 7 && ((packet[1] ?? 0) & 0x7f) === 102 && packet[0] === 0x80));
  assert.equal(
    sent.map((packet) => (packet[1] ?? 0) >> 7),
    [0, 0, 1, 1, 1],
  );
});

test('a source that jumps in number and time goes on smoothly for the viewer', () => {
  const { gate, push, connect, sent, state } = rig();
  gate.arm();
  connect();
  push(cameraPacket(1, 1_000, SPS), cameraPacket(2, 1_000, PPS), cameraPacket(3, 1_000, IDR, true));
  state.now = 40;
  push(cameraPacket(30_000, 3_000_000_000, SLICE, true));
  assert.is(sent[3]?.readUInt16BE(2), 1);
  assert.is(((sent[3]?.readUInt32BE(4) ?? 0) - 0xffff_ff00) >>> 0, 3_600);
});

test('parameter sets are put in front of every intra picture that lacks them; ones seen in the stream win', () => {
  const { gate, push, connect, sent, types } = rig();
  const newer = Uint8Array.from([0x67, 9, 9, 9]);
  gate.arm();
  connect();
  gate.describe([SPS, PPS]);
  push(cameraPacket(1, 100, [0x78, 0, newer.length, ...newer], true)); // a STAP-A of its own, before the picture
  push(cameraPacket(2, 200, IDR, true), cameraPacket(3, 300, SLICE, true), cameraPacket(4, 400, IDR, true));
  assert.equal(types(), [7, 8, 5, 1, 7, 8, 5]);
  assert.equal(Uint8Array.from(sent[0]?.subarray(12) ?? []), newer);
});

test('payloads that are too large are cut into FU-A fragments which give the same NAL unit again', () => {
  const { gate, push, connect, sent } = rig({ maxPacketBytes: 100 });
  const nal = Buffer.from([0x65, ...Array.from({ length: 399 }, (_, index) => index & 0xff)]);
  gate.arm();
  connect();
  gate.describe([SPS, PPS]);
  push(cameraPacket(1, 100, nal, true));
  const pieces = sent.slice(2);
  assert.ok(pieces.every((packet) => packet.length <= 100));
  assert.equal(
    pieces.map((packet) => (packet[13] ?? 0) >> 6),
    [2, 0, 0, 0, 1],
  );
  assert.equal(
    pieces.map((packet) => (packet[1] ?? 0) >> 7),
    [0, 0, 0, 0, 1],
  );
  const head = ((pieces[0]?.[12] ?? 0) & 0xe0) | ((pieces[0]?.[13] ?? 0) & 0x1f);
  assert.equal(Buffer.concat([Buffer.from([head]), ...pieces.map((packet) => packet.subarray(14))]), nal);
  // A fragment of the camera's own that is too large: start and end stay at the outer pieces.
  sent.length = 0;
  push(
    cameraPacket(2, 100, [0x7c, 0x85, ...Array.from({ length: 150 }, () => 1)]),
    cameraPacket(3, 100, [0x7c, 0x45, ...Array.from({ length: 150 }, () => 2)], true),
  );
  assert.equal(
    sent.map((packet) => (packet[13] ?? 0) >> 6),
    [2, 0, 0, 1],
  );
});

test('too much to hold: the gate forgets and takes the next intra picture', () => {
  const { gate, push, connect, types } = rig({ holdLimitBytes: 4_000 });
  gate.arm();
  push(cameraPacket(1, 100, SPS), cameraPacket(2, 100, PPS), cameraPacket(3, 100, IDR, true));
  for (let index = 0; index < 10; index += 1)
    push(cameraPacket(4 + index, 200 + index, [0x41, ...Array.from({ length: 900 }, () => 1)], true));
  assert.is(gate.state, 'armed');
  connect();
  assert.is(gate.state, 'waiting');
  push(cameraPacket(20, 900, SPS), cameraPacket(21, 900, PPS), cameraPacket(22, 900, IDR, true));
  assert.equal(types(), [7, 8, 5]);
});

test('the authorizer is asked when arming, before a flush and at every picture, and its no ends the gate for good', () => {
  const { gate, push, connect, sent, state } = rig();
  gate.arm();
  connect();
  push(cameraPacket(1, 100, SPS), cameraPacket(2, 100, PPS), cameraPacket(3, 100, IDR, true));
  const asked = state.asked;
  push(cameraPacket(4, 200, SLICE), cameraPacket(5, 200, SLICE), cameraPacket(6, 200, SLICE, true));
  assert.is(state.asked, asked + 1);
  state.isAllowed = false;
  push(cameraPacket(7, 300, SLICE, true));
  state.isAllowed = true;
  push(cameraPacket(8, 400, SPS), cameraPacket(9, 400, PPS), cameraPacket(10, 400, IDR, true));
  assert.is(sent.length, 6);
  assert.equal(state.refused, ['withdrawn']);
  assert.is(gate.arm(), false);
});

test('the time is over in the middle of a picture: not one packet more, whatever timers do', () => {
  const { gate, push, connect, sent, state } = rig({ deadlineAt: 500 });
  gate.arm();
  connect();
  push(cameraPacket(1, 100, SPS), cameraPacket(2, 100, PPS), cameraPacket(3, 100, IDR));
  state.now = 500;
  push(cameraPacket(4, 100, IDR, true));
  assert.is(sent.length, 3);
  assert.equal(state.refused, ['expired']);
});

test('padding, extensions and contributing sources are left behind; broken packets are ignored', () => {
  const { gate, push, connect, sent } = rig();
  gate.arm();
  connect();
  gate.describe([SPS, PPS]);
  const packet = Buffer.concat([
    Buffer.from([0xb1, 0xe0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 5, 0xab, 0xac, 0, 1, 1, 2, 3, 4]),
    Buffer.from(IDR),
    Buffer.from([0, 0, 3]),
  ]);
  for (let cut = 0; cut < packet.length; cut += 1) push(packet.subarray(0, cut));
  push(Buffer.alloc(40), Buffer.alloc(12, 0x80), packet);
  assert.equal([...(sent.at(-1)?.subarray(12) ?? [])], IDR);
});

test.run();
