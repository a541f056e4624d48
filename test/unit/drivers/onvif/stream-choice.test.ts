import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MediaProfile } from '../../../../drivers/onvif/media-profile.js';
import { chooseStreams } from '../../../../drivers/onvif/stream-choice.js';

const profile = (
  token: string,
  width: number,
  codec: 'H264' | 'H265' | 'JPEG' = 'H264',
  more: Partial<MediaProfile> = {},
): MediaProfile => ({
  token,
  name: token,
  sourceToken: 's1',
  sourceConfiguration: 'vsc-1',
  ptzNodeToken: '',
  encoder: { token: `e-${token}`, video: { codec, width, height: width / 2, frameRate: 25, bitrateKbps: 0, gopLength: 0 } },
  ...more,
});
const chosen = (...profiles: readonly MediaProfile[]): readonly string[] =>
  chooseStreams(profiles).map(({ kind, profileToken }) => `${kind} ${profileToken}`);

test('the largest picture is main and the next smaller one sub, whatever the order', () => {
  assert.equal(chosen(profile('small', 320), profile('big', 1920), profile('middle', 640)), ['main big', 'sub middle']);
});

test('H.264 goes before anything larger in another codec', () => {
  assert.equal(chosen(profile('jpeg', 3840, 'JPEG'), profile('h', 640)), ['main h']);
  assert.equal(chosen(profile('jpeg', 3840, 'JPEG')), ['main jpeg']);
});

test('only the first video source counts', () => {
  assert.equal(chosen(profile('a', 640), profile('b', 1920, 'H264', { sourceToken: 's2' })), ['main a']);
});

test('two profiles of one encoder or of one size are one stream', () => {
  const video = profile('x', 640).encoder;
  assert.equal(chosen(profile('a', 640), profile('b', 640)), ['main a']);
  assert.equal(chosen(profile('a', 640, 'H264', { encoder: video }), profile('b', 640, 'H264', { encoder: video })), ['main a']);
});

test('nothing with video: no stream', () => {
  assert.equal(chosen(), []);
  assert.equal(chosen(profile('a', 640, 'H264', { encoder: undefined })), []);
});

test.run();
