/** Intra pictures of cameras that cannot be asked for one: a second connection beside the first, at nobody's cost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../../../drivers/port.js';
import { crowd, deafen, endedOf, intra, join, sent, slice, typesOf } from './crowd.js';
import { settle } from './live-rig.js';

test('a camera that cannot be asked but begins with an intra picture: its stream is opened beside itself for a second viewer; nobody misses a picture', async () => {
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
  assert.equal([rig.pulls.length, rig.pulls[0]?.isClosed], [2, false], 'the first connection stays until the second has a picture');
  rig.pushInto(0, slice(5));
  // The new stream's numbers look like late ones of the old, and some cameras finish a picture first: of it nothing goes to anybody.
  rig.push(slice(65_400));
  assert.equal(sent(rig), [5, 0]);
  rig.push(...intra(65_401), slice(65_404));
  await settle();
  assert.is(rig.pulls[0]?.isClosed, true);
  assert.equal(sent(rig), [9, 4]);
  assert.equal(typesOf(rig, 0).slice(-4), [7, 8, 5, 1]);
  const numbers = rig.peers[0]?.sent.map((packet) => packet.readUInt16BE(2)) ?? [];
  assert.ok(numbers.every((number, index) => index === 0 || ((number - (numbers[index - 1] ?? 0)) & 0xffff) === 1));
  // The old connection may still deliver what was on its way: to nobody.
  rig.pushInto(0, slice(6));
  assert.equal(sent(rig), [9, 4]);
  // A viewer that only lost packets does not do that to the camera again within half a minute.
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

test('a viewer who comes and goes does not keep the camera busy, and whoever watches never waits', async () => {
  const { rig } = crowd();
  deafen(rig);
  await join(rig, 'a');
  rig.push(...intra(1));
  let at = 4;
  for (let second = 0; second < 60; second += 3) {
    await join(rig, 'b');
    for (let step = 0; step < 3; step += 1) {
      const before = rig.peers[0]?.sent.length ?? 0;
      const isNew = rig.pulls.length > 1 && rig.pulls.at(-2)?.isClosed === false;
      if (isNew) rig.pushInto(rig.pulls.length - 2, slice(at++));
      rig.push(...(isNew ? intra(at) : [slice(at)]));
      at += 5;
      assert.ok((rig.peers[0]?.sent.length ?? 0) > before, `second ${second + step}`);
      rig.clock.advance(1_000);
      await settle();
    }
    rig.service.end(`s${rig.peers.length}`, 'closed_by_viewer');
  }
  assert.ok(rig.pulls.length >= 2 && rig.pulls.length <= 3, `${rig.pulls.length} connections in a minute`);
  await rig.service.stop();
});

test('a second connection that is refused, silent, or begins in the middle changes nothing, and is not tried again', async () => {
  for (const way of ['refused', 'silent', 'midway'] as const) {
    const { rig } = crowd();
    deafen(rig);
    await join(rig, 'a');
    rig.push(...intra(1));
    let opens = 0;
    rig.beforeStream = async () => {
      opens += 1;
      if (way === 'refused') throw new DriverError('camera.bad_answer', 'busy');
    };
    await join(rig, 'b');
    rig.clock.advance(5_000);
    await settle();
    assert.is(opens, 1, way);
    if (way === 'midway') rig.push(...[50, 51, 52, 53].map(slice));
    if (way === 'silent')
      for (let step = 0; step < 4; step += 1) {
        rig.pushInto(0, slice(4 + step));
        rig.clock.advance(3_000);
      }
    await settle();
    assert.is(rig.pulls[0]?.isClosed, false, way);
    assert.ok(
      rig.pulls.slice(1).every((pull) => pull.isClosed),
      way,
    );
    // The next intra picture of the camera's own is for both.
    const before = sent(rig);
    rig.pushInto(0, ...intra(20));
    assert.equal(
      sent(rig),
      before.map((count) => count + 3),
      way,
    );
    for (let step = 0; step < 3; step += 1) {
      await join(rig, `c${step}`);
      rig.clock.advance(12_000);
      await settle();
      rig.pushInto(0, ...intra(30 + 4 * step));
    }
    assert.is(opens, 1, `${way}: it has not helped`);
    assert.is(endedOf(rig).length, 0, way);
    await rig.service.stop();
    assert.is(rig.clock.armed, 0, way);
  }
});

test('a camera that lets one in ends the first connection for the second: the second is waited for, and its failure is the end', async () => {
  for (const isRefused of [false, true]) {
    const { rig } = crowd();
    deafen(rig);
    await join(rig, 'a');
    rig.push(...intra(1));
    rig.beforeStream = async () => {
      rig.pulls[0]?.request.onEnd(new DriverError('stream.ended', 'another came'));
      if (isRefused) throw new DriverError('camera.bad_answer', 'busy');
    };
    await join(rig, 'b');
    rig.clock.advance(5_000);
    await settle();
    assert.is(endedOf(rig).length, isRefused ? 2 : 0);
    if (!isRefused) rig.push(...intra(9));
    assert.equal(sent(rig), isRefused ? [3, 0] : [6, 3]);
    await rig.service.stop();
    assert.is(rig.clock.armed, 0);
  }
});

test('where beginning again would not help it is left alone', async () => {
  const { rig } = crowd();
  deafen(rig);
  await join(rig, 'a');
  rig.push(...[1, 2, 3, 4].map(slice), ...intra(5));
  await join(rig, 'b');
  rig.clock.advance(10_000);
  await settle();
  assert.is(rig.pulls.length, 1);
  await rig.service.stop();
});

test('whoever waits while the camera turns out not to understand the request is served the other way', async () => {
  const { rig } = crowd();
  await join(rig, 'a');
  rig.push(...intra(1));
  rig.clock.advance(500);
  deafen(rig);
  await join(rig, 'b');
  for (let second = 0; second < 5; second += 1) {
    rig.clock.advance(1_000);
    await settle();
  }
  assert.is(rig.pulls.length, 2);
  rig.push(...intra(9));
  assert.equal(sent(rig), [6, 3]);
  await rig.service.stop();
});

test('a request that fails for the moment is made again, three times at most', async () => {
  const { rig } = crowd();
  let asked = 0;
  if (rig.camera !== undefined)
    rig.camera = {
      ...rig.camera,
      synchronize: async () => {
        asked += 1;
        throw new DriverError('camera.timeout', 'slow');
      },
    };
  await join(rig, 'a');
  for (let second = 0; second < 8; second += 1) {
    rig.clock.advance(1_000);
    await settle();
  }
  assert.is(asked, 3);
  await rig.service.stop();
});

test.run();
