import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseVideo, parseSdp } from '../../../../drivers/rtsp/sdp.js';
import { SDP } from '../../../peers/rtsp-fake.js';

const choose = (...lines: string[]) => chooseVideo(parseSdp(lines.join('\r\n')));
const hex = (sets: readonly Uint8Array[] | undefined): string[] => (sets ?? []).map((set) => Buffer.from(set).toString('hex').slice(0, 8));

test('H.264: the first video is taken, audio before it is not, and the SPS is believed before the attribute', () => {
  const sdp = parseSdp(SDP);
  assert.is(sdp.control, '*');
  const choice = chooseVideo(sdp);
  assert.is(choice.track?.codec, 'H264');
  assert.is(choice.track?.payloadType, 96);
  assert.is(choice.track?.clockRate, 90_000);
  assert.is(choice.track?.profileLevelId, '640028');
  assert.equal(hex(choice.track?.parameterSets), ['67640028', '68ee3cb0']);
  assert.is('control' in choice && choice.control, 'track1');
});

test('H.265 with its three sets, HEVC as a name, and a start code before a set', () => {
  const sets = 'sprop-vps=QAEMAf//; sprop-sps=AAAAAUIBAQ==; sprop-pps=RAHgdg==';
  const { track } = choose('m=video 0 RTP/AVP 98', 'a=rtpmap:98 hevc/90000', `a=fmtp:98 profile-id=1;${sets}`, 'a=control:v');
  assert.is(track?.codec, 'H265');
  assert.is(track?.profileLevelId, undefined);
  assert.equal(hex(track?.parameterSets), ['40010c01', '420101', '4401e076']);
});

test('what cameras leave out or write oddly', () => {
  const bare = choose('m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000');
  assert.equal(bare.track?.parameterSets, []);
  assert.is(bare.track?.profileLevelId, undefined);
  assert.is('control' in bare && bare.control, undefined);
  const said = choose('m=video 0 RTP/AVP 96', 'a=rtpmap:96 h264', 'a=fmtp:96 profile-level-id=4D001F; sprop-parameter-sets=');
  assert.is(said.track?.profileLevelId, '4d001f');
  assert.is(choose('m=video 0 RTP/AVP 96', 'a=fmtp:96 sprop-parameter-sets=Z2QAKKw=,aO48sA==').track?.codec, 'H264');
  assert.is(choose('m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/0', 'a=fmtp:96 profile-level-id=1').track?.clockRate, 90_000);
  assert.is(choose('  m=video 0 RTP/AVP 26 96', 'a=rtpmap:26 JPEG/90000', 'a=rtpmap:96 H264/90000').track?.payloadType, 96);
  assert.is(
    chooseVideo(parseSdp('v=0\nm=video 0 RTP/AVP 97\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:b')).track?.payloadType,
    96,
  );
});

test('an SPS cut short is not read for the profile', () => {
  const { track } = choose(
    'm=video 0 RTP/AVP 96',
    'a=rtpmap:96 H264/90000',
    'a=fmtp:96 sprop-parameter-sets=Z2Q=,aO48sA==;profile-level-id=42e01e',
  );
  assert.is(track?.profileLevelId, '42e01e');
});

test('what cannot be passed on is named', () => {
  const offered = (...lines: string[]) => {
    const choice = choose(...lines);
    return choice.track === undefined ? choice.offered : 'a track';
  };
  assert.equal(offered('m=video 0 RTP/AVP 26'), ['JPEG']);
  assert.equal(offered('m=video 0 RTP/AVP 96', 'a=rtpmap:96 MP4V-ES/90000'), ['MP4V-ES']);
  assert.equal(offered('m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000', 'a=fmtp:96 packetization-mode=2'), ['H264']);
  assert.equal(offered('m=audio 0 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000'), []);
  assert.equal(offered(''), []);
});

test('no text throws, mutated descriptions included', () => {
  const mutated = fc
    .tuple(fc.nat(SDP.length), fc.nat(20), fc.string({ maxLength: 20 }))
    .map(([at, length, text]) => SDP.slice(0, at) + text + SDP.slice(at + length));
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 300 }), mutated), (text) => {
      const { track } = chooseVideo(parseSdp(text));
      if (track === undefined) return;
      assert.ok(track.payloadType >= 0 && track.payloadType < 128 && track.clockRate > 0);
      assert.ok(track.profileLevelId === undefined || /^[0-9a-f]{6}$/.test(track.profileLevelId));
    }),
    { numRuns: 3000 },
  );
});

test.run();
