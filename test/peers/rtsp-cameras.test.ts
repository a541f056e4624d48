/** The RTSP client against two servers that are not its own fake: the ONVIF test camera's and GStreamer's. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startGstCamera } from './gst-camera.js';
import { startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { failure, openFrom, type Rig } from './rtsp-rig.js';

const LOGIN = { user: 'admin', password: 'secret' };
const WRONG = { user: 'admin', password: { reveal: () => 'wrong' } };

/** Sequence numbers follow one another without a gap, and a whole parameter set or picture unit begins every payload. */
function assertWholeStream(rig: Rig): void {
  const packets = rig.packets.map((hex) => Buffer.from(hex, 'hex'));
  for (const [index, packet] of packets.entries()) {
    assert.is((packet[0] ?? 0) >> 6, 2);
    const before = packets[index - 1];
    if (before !== undefined) assert.is((packet.readUInt16BE(2) - before.readUInt16BE(2)) & 0xffff, 1, `gap before packet ${index}`);
  }
}

test('the ONVIF test camera: plays mid-GOP, both streams, wrong password refused, nothing left', async () => {
  const camera = await startOnvifCamera({ ...LOGIN });
  try {
    for (const kind of ['main', 'sub'] as const) {
      const rig = openFrom(0, { uri: camera.rtspUri(kind) });
      const pull = await rig.opened;
      assert.is(pull.track.codec, 'H264');
      assert.match(pull.track.profileLevelId ?? '', /^[0-9a-f]{6}$/);
      assert.ok(pull.track.parameterSets.length >= 2);
      await rig.received(40);
      assertWholeStream(rig);
      await pull.close();
      assert.equal(rig.ends, []);
    }
    assert.is((await failure(openFrom(0, { uri: camera.rtspUri('main'), login: WRONG }).opened)).code, 'camera.unauthorized');
  } finally {
    await camera.stop();
  }
});

test('GStreamer: digest, plays, keep-alive and receiver report accepted, wrong password refused', async () => {
  const camera = await startGstCamera(LOGIN);
  try {
    const rig = openFrom(0, { uri: camera.rtspUri('main') });
    const pull = await rig.opened;
    assert.is(pull.track.codec, 'H264');
    for (let count = 30; count <= 300; count += 30) {
      await rig.received(count);
      rig.clock.advance(5000);
    }
    assertWholeStream(rig);
    assert.equal(rig.ends, []);
    await pull.close();
    assert.is((await failure(openFrom(0, { uri: camera.rtspUri('main'), login: WRONG }).opened)).code, 'camera.unauthorized');
    assert.is((await failure(openFrom(0, { uri: camera.rtspUri('main').replace(/main$/, 'none') }).opened)).code, 'camera.unsupported');
  } finally {
    await camera.stop();
  }
});

test.run();
