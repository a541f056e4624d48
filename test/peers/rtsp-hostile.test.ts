import { once } from 'node:events';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../drivers/port.js';
import { certificatesOf } from '../../drivers/rtsp/certificates.js';
import { createReplayClient } from '../../drivers/rtsp/replay.js';
import type { RtspUri } from '../../drivers/rtsp/uri.js';
import { type FakeOptions, type RtspFake, reply, rtp, SDP, startRtspFake } from './rtsp-fake.js';
import { deserted, FakeClock, failure, LOGIN, openFrom } from './rtsp-rig.js';

/** A certificate a camera could have made for itself. It guards nothing: key and certificate are for these tests only. */
const TLS = {
  key: `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEILL9mRTt+jPWJmSzRsxy7AdZJx4vbj+10KhfJ1eMlvsroAoGCCqGSM49
AwEHoUQDQgAEE/Glnd6gwy9bJtldbrK71NCiuKYnDJP0XLyEuLGi/9ZNecWTimgv
BVjDU6T37QRPyvRdC6ZzLZBSPNwoU2qfBQ==
-----END EC PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBgjCCASmgAwIBAgIUWNZdxZ+Ema3+ubkxJWEuIsW32fkwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLdGVzdCBjYW1lcmEwIBcNMjYxMTI0MDkxNjM5WhgPMjEyNjEw
MzEwOTE2MzlaMBYxFDASBgNVBAMMC3Rlc3QgY2FtZXJhMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEE/Glnd6gwy9bJtldbrK71NCiuKYnDJP0XLyEuLGi/9ZNecWT
imgvBVjDU6T37QRPyvRdC6ZzLZBSPNwoU2qfBaNTMFEwHQYDVR0OBBYEFOKrG46h
DFUFM+quN+b/3kGjw2nSMB8GA1UdIwQYMBaAFOKrG46hDFUFM+quN+b/3kGjw2nS
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgXcsg9iIf6o8qG9C4
0AeDmxx8REC6webDboCwidl3mrgCIBNctJ202DSQg/yInK/HRIzST1UQEFrcK/oO
XRXWqEu4
-----END CERTIFICATE-----
`,
};

async function withFake(options: FakeOptions, act: (fake: RtspFake) => Promise<void>): Promise<void> {
  const fake = await startRtspFake(options);
  try {
    await act(fake);
  } finally {
    await fake.close();
  }
}

test('rtsps: encrypted, with Basic allowed, and no way back to plain', async () => {
  await withFake({ tls: TLS, challenge: 'Basic realm="cam"' }, async (fake) => {
    const uri = `rtsps://127.0.0.1:${fake.port}/main`;
    const withheld = await failure(openFrom(fake.port, { uri }).opened);
    assert.equal([withheld.code, withheld.detail.isPasswordWithheld], ['camera.unauthorized', true]);
    assert.ok(fake.requests.every(({ headers }) => !headers.has('authorization')));
    const rig = openFrom(fake.port, { uri, login: { ...LOGIN, mayBasic: true } });
    const pull = await rig.opened;
    assert.is(fake.requests[0]?.uri, uri);
    fake.send(Buffer.concat(Array.from({ length: 100 }, (_, n) => rtp(0, n, 900))));
    await rig.received(100);
    assert.is(rig.packets[99], rtp(0, 99, 900).toString('hex', 4));
    await pull.close();
    await deserted(fake);
    const plain = openFrom(fake.port);
    assert.is((await failure(plain.opened)).code, 'camera.unreachable');
  });
  await withFake(
    { tls: TLS, hook: (request, fake) => reply(request, '302 Found', `Location: rtsp://127.0.0.1:${fake.port}/x\r\n`) },
    async (fake) => {
      assert.is((await failure(openFrom(fake.port, { uri: `rtsps://127.0.0.1:${fake.port}/main` }).opened)).code, 'stream.bad_uri');
      assert.is(fake.connections, 1);
    },
  );
});

test('another certificate than before gets no password in clear, live or in replay, at whatever connection', () =>
  withFake({ tls: TLS, challenge: 'Basic realm="cam"' }, async (fake) => {
    const clock = new FakeClock();
    const log = { debug() {}, info() {}, warn() {} };
    const uri = `rtsps://127.0.0.1:${fake.port}/main`;
    const { port } = fake;
    certificatesOf(clock).isExpected({ isSecure: true, host: '127.0.0.1', port, path: '/main' } as RtspUri, 'AA:BB', log);
    const wish = { startMs: 0, fromMs: 0, toMs: 1, isReverse: false, isIntraOnly: false };
    const where = { uri, allowedHost: '127.0.0.1', login: LOGIN, signal: new AbortController().signal, wish };
    const live = await failure(openFrom(port, { uri }, clock).opened);
    const replayed = await failure(createReplayClient({ clock, log }).open(where));
    const again = await failure(openFrom(port, { uri }, clock).opened);
    for (const { code, message } of [live, replayed, again]) {
      assert.is(code, 'camera.unauthorized');
      assert.match(message, /another certificate/);
    }
    assert.ok(fake.requests.length >= 3);
    assert.ok(fake.requests.every(({ headers }) => !headers.has('authorization')));
    await deserted(fake);
  }));

