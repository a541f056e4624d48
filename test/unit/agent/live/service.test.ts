import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { LiveEvent } from '../../../../agent/live/ports.js';
import { DriverError } from '../../../../drivers/port.js';
import { cameraPacket, IDR, LiveRig, PPS, SLICE, SPS, settle } from './live-rig.js';

const ended = (rig: LiveRig): Extract<LiveEvent, { kind: 'ended' }>[] =>
  rig.events.flatMap((event) => (event.kind === 'ended' ? [event] : []));

async function failure(work: Promise<unknown>): Promise<AgentError> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, AgentError);
    return error as AgentError;
  }
  return assert.unreachable('it should have failed') as never;
}

async function playing(rig = new LiveRig()): Promise<LiveRig> {
  await rig.open();
  await settle();
  rig.peers.at(-1)?.request.onConnected();
  rig.push(cameraPacket(1, 100, SPS), cameraPacket(2, 100, PPS), cameraPacket(3, 100, IDR, true));
  return rig;
}

test('open answers, asks the camera for an intra picture, plays, and tells opened and playing', async () => {
  const rig = new LiveRig();
  const opened = await rig.open();
  assert.equal(opened, {
    sessionId: 's1',
    answerSdp: 'answer',
    fingerprint: 'sha-256 AA',
    untilAt: rig.clock.now() + 600_000,
    stream: 'main',
    hasSound: false,
  });
  await settle();
  assert.is(rig.synchronized.length, 1);
  rig.clock.advance(30);
  rig.push(cameraPacket(1, 100, SPS), cameraPacket(2, 100, PPS), cameraPacket(3, 100, IDR, true));
  assert.is(rig.peers[0]?.sent.length, 0);
  rig.peers[0]?.request.onConnected();
  assert.is(rig.peers[0]?.sent.length, 3);
  assert.equal(
    rig.events.map((event) => event.kind),
    ['opened', 'playing'],
  );
  assert.is(rig.events[1]?.kind === 'playing' && rig.events[1].waitMs, 30);
  const [info] = rig.service.sessions();
  assert.is(info?.packets, 3);
});

test('intra pictures are asked for once a second at most, and not again of a camera that cannot', async () => {
  const rig = await playing();
  for (let index = 0; index < 10; index += 1) {
    rig.clock.advance(200);
    rig.peers[0]?.request.onPictureLoss();
    await settle();
  }
  assert.ok(rig.synchronized.length <= 3, String(rig.synchronized.length));
  const mute = new LiveRig();
  let asked = 0;
  if (mute.camera !== undefined)
    mute.camera = {
      ...mute.camera,
      synchronize: async () => {
        asked += 1;
        throw new DriverError('camera.unsupported', 'no');
      },
    };
  await playing(mute);
  for (let index = 0; index < 5; index += 1) {
    mute.clock.advance(1_500);
    mute.peers[0]?.request.onPictureLoss();
    await settle();
  }
  assert.is(asked, 1);
});

test('an end shuts the gate, the transport and the camera, and tells the reason once', async () => {
  const rig = await playing();
  rig.clock.advance(1_000);
  const receipt = rig.service.end('s1', 'closed_by_viewer');
  rig.push(cameraPacket(4, 200, SLICE, true));
  await settle();
  assert.equal(receipt, { sessionId: 's1', channelId: 'cam-1', viewerId: 'dana', packets: 3, bytes: 49, lastMediaMs: 0 });
  assert.is(rig.peers[0]?.isClosed, true);
  assert.is(rig.peers[0]?.sentAfterClose, 0);
  assert.is(rig.pulls[0]?.isClosed, true);
  assert.is(rig.service.end('s1', 'withdrawn'), undefined);
  const [event, ...more] = ended(rig);
  assert.is(more.length, 0);
  assert.is(event?.code, 'live.closed_by_viewer');
  assert.is(event?.durationMs, 1_000);
  assert.ok((event?.say.length ?? 0) > 10 && (event?.fix.length ?? 0) > 10);
  assert.is(rig.clock.armed, 0, 'no timer is left');
});

test('the ends: expired, viewer never came, viewer gone, camera gone, camera silent, taken over, agent stopping', async () => {
  const cases: [string, (rig: LiveRig) => unknown][] = [
    ['live.expired', (rig) => [rig.clock.advance(0), rig.push(cameraPacket(4, 200, SLICE, true)), rig.clock.advance(600_000)]],
    ['live.viewer_gone', (rig) => rig.peers[0]?.request.onClosed('closed')],
    ['live.camera_gone', (rig) => rig.pulls[0]?.request.onEnd(new DriverError('stream.ended', 'gone'))],
    ['live.camera_gone', (rig) => rig.clock.advance(20_000)],
    ['live.taken_over', (rig) => [rig.clock.advance(3_000), rig.open()]],
    ['live.agent_stopping', (rig) => rig.service.stop()],
  ];
  for (const [code, act] of cases) {
    const rig = await playing();
    // Pictures go on, so that nothing but the act ends it.
    if (code === 'live.expired')
      for (let second = 0; second < 590; second += 5) {
        rig.clock.advance(5_000);
        rig.push(cameraPacket(4 + second, 90_000 * second, SLICE, true));
      }
    act(rig);
    await settle();
    assert.is(ended(rig)[0]?.code, code);
    // The view that takes over goes on with the camera's stream.
    assert.is(rig.pulls[0]?.isClosed, code !== 'live.taken_over', code);
    assert.is(rig.peers[0]?.isClosed, true, code);
  }
  const rig = new LiveRig();
  await rig.open();
  rig.clock.advance(15_000);
  assert.is(ended(rig)[0]?.code, 'live.viewer_unreachable');
});

