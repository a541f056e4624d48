/** One pull per camera and stream, shared by its viewers: each with its own gate, and none at the cost of another. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LiveEvent, WatchTicket, WatchVerdict } from '../../../../agent/live/ports.js';
import { DriverError } from '../../../../drivers/port.js';
import { cameraPacket, IDR, LiveRig, PPS, SLICE, SPS, settle } from './live-rig.js';

const NO: WatchVerdict = { ok: false, code: 'permission.withdrawn', say: 'Withdrawn.', fix: 'Ask.' };

/** A camera that many may watch at once; `refused` holds the viewers whose permission is gone. */
function crowd(): { rig: LiveRig; refused: Set<string> } {
  const refused = new Set<string>();
  const mayWatch = (ticket: WatchTicket): WatchVerdict => (refused.has(ticket.viewerId) ? NO : { ok: true });
  return { rig: new LiveRig({ mayWatch, limits: { maxSessions: 16 } }), refused };
}

async function join(rig: LiveRig, viewerId: string): Promise<void> {
  await rig.open(viewerId);
  await settle();
  rig.peers.at(-1)?.request.onConnected();
}

/** A whole intra picture, or a picture of one slice, of the camera's numbers `at`. */
const intra = (at: number): readonly Buffer[] => [
  cameraPacket(at, at * 3600, SPS),
  cameraPacket(at + 1, at * 3600, PPS),
  cameraPacket(at + 2, at * 3600, IDR, true),
];
const slice = (at: number): Buffer => cameraPacket(at, at * 3600, SLICE, true);
const sent = (rig: LiveRig): readonly number[] => rig.peers.map((peer) => peer.sent.length);
const typesOf = (rig: LiveRig, index: number): readonly number[] =>
  (rig.peers[index]?.sent ?? []).map((packet) => (packet[12] ?? 0) & 0x1f);
const endedOf = (rig: LiveRig): readonly Extract<LiveEvent, { kind: 'ended' }>[] =>
  rig.events.flatMap((event) => (event.kind === 'ended' ? [event] : []));

/** A camera that cannot be asked for an intra picture. */
function deafen(rig: LiveRig): void {
  if (rig.camera === undefined) return;
  const synchronize = async (): Promise<void> => {
    throw new DriverError('camera.unsupported', 'no');
  };
  rig.camera = { ...rig.camera, synchronize };
}

test('16 viewers of one camera: one pull, each its own numbers and bytes; it ends with the last of them', async () => {
  const { rig } = crowd();
  for (let index = 0; index < 16; index += 1) await join(rig, `v${index}`);
  rig.push(...intra(1), slice(4));
  assert.is(rig.pulls.length, 1);
  assert.equal(sent(rig), Array(16).fill(4));
  assert.is(new Set(rig.peers.map((peer) => peer.sent[0]?.readUInt16BE(2))).size > 8, true, 'numbering is each viewer’s own');
  for (let index = 1; index <= 16; index += 1) {
    assert.is(rig.pulls[0]?.isClosed, false);
    const receipt = rig.service.end(`s${index}`, 'closed_by_viewer');
    assert.is(receipt?.packets, 4);
    assert.is(
      receipt?.bytes,
      rig.peers[index - 1]?.sent.reduce((sum, packet) => sum + packet.length, 0),
    );
  }
  await settle();
  assert.is(rig.pulls[0]?.isClosed, true);
  assert.is(rig.clock.armed, 0);
});

test('the second viewer begins with an intra picture, asked for at once or as soon as the camera may be asked again', async () => {
  const { rig } = crowd();
  await join(rig, 'a');
  rig.push(...intra(1));
  assert.is(rig.synchronized.length, 1);
  rig.clock.advance(300);
  await join(rig, 'b');
  rig.push(slice(4), slice(5));
  assert.equal(sent(rig), [5, 0]);
  assert.is(rig.synchronized.length, 1, 'not twice in a second');
  rig.clock.advance(700);
  assert.is(rig.synchronized.length, 2);
  rig.push(...intra(6), slice(9));
  assert.equal(typesOf(rig, 1), [7, 8, 5, 1]);
  rig.clock.advance(5_000);
  assert.is(rig.synchronized.length, 2, 'nobody waits: nothing is asked');
  await join(rig, 'c');
  assert.is(rig.synchronized.length, 3, 'later it is asked at once');
  await rig.service.stop();
});

test('a withdrawn viewer gets nothing from the tick on; the others go on, whichever way it is withdrawn', async () => {
  for (const way of ['end', 'truth'] as const) {
    const { rig, refused } = crowd();
    for (const viewer of ['a', 'b', 'c']) await join(rig, viewer);
    rig.push(...intra(1));
    refused.add('b');
    if (way === 'end') rig.service.endMatching((session) => session.viewerId === 'b', 'withdrawn');
    rig.push(slice(4), slice(5));
    assert.equal(sent(rig), [5, 3, 5], way);
    assert.is(rig.peers[1]?.sentAfterClose, 0);
    assert.equal(
      endedOf(rig).map((event) => [event.session.viewerId, event.code, event.receipt.lastMediaMs]),
      [['b', 'live.withdrawn', 0]],
    );
    assert.is(rig.pulls[0]?.isClosed, false);
    await rig.service.stop();
    assert.is(rig.pulls[0]?.isClosed, true);
  }
});

