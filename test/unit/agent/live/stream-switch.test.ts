/** From one stream of a camera to the other in a running session: at an intra picture, without a gap, and only while it is permitted. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { StreamWish } from '../../../../agent/live/ports.js';
import { DriverError } from '../../../../drivers/port.js';
import { cameraPacket, IDR, LiveRig, PPS, SLICE, SPS, settle } from './live-rig.js';

const sequenceOf = (packet: Buffer): number => packet.readUInt16BE(2);
const timestampOf = (packet: Buffer): number => packet.readUInt32BE(4);
const typeOf = (packet: Buffer): number => (packet[12] ?? 0) & 0x1f;

/** A session that plays; `feed(n, ...)` hands packets to the n-th pull. */
async function playing(stream: StreamWish) {
  const rig = new LiveRig();
  const opened = await rig.service.open({ ticket: { channelId: 'cam-1', viewerId: 'dana', proof: undefined }, offerSdp: 'offer', stream });
  await settle();
  const peer = rig.peers[0];
  if (peer === undefined) throw new RangeError('no viewer');
  peer.request.onConnected();
  const feed = (pull: number, ...packets: readonly Buffer[]): void => {
    for (const packet of packets) rig.pulls[pull]?.request.onRtp(packet, 0, packet.length);
  };
  feed(0, cameraPacket(1, 1_000, SPS), cameraPacket(2, 1_000, PPS), cameraPacket(3, 1_000, IDR, true));
  rig.clock.advance(40);
  feed(0, cameraPacket(4, 4_600, SLICE, true));
  const sent = (): Buffer[] => peer.sent.splice(0);
  return { rig, peer, feed, sent, opened };
}

test('the viewer chooses: the old stream plays until the new one’s intra picture, numbers and times go on', async () => {
  const { rig, feed, sent, opened } = await playing('sub');
  assert.is(opened.stream, 'sub');
  const last = sent().at(-1) as Buffer;
  const chosen = rig.service.choose(opened.sessionId, 'main');
  await settle();
  assert.is(rig.pulls.length, 2);
  feed(1, cameraPacket(700, 90_000, SLICE, true), cameraPacket(701, 93_600, SPS), cameraPacket(702, 93_600, PPS));
  rig.clock.advance(40);
  feed(0, cameraPacket(5, 8_200, SLICE, true));
  const old = sent();
  assert.equal(old.map(typeOf), [1], 'only the old stream so far');
  rig.clock.advance(40);
  feed(1, cameraPacket(703, 93_600, IDR, true));
  assert.equal(sent().map(typeOf), [7, 8, 5], 'the whole intra picture, in the tick of its packet');
  assert.is(await chosen, 'main');
  feed(0, cameraPacket(6, 11_800, SLICE, true));
  assert.equal(sent(), [], 'nothing of the old stream any more');
  await settle();
  assert.equal(
    rig.pulls.map((pull) => pull.isClosed),
    [true, false],
  );
  rig.clock.advance(40);
  feed(1, cameraPacket(704, 97_200, SLICE, true));
  const [next] = sent() as [Buffer];
  assert.is(sequenceOf(next), (sequenceOf(last) + 5) & 0xffff, 'no gap in the numbers');
  assert.is((timestampOf(next) - timestampOf(last)) >>> 0, 3 * 3_600, 'the time that went by');
  assert.is(rig.service.sessions()[0]?.stream, 'main');
  await rig.service.stop();
  assert.ok(rig.pulls.every((pull) => pull.isClosed));
});

test('withdrawn in the very tick of the change: not one packet of the new stream, and the session is over', async () => {
  const { rig, feed, sent, opened } = await playing('sub');
  const chosen = rig.service.choose(opened.sessionId, 'main').catch((error: { code: string }) => error.code);
  await settle();
  sent();
  rig.verdict = { ok: false, code: 'permission.withdrawn', say: 'Withdrawn.', fix: 'Ask.' };
  feed(1, cameraPacket(1, 1, SPS), cameraPacket(2, 1, PPS), cameraPacket(3, 1, IDR, true));
  assert.equal(sent(), []);
  assert.is(await chosen, 'live.ended');
  await settle();
  assert.equal(rig.service.sessions(), []);
  assert.ok(rig.pulls.every((pull) => pull.isClosed));
});

test('a stream that does not open, is of another codec, or shows no intra picture: the old one plays on', async () => {
  const { rig, feed, sent, opened } = await playing('sub');
  const outcome = (): Promise<string> => rig.service.choose(opened.sessionId, 'main').catch((error: { code: string }) => error.code);
  rig.beforeStream = async () => {
    throw new DriverError('camera.timeout', 'silent');
  };
  assert.is(await outcome(), 'live.camera_unavailable');
  rig.beforeStream = async () => undefined;
  const waiting = outcome();
  await settle();
  rig.clock.advance(12_001);
  assert.is(await waiting, 'live.camera_unavailable');
  sent();
  feed(0, cameraPacket(5, 8_200, SLICE, true));
  assert.equal(sent().map(typeOf), [1]);
  assert.is(rig.service.sessions()[0]?.stream, 'sub');
  await rig.service.stop();
});

test('left to itself a session begins small, grows on a good line and shrinks on a bad one', async () => {
  const { rig, peer, feed, opened } = await playing('auto');
  assert.is(opened.stream, 'sub');
  const report = async (loss: number, seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      rig.clock.advance(1_000);
      peer.request.onReport?.({ loss, estimateBps: undefined });
    }
    await settle();
  };
  await report(0, 4);
  assert.is(rig.pulls.length, 2, 'the large stream is opened beside the small one');
  feed(1, cameraPacket(1, 1, SPS), cameraPacket(2, 1, PPS), cameraPacket(3, 1, IDR, true));
  assert.is(rig.service.sessions()[0]?.stream, 'main');
  await report(0.2, 5);
  assert.is(rig.pulls.length, 3);
  feed(2, cameraPacket(1, 1, SPS), cameraPacket(2, 1, PPS), cameraPacket(3, 1, IDR, true));
  assert.is(rig.service.sessions()[0]?.stream, 'sub');
  await rig.service.stop();
});

test('who chose a stream keeps it, however the line is', async () => {
  const { rig, peer } = await playing('main');
  for (let second = 0; second < 60; second += 1) {
    rig.clock.advance(1_000);
    peer.request.onReport?.({ loss: 0.4, estimateBps: 1_000 });
    await settle();
  }
  assert.is(rig.pulls.length, 1);
  assert.is(await rig.service.choose('no such session', 'sub').catch((error: { code: string }) => error.code), 'live.no_such_session');
  await rig.service.stop();
});

test.run();
