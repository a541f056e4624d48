import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../../../drivers/port.js';
import { nativeIceServers, usableCandidates } from '../../../../drivers/webrtc/ice.js';
import { type NativeAnswer, readNativeAnswer, readOffer, writeAnswer } from '../../../../drivers/webrtc/sdp.js';

const PRINT = Array.from({ length: 32 }, () => 'AB').join(':');
const ICE = ['a=ice-ufrag:FmZD', 'a=ice-pwd:EONv5QmgGK61bmo+08YPospu', `a=fingerprint:sha-256 ${PRINT.toLowerCase()}`, 'a=setup:actpass'];
const h264 = (pt: number, profile: string, mode: number): string[] => [
  `a=rtpmap:${pt} H264/90000`,
  `a=rtcp-fb:${pt} nack pli`,
  `a=fmtp:${pt} level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${profile}`,
];
/** As Chromium 156 writes it, shortened. */
const VIDEO = [
  'm=video 9 UDP/TLS/RTP/SAVPF 96 102 104 108 116 49',
  'c=IN IP4 0.0.0.0',
  'a=candidate:4210146945 1 udp 2113937151 72fdba78-200a-4ba5-b77f-bcad165cd960.local 53029 typ host generation 0 network-cost 999',
  ...ICE,
  'a=mid:0',
  'a=recvonly',
  'a=rtcp-mux',
  'a=rtpmap:96 VP8/90000',
  ...h264(102, '42001f', 1),
  ...h264(104, '42001f', 0),
  ...h264(108, '42e01f', 1),
  ...h264(116, '4d001f', 1),
  'a=rtpmap:49 H265/90000',
];
const DATA = ['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', ...ICE, 'a=mid:1', 'a=sctp-port:5000'];
const AUDIO = [
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 0',
  'c=IN IP4 0.0.0.0',
  ...ICE,
  'a=mid:a',
  'a=recvonly',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
];
const offerOf = (...sections: readonly (readonly string[])[]): string =>
  ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0 1', ...sections.flat(), ''].join('\r\n');
const WISH = { codec: 'H264', profileLevelId: undefined } as const;
const NATIVE: NativeAnswer = {
  fingerprint: `sha-256 ${Array.from({ length: 32 }, () => '11').join(':')}`,
  ufrag: 'abcd',
  pwd: 'abcdefghijklmnopqrstuv',
  setup: 'active',
  candidates: ['a=candidate:1 1 UDP 2114977791 127.0.0.1 4000 typ host'],
};

function refused(sdp: string): string {
  try {
    readOffer(sdp, WISH);
  } catch (error) {
    assert.instance(error, DriverError);
    assert.is((error as DriverError).code, 'viewer.bad_offer');
    return (error as DriverError).message;
  }
  return assert.unreachable('the offer was accepted') as never;
}

test('the payload type: the camera’s own profile first, else constrained baseline; never packetization mode 0', () => {
  const offer = offerOf(VIDEO, DATA);
  const pick = (profileLevelId: string | undefined): number => readOffer(offer, { codec: 'H264', profileLevelId }).format.payloadType;
  assert.equal([pick(undefined), pick('42e02a'), pick('42c01f'), pick('4d0028'), pick('640028')], [108, 108, 102, 116, 108]);
  assert.is(readOffer(offer, { codec: 'H265', profileLevelId: undefined }).format.payloadType, 49);
  assert.match(refused(offerOf(VIDEO.map((line) => line.replace('packetization-mode=1', 'packetization-mode=0')))), 'cannot play H.264');
  assert.match(refused(offerOf(VIDEO.map((line) => line.replace('H264', 'VP9')))), 'cannot play H.264');
});