test('withdrawn inside the sending of another viewer’s packet: not one packet more', async () => {
  const { rig, refused } = crowd();
  for (const viewer of ['a', 'b']) await join(rig, viewer);
  rig.push(...intra(1));
  // The first viewer's transport is where another's withdrawal may strike in the middle of a packet's way.
  const [first] = rig.peers;
  if (first !== undefined)
    first.sent.push = (...packets: Buffer[]): number => {
      refused.add('b');
      rig.service.endMatching((session) => session.viewerId === 'b', 'withdrawn');
      return packets.length;
    };
  rig.push(slice(4));
  assert.is(rig.peers[1]?.sent.length, 3);
  assert.is(rig.peers[1]?.sentAfterClose, 0);
  await rig.service.stop();
});

test('the camera fails: every viewer learns it once, and one that opens again gets a new pull', async () => {
  const { rig } = crowd();
  for (const viewer of ['a', 'b']) await join(rig, viewer);
  rig.pulls[0]?.request.onEnd(new DriverError('stream.ended', 'gone'));
  assert.equal(
    endedOf(rig).map((event) => event.code),
    ['live.camera_gone', 'live.camera_gone'],
  );
  rig.clock.advance(3_000);
  await join(rig, 'a');
  assert.is(rig.pulls.length, 2);
  rig.push(...intra(1));
  assert.is(rig.peers.at(-1)?.sent.length, 3);
  await rig.service.stop();
  assert.is(rig.clock.armed, 0);
});

test('the first viewer leaves while the stream is only opening: the second gets it all the same', async () => {
  const { rig } = crowd();
  let go: () => void = () => undefined;
  rig.beforeStream = () =>
    new Promise((resolve) => {
      go = resolve;
    });
  await join(rig, 'a');
  await join(rig, 'b');
  rig.service.end('s1', 'closed_by_viewer');
  go();
  await settle();
  rig.push(...intra(1));
  assert.is(rig.pulls.length, 1);
  assert.equal(sent(rig), [0, 3]);
  await rig.service.stop();
  assert.is(rig.pulls[0]?.isClosed, true);
});

test('a camera that cannot be asked but begins with an intra picture: its stream is begun again for a second viewer, rarely', async () => {
  const { rig } = crowd();
  deafen(rig);
  await join(rig, 'a');
  rig.push(...intra(1));
  rig.clock.advance(1_000);
  await join(rig, 'b');
  assert.is(rig.pulls.length, 1);
  rig.push(slice(4));
  rig.clock.advance(4_000);
  await settle();
  assert.equal([rig.pulls.length, rig.pulls[0]?.isClosed], [2, true]);
  // The new stream's numbers look like late ones of the old. Of it nothing goes to anybody before its intra picture; numbers and times of the first viewer go on.
  rig.push(slice(65_400));
  assert.equal(sent(rig), [4, 0]);
  rig.push(...intra(65_401), slice(65_404));
  assert.equal(sent(rig), [8, 4]);
  const numbers = rig.peers[0]?.sent.map((packet) => packet.readUInt16BE(2)) ?? [];
  assert.ok(numbers.every((number, index) => index === 0 || ((number - (numbers[index - 1] ?? 0)) & 0xffff) === 1));
  // The old connection may still deliver what was on its way: to nobody.
  rig.pulls[0]?.request.onRtp(slice(5), 0, slice(5).length);
  assert.equal(sent(rig), [8, 4]);
  // A viewer that only lost packets does not begin it again for all within half a minute.
  for (let second = 0; second < 20; second += 1) {
    rig.clock.advance(1_000);
    rig.push(slice(65_405 + second));
    rig.peers[0]?.request.onPictureLoss();
    await settle();
  }
  assert.is(rig.pulls.length, 2);
  rig.clock.advance(10_000);
  rig.peers[0]?.request.onPictureLoss();
  await settle();
  assert.is(rig.pulls.length, 3);
  await rig.service.stop();
  assert.ok(rig.pulls.every((pull) => pull.isClosed));
  assert.is(rig.clock.armed, 0);
});

test('where beginning again would not help it is left alone; where the camera refuses it, it is tried again and viewers stay', async () => {
  const midway = crowd();
  deafen(midway.rig);
  await join(midway.rig, 'a');
  midway.rig.push(...[1, 2, 3, 4].map(slice), ...intra(5));
  await join(midway.rig, 'b');
  midway.rig.clock.advance(10_000);
  await settle();
  assert.is(midway.rig.pulls.length, 1);
  await midway.rig.service.stop();

  const { rig } = crowd();
  deafen(rig);
  await join(rig, 'a');
  rig.push(...intra(1));
  let refusals = 0;
  rig.beforeStream = async () => {
    refusals += 1;
    if (refusals < 3) throw new DriverError('camera.bad_answer', 'busy');
  };
  await join(rig, 'b');
  for (let second = 0; second < 8; second += 1) {
    rig.clock.advance(1_000);
    await settle();
  }
  assert.is(refusals, 3);
  rig.push(...intra(9));
  assert.equal(sent(rig), [6, 3]);
  assert.is(endedOf(rig).length, 0);
  await rig.service.stop();
  assert.is(rig.clock.armed, 0);
});

test.run();
