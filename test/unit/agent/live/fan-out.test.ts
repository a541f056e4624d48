/** One pull per camera and stream, shared by its viewers: each with its own gate, and none at the cost of another. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../../../drivers/port.js';
import { crowd, endedOf, intra, join, sent, slice, typesOf } from './crowd.js';
import { settle } from './live-rig.js';

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

test('a page loaded anew: the camera is asked for the stream again when it has let go of the first, or after a second', async () => {
  for (const isHanging of [false, true]) {
    const { rig } = crowd();
    await join(rig, 'a');
    rig.push(...intra(1));
    let letGo: () => void = () => undefined;
    rig.beforeClose = () =>
      new Promise((resolve) => {
        letGo = resolve;
      });
    rig.service.end('s1', 'closed_by_viewer');
    rig.clock.advance(2_000);
    rig.clock.advance(500);
    const opening = join(rig, 'a');
    await settle();
    assert.is(rig.pulls.length, 1, 'not before the first is closed');
    if (isHanging) rig.clock.advance(1_000);
    else letGo();
    await opening;
    await settle();
    assert.is(rig.pulls.length, 2);
    rig.push(...intra(1));
    assert.is(rig.peers.at(-1)?.sent.length, 3);
    letGo();
    rig.beforeClose = async () => undefined;
    await rig.service.stop();
    assert.is(rig.clock.armed, 0);
  }
});

test('the same viewer opens the camera again: the earlier view ends in that tick, and the camera’s stream goes on for the new one', async () => {
  const { rig } = crowd();
  await join(rig, 'a');
  rig.push(...intra(1));
  rig.clock.advance(3_000);
  const opening = rig.open('a');
  rig.push(slice(4));
  await opening;
  rig.peers[1]?.request.onConnected();
  await settle();
  assert.equal([rig.pulls.length, rig.pulls[0]?.isClosed], [1, false]);
  assert.equal(
    endedOf(rig).map((event) => [event.code, event.receipt.packets]),
    [['live.taken_over', 3]],
  );
  rig.push(...intra(5));
  assert.equal(sent(rig), [3, 3]);
  await rig.service.stop();
  assert.is(rig.clock.armed, 0);
});

test('a viewer that throws when it is told of an end keeps it from nobody', async () => {
  const { rig } = crowd();
  for (const viewer of ['a', 'b', 'c']) await join(rig, viewer);
  rig.push(...intra(1));
  rig.onEvent = (event) => {
    if (event.kind === 'ended' && event.session.viewerId === 'a') throw new RangeError('broken listener');
  };
  rig.pulls[0]?.request.onEnd(new DriverError('stream.ended', 'gone'));
  assert.equal(
    endedOf(rig).map((event) => event.session.viewerId),
    ['a', 'b', 'c'],
  );
  await settle();
  assert.is(rig.pulls[0]?.isClosed, true);
  assert.is(rig.service.sessions().length, 0);
});

test('a transport that throws when it is closed does not keep the camera’s stream running', async () => {
  const { rig } = crowd();
  await join(rig, 'a');
  rig.push(...intra(1));
  rig.onPeerClose = () => {
    throw new RangeError('broken transport');
  };
  rig.service.end('s1', 'closed_by_viewer');
  await settle();
  assert.is(rig.pulls[0]?.isClosed, true);
  assert.equal([rig.service.sessions().length, endedOf(rig).length], [0, 1]);
});

test('a camera that shows another profile or port is another source', async () => {
  const { rig } = crowd();
  await join(rig, 'a');
  if (rig.camera !== undefined) rig.camera = { ...rig.camera, source: () => 'another profile' };
  await join(rig, 'b');
  assert.is(rig.pulls.length, 2);
  rig.pushInto(0, ...intra(1));
  assert.equal(sent(rig), [3, 0]);
  await rig.service.stop();
  assert.ok(rig.pulls.every((pull) => pull.isClosed));
});

test.run();
test.run();