test('a camera that asks and asks without reading the answers is cut off', () =>
  withFake({}, async (fake) => {
    const rig = openFrom(fake.port);
    await rig.opened;
    for (const socket of fake.sockets) socket.pause();
    const flood = Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'.repeat(2000));
    const [socket] = fake.sockets;
    assert.ok(socket);
    let isOver = false;
    void rig.ended.then(() => {
      isOver = true;
    });
    while (!isOver && !socket.destroyed)
      if (!socket.write(flood)) await Promise.race([once(socket, 'drain'), rig.ended, once(socket, 'close')]);
    assert.is((await rig.ended).code, 'camera.bad_answer');
  }));

test('garbage instead of media ends the stream after a megabyte', () =>
  withFake({}, async (fake) => {
    const rig = openFrom(fake.port);
    await rig.opened;
    fake.send(Buffer.alloc(1_100_000, 0x33));
    assert.is((await rig.ended).code, 'camera.bad_answer');
  }));

test('a description larger than any camera needs is not read', () =>
  withFake({ hook: (request) => reply(request, '200 OK', 'Content-Length: 999999999\r\n') }, async (fake) => {
    assert.is((await failure(openFrom(fake.port).opened)).code, 'camera.bad_answer');
  }));

test('answers split at every byte and with media between them', () => {
  const hook: FakeOptions['hook'] = (request) => {
    const media = rtp(0, 1, 20);
    if (request.method === 'PLAY') return Buffer.concat([media, Buffer.from(reply(request, '200 OK')), media]);
    if (request.method !== 'DESCRIBE') return undefined;
    for (const char of reply(request, '200 OK', '', SDP)) request.socket.write(char);
    return '';
  };
  return withFake({ hook }, async (fake) => {
    const rig = openFrom(fake.port);
    const pull = await rig.opened;
    await rig.received(2);
    await pull.close();
  });
});

/** What a real conversation looks like from the client's side, to be damaged. */
const TRANSCRIPT = {
  DESCRIBE: `RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Base: rtsp://127.0.0.1/main/\r\nContent-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`,
  SETUP: 'RTSP/1.0 200 OK\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 42;timeout=60\r\n\r\n',
  PLAY: 'RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 42\r\nRTP-Info: url=rtsp://127.0.0.1/main/track1;seq=1\r\n\r\n',
} as const;

test('damaged conversations: open resolves or fails with a DriverError, nothing is thrown elsewhere, no socket stays', async () => {
  const thrown: unknown[] = [];
  const note = (error: unknown): void => void thrown.push(error);
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  const damage = fc.record({
    stage: fc.constantFrom('DESCRIBE', 'SETUP', 'PLAY'),
    at: fc.nat(600),
    length: fc.nat(30),
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          '\r\n\r\n',
          '$\x00\xff\xff',
          'RTSP/1.0 401 X\r\nWWW-Authenticate: Digest nonce="a"\r\n\r\n',
          'Content-Length: 99\r\n',
          '\x00',
          ':',
          '=',
        )
        .map((text) => Buffer.from(text, 'latin1')),
    ),
  });
  const one = async ({ stage, at, length, bytes }: { stage: string; at: number; length: number; bytes: Buffer }): Promise<void> => {
    const hook: FakeOptions['hook'] = (request) => {
      const text = Buffer.from(TRANSCRIPT[request.method as keyof typeof TRANSCRIPT] ?? '', 'latin1');
      const place = at % (text.length + 1);
      const sent = request.method === stage ? Buffer.concat([text.subarray(0, place), bytes, text.subarray(place + length)]) : text;
      request.socket.end(Buffer.concat([sent, stage === request.method || request.method === 'PLAY' ? rtp(0, 1, 30) : Buffer.alloc(0)]));
      return '';
    };
    const keep: FakeOptions['hook'] = (request, fake) => {
      const isLast = request.method === stage || request.method === 'PLAY';
      if (isLast) return hook(request, fake);
      return TRANSCRIPT[request.method as keyof typeof TRANSCRIPT] ?? '';
    };
    const fake = await startRtspFake({ hook: keep });
    const clock = new FakeClock();
    const rig = openFrom(fake.port, {}, clock);
    const outcome = await rig.opened.catch((error: unknown) => error);
    if (outcome instanceof Error) assert.instance(outcome, DriverError);
    else await (outcome as { close(): Promise<void> }).close();
    assert.is(clock.armed, 0);
    await deserted(fake);
    await fake.close();
  };
  await fc.assert(fc.asyncProperty(damage, one), { numRuns: 400 });
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
  assert.equal(thrown, []);
});

test.run();
