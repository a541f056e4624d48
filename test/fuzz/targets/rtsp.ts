/** What an RTSP camera sends: answers, interleaved packets, session descriptions, challenges, addresses. */
import { createDigest, parseChallenges, pickDigest } from '../../../drivers/digest.js';
import { Framer } from '../../../drivers/rtsp/framing.js';
import { parseHead, parseSession, parseTransport } from '../../../drivers/rtsp/messages.js';
import { chooseVideo, parseSdp } from '../../../drivers/rtsp/sdp.js';
import { basePath, controlPaths, parseRtspUri } from '../../../drivers/rtsp/uri.js';
import { SDP } from '../../peers/rtsp-fake.js';
import type { FuzzTarget } from '../engine.js';

const lines = (...all: readonly string[]): Buffer => Buffer.from(`${all.join('\r\n')}\r\n\r\n`);
const rtp = Buffer.from(`240000108060${'00'.repeat(14)}`, 'hex');
const LOGIN = { user: 'viewer', password: { reveal: () => 'secret' } };

function framed(bytes: Buffer): string {
  const seen: string[] = [];
  let isBroken = false;
  const framer = new Framer({
    onPacket: (_channel, _buffer, start, end) => {
      if (end < start) throw new RangeError('a packet ends before it begins');
      seen.push('packet');
    },
    onMessage: (message) => void seen.push('status' in message ? `answer ${message.status > 399}` : 'request'),
    onBroken: () => {
      if (isBroken) throw new RangeError('broken twice');
      isBroken = true;
    },
  });
  const third = Math.max(1, Math.ceil(bytes.length / 3));
  for (let at = 0; at < bytes.length && !isBroken; at += third) framer.push(bytes, at, Math.min(bytes.length, at + third));
  return `${[...new Set(seen)].sort().join(',')} ${isBroken} ${framer.lossCount > 0}`;
}

function textual(text: string): string {
  const head = parseHead(text.slice(0, text.indexOf('\r\n\r\n') + 1 || undefined));
  const choice = chooseVideo(parseSdp(text));
  const challenges = parseChallenges(text);
  const digest = pickDigest(challenges);
  if (digest !== undefined) createDigest(digest, LOGIN, 'cnonce').authorize('DESCRIBE', 'rtsp://192.0.2.7/');
  const uri = parseRtspUri(text);
  basePath(text.slice(0, 300), '/live');
  controlPaths(text.slice(0, 300), '/live/', '/live');
  parseSession(text);
  parseTransport(text);
  const track = choice.track === undefined ? 'none' : choice.track.codec;
  return `${head === undefined ? 'no head' : 'head'} ${track} ${challenges.length > 0} ${digest?.algorithm} ${uri !== undefined}`;
}

export const rtsp: FuzzTarget = {
  name: 'rtsp',
  corpus: [
    lines('RTSP/1.0 200 OK', 'CSeq: 2', 'Session: 12345678;timeout=60', 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1'),
    Buffer.concat([
      lines('RTSP/1.0 200 OK', 'CSeq: 3', `Content-Length: ${SDP.length}`, 'Content-Type: application/sdp'),
      Buffer.from(SDP),
    ]),
    lines(
      'RTSP/1.0 401 Unauthorized',
      'CSeq: 1',
      'WWW-Authenticate: Digest realm="cam", nonce="abc", qop="auth,auth-int", algorithm=SHA-256',
    ),
    Buffer.concat([rtp, rtp, lines('GET_PARAMETER rtsp://192.0.2.7/ RTSP/1.0', 'CSeq: 9'), rtp]),
    Buffer.from(SDP),
    Buffer.from(
      'm=video 0 RTP/AVP 98\r\na=rtpmap:98 H265/90000\r\na=fmtp:98 sprop-vps=QAEMAf//; sprop-sps=AAAAAUIBAQ==; sprop-pps=RAHgdg==\r\n',
    ),
    Buffer.from('Digest realm="a", nonce="b", opaque="c", stale=true, Basic realm="d"'),
    Buffer.from('rtsp://user:pass@[2001:db8::1]:8554/live?channel=1&x=2'),
  ],
  tokens: [
    '\r\n',
    '\r\n\r\n',
    'RTSP/1.0 ',
    'Content-Length: ',
    '99999999999',
    '-1',
    '$\u0000',
    'a=control:',
    'interleaved=',
    '"',
    '=',
    ';',
    ',',
    '%00',
    '[',
    ']',
  ].map((one) => Buffer.from(one)),
  run: (bytes) => `${framed(bytes)} ${textual(bytes.toString('utf8'))}`,
};
