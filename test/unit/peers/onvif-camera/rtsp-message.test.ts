import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseTransport, createRtspReader, type RtspInput, rtspAnswer } from '../../../peers/onvif-camera/rtsp-message.js';

const describe = 'DESCRIBE rtsp://camera/main RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n';
const setParameter = 'GET_PARAMETER rtsp://camera/main RTSP/1.0\r\ncseq:3\r\nContent-Length: 4\r\n\r\nping';
const stream = Buffer.concat([Buffer.from(describe), Buffer.from([0x24, 1, 0, 3, 9, 8, 7]), Buffer.from(setParameter)]);

const names = (inputs: readonly RtspInput[]): string[] =>
  inputs.map((input) => (input.kind === 'request' ? `${input.request.method}:${input.request.body}` : input.kind));

test('requests and packets are found however the bytes are cut', () => {
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const read = createRtspReader();
    assert.equal(names([...read(stream.subarray(0, cut)), ...read(stream.subarray(cut))]), ['DESCRIBE:', 'packet', 'GET_PARAMETER:ping']);
  }
  const read = createRtspReader();
  assert.is([...stream].flatMap((byte) => read(Uint8Array.of(byte))).length, 3);
});

test('what is not RTSP is broken, and nothing is read after it', () => {
  const bad = [
    'GET / HTTP/1.1\r\n\r\n',
    'PLAY rtsp://a/b RTSP/1.0\r\nno colon\r\n\r\n',
    'PLAY rtsp://a/b RTSP/1.0\r\nContent-Length: 99999\r\n\r\n',
    'PLAY rtsp://a/b RTSP/1.0\r\nContent-Length: -1\r\n\r\n',
    'x'.repeat(20_000),
  ];
  for (const text of bad) {
    const read = createRtspReader();
    assert.equal(names(read(Buffer.from(text))), ['broken'], text.slice(0, 60));
    assert.equal(read(Buffer.from(describe)), []);
  }
});

test('only unicast RTP over TCP is chosen, wherever it stands in the list', () => {
  assert.equal(chooseTransport('RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=6-7'), { rtp: 6, rtcp: 7 });
  assert.equal(chooseTransport('RTP/AVP/TCP;unicast'), { rtp: 0, rtcp: 1 });
  for (const no of [
    '',
    'RTP/AVP;unicast;client_port=5000-5001',
    'RTP/AVP/TCP;multicast',
    'RTP/AVP/TCP;interleaved=300-301',
    'RTP/AVP/TCP;interleaved=x',
  ]) {
    assert.is(chooseTransport(no), undefined, no);
  }
});

test('an answer repeats a header with several values and counts its body', () => {
  const answer = rtspAnswer(401, '5', { 'WWW-Authenticate': ['Digest a', 'Digest b'] }, 'body');
  assert.is(
    answer,
    'RTSP/1.0 401 Unauthorized\r\nCSeq: 5\r\nWWW-Authenticate: Digest a\r\nWWW-Authenticate: Digest b\r\nContent-Length: 4\r\n\r\nbody',
  );
});

test.run();
