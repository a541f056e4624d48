/** Live view over the real RTSP client: however many watch a camera, it sees one connection. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createStreamClient } from '../../drivers/rtsp/client.js';
import { until } from '../support/until.js';
import { cameraPacket, IDR, LiveRig, PPS, SLICE, SPS, settle, silentLog } from '../unit/agent/live/live-rig.js';
import { startRtspFake } from './rtsp-fake.js';
import { asked, deserted, FakeClock } from './rtsp-rig.js';

/** Behind the four bytes of an interleaved frame. */
function frame(packet: Buffer): Buffer {
  const head = Buffer.from([0x24, 0, 0, 0]);
  head.writeUInt16BE(packet.length, 2);
  return Buffer.concat([head, packet]);
}

test('16 viewers of one camera, one RTSP connection; it goes with the last viewer', async () => {
  const fake = await startRtspFake();
  const streams = createStreamClient({ clock: new FakeClock(), log: silentLog });
  const rig = new LiveRig({ streams, limits: { maxSessions: 16 } });
  if (rig.camera !== undefined)
    rig.camera = { ...rig.camera, deviceHost: '127.0.0.1', streamUri: async () => `rtsp://127.0.0.1:${fake.port}/main` };
  try {
    for (let index = 0; index < 16; index += 1) {
      await rig.open(`v${index}`);
      rig.peers[index]?.request.onConnected();
    }
    await until('the stream plays', () => fake.requests.some((request) => request.method === 'PLAY'));
    const packets = [SPS, PPS, IDR].map((payload, index) => cameraPacket(index + 1, 9_000, payload, index === 2));
    fake.send(Buffer.concat([...packets, cameraPacket(4, 12_600, SLICE, true)].map(frame)));
    await until('every viewer has the picture', () => rig.peers.every((peer) => peer.sent.length === 4));
    assert.is(fake.connections, 1);
    for (let index = 1; index < 16; index += 1) rig.service.end(`s${index}`, 'closed_by_viewer');
    await settle();
    assert.is(fake.sockets.size, 1);
    await rig.service.stop();
    await until('the camera is left alone', () => fake.sockets.size === 0);
    assert.is(fake.connections, 1);
    assert.is(fake.requests.at(-1)?.method, 'TEARDOWN');
  } finally {
    await rig.service.stop();
    await fake.close();
  }
});

test('a hundred viewers come and go, some before the stream plays: no socket, timer or connection is left', async () => {
  const fake = await startRtspFake();
  const clock = new FakeClock();
  const rig = new LiveRig({ streams: createStreamClient({ clock, log: silentLog }), limits: { openPeriodMs: 0 } });
  if (rig.camera !== undefined)
    rig.camera = { ...rig.camera, deviceHost: '127.0.0.1', streamUri: async () => `rtsp://127.0.0.1:${fake.port}/main` };
  const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
  const before = sockets();
  try {
    for (let round = 1; round <= 100; round += 1) {
      await rig.open();
      const plays = fake.requests.filter(({ method }) => method === 'PLAY').length;
      if (round % 3 > 0) await asked(fake, 'PLAY', plays + 1);
      if (round % 2 > 0) rig.service.end(`s${round}`, 'closed_by_viewer');
      else rig.peers.at(-1)?.request.onClosed('closed');
      // The rest of them come while the camera is still let go of.
      if (round % 5 === 0) await deserted(fake);
    }
    await rig.service.stop();
    await until('the camera is left alone', () => fake.sockets.size === 0);
    await until('every socket is gone', () => sockets() === before);
    assert.equal([clock.armed, rig.clock.armed, rig.service.sessions().length], [0, 0, 0]);
    assert.ok(rig.peers.every((peer) => peer.isClosed));
  } finally {
    await rig.service.stop();
    await fake.close();
  }
});

test.run();