test('the native library sees only what was checked: no name to look up, no foreign line', () => {
  const hostile = [...VIDEO, 'a=x-evil:1', 'a=extmap:1 urn:x', 'a=candidate:1 1 udp 1 evil.example 80 typ host'];
  const { nativeSdp, fingerprint } = readOffer(offerOf(hostile, DATA), WISH);
  assert.is(fingerprint, `sha-256 ${PRINT}`);
  assert.not.match(nativeSdp, /local|evil|extmap|VP8/);
  assert.match(nativeSdp, 'a=group:BUNDLE 0 1');
});

test('the answer: sections in the order of the offer, foreign ones rejected, one fingerprint, ours', () => {
  const offer = readOffer(
    offerOf(
      AUDIO,
      VIDEO,
      DATA,
      VIDEO.map((line) => line.replace('a=mid:0', 'a=mid:v2')),
    ),
    WISH,
  );
  const answer = writeAnswer(offer, NATIVE, 4711);
  const lines = answer.split('\r\n');
  assert.equal(
    lines.filter((line) => line.startsWith('m=')),
    [
      'm=audio 0 UDP/TLS/RTP/SAVPF 111 0',
      'm=video 9 UDP/TLS/RTP/SAVPF 108',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      'm=video 0 UDP/TLS/RTP/SAVPF 96 102 104 108 116 49',
    ],
  );
  assert.equal(
    lines.filter((line) => line.startsWith('a=mid:')),
    ['a=mid:a', 'a=mid:0', 'a=mid:1', 'a=mid:v2'],
  );
  assert.ok(lines.includes('a=group:BUNDLE 0 1') && lines.includes('a=ssrc:4711 cname:sightline') && lines.includes('a=sendonly'));
  assert.equal(
    lines.filter((line) => line.includes('fingerprint')),
    [`a=fingerprint:${NATIVE.fingerprint}`],
  );
});

test('what cannot be answered is refused with a reason', () => {
  const good = offerOf(VIDEO, DATA);
  const cases: readonly [string, string][] = [
    ['', 'no SDP'],
    [`v=0\r\n${'a=x\r\n'.repeat(20_000)}`, '64 KiB'],
    ['v=0\r\ns=-\r\n', 'no media section'],
    [offerOf(DATA), 'no video section'],
    [offerOf(VIDEO.map((line) => line.replace('a=recvonly', 'a=sendonly'))), 'no video section'],
    [offerOf(VIDEO.filter((line) => line !== 'a=rtcp-mux')), 'no video section'],
    [offerOf(VIDEO, VIDEO), 'share a mid'],
    [offerOf(VIDEO.filter((line) => line !== 'a=mid:0')), 'no mid'],
    [good.replace('m=video 9', 'm=video nine'), 'media line'],
    [good.replaceAll('a=ice-ufrag:FmZD', 'a=ice-ufrag:F'), 'ice-ufrag'],
    [good.replaceAll('a=ice-pwd:EONv5QmgGK61bmo', 'a=ice-pwd:x y'), 'ice-pwd'],
    [good.replaceAll('a=setup:actpass', 'a=setup:holdconn'), 'setup'],
    [good.replace(PRINT.toLowerCase(), PRINT.replace('AB', 'AC')), 'exactly one'],
    [good.replaceAll(/a=fingerprint.*\r\n/g, ''), 'exactly one'],
    [good.replaceAll('sha-256', 'sha-1'), 'not sha-256'],
    [good.replaceAll(PRINT.toLowerCase(), PRINT.slice(0, 59)), 'not sha-256'],
    [`${good}a=fingerprint:sha-256\r\n`, 'is broken'],
  ];
  for (const [sdp, reason] of cases) assert.match(refused(sdp), reason);
});

test('an offer cut or changed anywhere never throws anything else', () => {
  const good = offerOf(AUDIO, VIDEO, DATA);
  for (let at = 0; at < good.length; at += 7)
    for (const sdp of [good.slice(0, at), `${good.slice(0, at)}\u0000${good.slice(at + 1)}`, good.slice(0, at) + good.slice(at + 9)])
      try {
        readOffer(sdp, WISH);
      } catch (error) {
        assert.instance(error, DriverError);
      }
});

