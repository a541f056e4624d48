/** What no browser here can show: H.265 passed on to a viewer that plays it, and a line of IPv6 only. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Codec } from '../../agent/live/stream-choice.js';
import { until } from '../support/until.js';
import { h265Streams, makeH265Clip } from './h265-clip.js';
import { nativeViewer } from './native-viewer.js';
import { pageRig, rigCamera } from './webrtc-page.js';

const ticket = { channelId: 'cam-1', viewerId: 'dana', proof: undefined };

test('H.265 goes as it is to a viewer whose offer has it: whole pictures, parameter sets first, nothing converted', async () => {
  const clip = makeH265Clip();
  const camera = h265Streams(clip);
  const cameras = rigCamera({ codec: () => 'H265' as Codec, synchronize: async () => camera.synchronize() });
  const { service } = pageRig({ streams: camera, cameras, transcoding: () => 'no' });
  const viewer = await nativeViewer('H265', '127.0.0.1');
  const opened = await service.open({ ticket, offerSdp: viewer.offerSdp, stream: 'main' });
  assert.match(opened.answerSdp, /^a=rtpmap:104 H265\/90000/m);
  viewer.answer(opened.answerSdp);
  await until('two seconds of pictures are there', () => viewer.packets.filter((packet) => (packet[1] ?? 0) >> 7 === 1).length >= 50);
  const types = viewer.packets.map((packet) => ((packet[12] ?? 0) >> 1) & 0x3f);
  assert.equal(types.slice(0, 3), [32, 33, 34]);
  const numbers = viewer.packets.map((packet) => packet.readUInt16BE(2));
  assert.ok(numbers.every((number, index) => index === 0 || number === (((numbers[index - 1] ?? 0) + 1) & 0xffff)));
  const sent = new Set(clip.pictures.flat().map((unit) => Buffer.from(unit).toString('base64')));
  const whole = viewer.packets.filter((_, index) => (types[index] ?? 49) < 48).map((packet) => packet.subarray(12).toString('base64'));
  assert.ok(whole.length > 10 && whole.every((unit) => sent.has(unit)), 'byte for byte what the camera sent');
  await service.stop();
  viewer.close();
  assert.is(camera.playing(), 0);
});

test('a viewer that cannot play it, at a recorder that cannot convert, is told so and no camera is asked', async () => {
  const camera = h265Streams();
  const cameras = rigCamera({ codec: () => 'H265' as Codec });
  for (const [transcoding, code] of [
    ['no', 'live.codec_unsupported'],
    ['busy', 'live.too_many_transcodes'],
  ] as const) {
    const { service } = pageRig({ streams: camera, cameras, transcoding: () => transcoding });
    const viewer = await nativeViewer('H264', '127.0.0.1');
    const refused = await service.open({ ticket, offerSdp: viewer.offerSdp }).catch((error: { code: string }) => error.code);
    assert.is(refused, code);
    assert.is(camera.playing(), 0);
    viewer.close();
    await service.stop();
  }
});

test('over IPv6 alone', async () => {
  const { service } = pageRig({ bindAddress: '::1' });
  const viewer = await nativeViewer('H264', '::1');
  const opened = await service.open({ ticket, offerSdp: viewer.offerSdp });
  const candidates = opened.answerSdp.split('\r\n').filter((line) => line.startsWith('a=candidate'));
  assert.ok(candidates.length > 0 && candidates.every((line) => / ::1 \d+ typ host/.test(line)), candidates.join());
  viewer.answer(opened.answerSdp);
  await until('pictures come', () => viewer.packets.length > 20);
  assert.match(viewer.remote, / ::1$/);
  await service.stop();
  viewer.close();
});

test.run();
