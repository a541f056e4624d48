import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  formatRequest,
  headerOf,
  numberOf,
  parseHead,
  parseSession,
  parseTransport,
  parseUdpTransport,
} from '../../../../drivers/rtsp/messages.js';

test('heads of answers and requests', () => {
  const answer = parseHead(
    'RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Basic realm="a"\r\nwww-authenticate: Digest\r\n  realm="b"\r\nnonsense\r\n\r\n',
  );
  assert.is(answer?.kind, 'response');
  assert.ok(answer);
  assert.equal(answer.headers.get('www-authenticate'), ['Basic realm="a"', 'Digest realm="b"']);
  assert.is(numberOf(answer, 'cseq'), 2);
  assert.is(headerOf(answer, 'nonsense'), undefined);
  const request = parseHead('ANNOUNCE rtsp://a/b RTSP/1.0\nCSeq: 7\n\n');
  assert.is(request?.kind === 'request' && request.method, 'ANNOUNCE');
  assert.is(parseHead('RTSP/1.0 200')?.kind, 'response');
  for (const text of ['', 'HTTP/1.1 200 OK', 'RTSP/1.0 20 OK', 'get rtsp://a RTSP/1.0', 'GET rtsp://a HTTP/1.1'])
    assert.is(parseHead(text), undefined, text);
});

test('a request carries what is given and no value can add a line', () => {
  const text = formatRequest('SETUP', 'rtsp://a/b', { CSeq: '1', Session: undefined, 'X-Odd': 'a\r\nEvil: 1' });
  assert.is(text, 'SETUP rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\nX-Odd: aEvil: 1\r\n\r\n');
});

test('session and transport', () => {
  assert.equal(parseSession('12AB;timeout=90'), { id: '12AB', timeoutMs: 90_000 });
  assert.equal(parseSession(' 12AB ; Timeout = 5 '), { id: '12AB', timeoutMs: 5000 });
  assert.equal(parseSession('12AB;timeout=0'), { id: '12AB', timeoutMs: 60_000 });
  assert.equal(parseSession(''), { id: '', timeoutMs: 60_000 });
  assert.equal(parseTransport('RTP/AVP/TCP;unicast;interleaved=8-9;ssrc=2A27A3FB'), { rtp: 8, rtcp: 9 });
  assert.equal(parseTransport('RTP/AVP/TCP;unicast;interleaved=4'), { rtp: 4, rtcp: 5 });
  assert.equal(parseTransport('RTP/AVP/TCP;unicast'), { rtp: 0, rtcp: 1 });
  assert.equal(parseTransport(undefined), { rtp: 0, rtcp: 1 });
  assert.is(parseTransport('RTP/AVP;unicast;client_port=5000-5001'), undefined);
  assert.is(parseTransport('RTP/AVP/TCP;interleaved=300-301'), undefined);
  assert.is(parseTransport('RTP/AVP/TCP;interleaved=3-3'), undefined);
});

test('no text throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `RTSP/1.0 200 OK\r\n${text}`),
      ),
      (text) => {
        parseHead(text);
        parseSession(text);
        parseTransport(text);
      },
    ),
    { numRuns: 2000 },
  );
});

test('where a camera sends from over UDP', () => {
  const cases: readonly [string | undefined, ReturnType<typeof parseUdpTransport>][] = [
    [
      'RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001;ssrc=1A2b3C4D;mode="play"',
      { rtpPort: 6000, rtcpPort: 6001, ssrc: 0x1a2b3c4d },
    ],
    ['RTP/AVP/UDP;unicast;server_port=6000; ssrc = 7', { rtpPort: 6000, rtcpPort: 6001, ssrc: 7 }],
    ['RTP/AVP;unicast;server_port=0-1;ssrc=123456789', { rtpPort: 0, rtcpPort: 0, ssrc: undefined }],
    ['RTP/AVP;unicast;server_port=65535', { rtpPort: 65_535, rtcpPort: 0, ssrc: undefined }],
    ['RTP/AVP;multicast;destination=239.0.0.1', undefined],
    ['RTP/AVP/TCP;interleaved=0-1', undefined],
    [undefined, undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseUdpTransport(text), expected, text ?? 'none');
});

test.run();