test('a failing camera or offer makes the open fail with words for a person, and leaves nothing', async () => {
  for (const [thrown, code] of [
    [new DriverError('camera.unauthorized', 'x'), 'live.camera_unavailable'],
    [new DriverError('stream.bad_uri', 'x'), 'live.camera_unavailable'],
    [new DriverError('stream.unsupported', 'x'), 'live.codec_unsupported'],
  ] as const) {
    const rig = new LiveRig();
    rig.beforeStream = async () => {
      throw thrown;
    };
    rig.beforeAnswer = () => settle(50);
    const error = await failure(rig.open());
    assert.is(error.code, code);
    assert.is(rig.service.sessions().length, 0);
    assert.is(rig.peers[0]?.isClosed, true);
    assert.equal(rig.events, []);
  }
  const rig = new LiveRig();
  rig.beforeAnswer = async () => {
    throw new DriverError('viewer.bad_offer', 'x');
  };
  assert.is((await failure(rig.open())).code, 'live.bad_offer');
  await settle();
  assert.is(rig.pulls[0]?.isClosed, true);
  assert.is(rig.service.sessions().length, 0);
});

test('the camera failing after the answer reaches the viewer with the camera’s words', async () => {
  const rig = new LiveRig();
  let fail: (error: Error) => void = () => undefined;
  rig.beforeStream = () =>
    new Promise((_, reject) => {
      fail = reject;
    });
  await rig.open();
  fail(new DriverError('camera.unauthorized', 'x'));
  await settle();
  assert.is(ended(rig)[0]?.code, 'live.camera_gone');
  assert.match(ended(rig)[0]?.say ?? '', 'refuses the user name or password');
});

test('limits: too soon, and the fifth session of employees; the owner still has a place', async () => {
  const rig = new LiveRig();
  rig.verdict = { ok: true, untilAt: rig.clock.now() + 3_600_000, channels: undefined };
  await rig.open('a');
  assert.is((await failure(rig.open('a'))).code, 'live.too_soon');
  for (const viewer of ['b', 'c', 'd']) await rig.open(viewer);
  assert.is((await failure(rig.open('e'))).code, 'live.too_many_sessions');
  rig.verdict = { ok: true, untilAt: undefined, channels: undefined };
  await rig.open('owner');
  await rig.service.stop();
  assert.is((await failure(rig.open('f'))).code, 'live.stopping');
});

test('1000 withdrawals fired while an open is in progress: no session is left and no packet comes after', async () => {
  let openedFirst = 0;
  let random = 7;
  const next = (below: number): number => {
    random = (random * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return random % below;
  };
  for (let round = 0; round < 1_000; round += 1) {
    const rig = new LiveRig();
    const [answerAfter, streamAfter, withdrawAfter, isConnecting] = [next(12), next(12), next(40), next(2) === 0];
    rig.beforeAnswer = () => settle(answerAfter);
    rig.beforeStream = () => settle(streamAfter);
    const opening = rig.open().then(
      () => true,
      () => false,
    );
    const feed = (from: number): void => {
      rig.push(cameraPacket(from, from * 90, SPS), cameraPacket(from + 1, from * 90, PPS), cameraPacket(from + 2, from * 90, IDR, true));
      if (isConnecting) rig.peers[0]?.request.onConnected();
    };
    for (let step = 0; step < withdrawAfter; step += 1) {
      await Promise.resolve();
      feed(1 + step * 4);
    }
    // The permissions do both: the new truth, then an end to every session it concerns, in one tick. Each must do alone.
    const does = round % 3 === 0 ? 'both' : round % 3 === 1 ? 'end only' : 'truth only';
    if (does !== 'end only') rig.verdict = { ok: false, code: 'permission.withdrawn', say: 'Withdrawn.', fix: 'Ask.' };
    if (does !== 'truth only') {
      const receipts = rig.service.endMatching(() => true, 'withdrawn');
      assert.equal(
        receipts.map((receipt) => receipt.lastMediaMs),
        [0],
        'a session that is only opening is ended too',
      );
    }
    const sentBefore = rig.peers[0]?.sent.length ?? 0;
    for (let step = 0; step < 60; step += 1) {
      await Promise.resolve();
      feed(400 + step * 4);
    }
    if ((await opening) === true) openedFirst += 1;
    await settle(60);
    const what = `round ${round}, ${does}`;
    assert.is(rig.peers[0]?.sent.length ?? 0, sentBefore, what);
    assert.is(rig.peers[0]?.sentAfterClose ?? 0, 0, what);
    // Without an end, a session whose viewer never connects waits for its deadline; nothing has left.
    if (does === 'truth only') await rig.service.stop();
    assert.is(rig.service.sessions().length, 0, what);
    assert.ok(rig.pulls.every((pull) => pull.isClosed) && rig.peers.every((peer) => peer.isClosed), what);
    assert.is(rig.clock.armed, 0, what);
    const opened = rig.events.filter((event) => event.kind === 'opened').length;
    assert.is(ended(rig).length, opened, what);
  }
  assert.ok(openedFirst > 100 && openedFirst < 950, `both orders happen (${openedFirst})`);
});

test('even when nobody ends the sessions, the authorizer’s no stops the next picture', async () => {
  const rig = await playing();
  rig.verdict = { ok: false, code: 'permission.withdrawn', say: 'Only the authorizer knows.', fix: 'Ask.' };
  rig.push(cameraPacket(4, 200, SLICE, true));
  assert.is(rig.peers[0]?.sent.length, 3);
  assert.is(ended(rig)[0]?.code, 'live.withdrawn');
  assert.is(ended(rig)[0]?.say, 'Only the authorizer knows.');
});

test.run();