test('candidates: UDP addresses only, and not more than 24', () => {
  const line = (address: string, rest = 'typ host', protocol = 'udp'): string => `a=candidate:1 1 ${protocol} 1 ${address} 5000 ${rest}`;
  const given = ['192.0.2.7', 'fd00::2', 'x.local', '224.0.0.1', '255.255.255.255', '0.0.0.0', 'ff02::1', '::', '999.1.1.1'].map((one) =>
    line(one),
  );
  const kept = usableCandidates([
    ...given,
    line('192.0.2.8', 'typ host tcptype active', 'tcp'),
    line('192.0.2.9', 'typ srflx raddr 10.0.0.1 rport 9'),
  ]);
  assert.equal(
    kept.map((each) => each.split(' ')[4]),
    ['192.0.2.7', 'fd00::2', '192.0.2.9'],
  );
  assert.not.match(kept.join(), '10.0.0.1');
  assert.is(usableCandidates(Array.from({ length: 200 }, (_, index) => line(`192.0.2.${index + 1}`))).length, 24);
});

test('a place for sound is taken only when sound is allowed, and only for G.711', () => {
  const sound = [...AUDIO.map((line) => line.replace('111 0', '111 0 8')), 'a=rtpmap:8 PCMA/8000'];
  const offer = offerOf(sound, VIDEO, DATA);
  const without = readOffer(offer, WISH);
  assert.is(without.audio, undefined);
  assert.match(writeAnswer(without, NATIVE, 7), /m=audio 0 /);
  assert.not.match(without.nativeSdp, 'm=audio');
  const heard = readOffer(offer, WISH, true);
  assert.equal(
    [...(heard.audio?.payloadTypes ?? [])],
    [
      ['PCMU', 0],
      ['PCMA', 8],
    ],
  );
  const answer = writeAnswer(heard, NATIVE, 7, 9);
  assert.match(answer, /m=audio 9 UDP\/TLS\/RTP\/SAVPF 0 8\r\n/);
  assert.match(answer, 'a=group:BUNDLE a 0 1');
  assert.match(answer, 'a=ssrc:9 cname:sightline');
  assert.not.match(answer, 'opus');
  assert.is(
    readOffer(
      offerOf(
        sound.map((line) => line.replace('recvonly', 'sendonly')),
        VIDEO,
      ),
      WISH,
      true,
    ).audio,
    undefined,
  );
  assert.is(
    readOffer(
      offerOf(
        AUDIO.map((line) => line.replace('111 0', '111')),
        VIDEO,
      ),
      WISH,
      true,
    ).audio,
    undefined,
    'Opus only',
  );
});

test('STUN and TURN servers: read, logins decoded, nonsense counted', () => {
  assert.equal(nativeIceServers([]), { servers: [], unreadable: 0 });
  const texts = [
    'stun:stun.example:3478',
    'turn:u%3Aser:p%40ss@192.0.2.1:3478?transport=udp',
    'turn:u:p@192.0.2.1:3478?transport=tcp',
    'turn:192.0.2.1:3478',
    'http://x',
    'stun:x',
  ];
  assert.equal(nativeIceServers(texts), {
    servers: ['stun:stun.example:3478', { hostname: '192.0.2.1', port: 3478, username: 'u:ser', password: 'p@ss', relayType: 'TurnUdp' }],
    unreadable: 4,
  });
});

test('the native answer must be whole', () => {
  const whole = [
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuv',
    'a=setup:active',
    `a=fingerprint:${NATIVE.fingerprint}`,
    ...NATIVE.candidates,
  ];
  assert.equal(readNativeAnswer(whole.join('\r\n')), NATIVE);
  for (const [index] of whole.entries())
    if (index >= 2)
      assert.throws(
        () => readNativeAnswer(whole.filter((_, at) => at !== index).join('\r\n')),
        (error: unknown) => error instanceof DriverError,
      );
});

test.run();
