import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type FakeOptions, type RtspFake, reply, rtp, startRtspFake } from './rtsp-fake.js';
import { asked, deserted, failure, openFrom } from './rtsp-rig.js';

const NONCE = 'nonce="8b1d0f"';

async function withFake(options: FakeOptions, act: (fake: RtspFake) => Promise<void>): Promise<void> {
  const fake = await startRtspFake(options);
  try {
    await act(fake);
  } finally {
    await fake.close();
  }
}

const methods = (fake: RtspFake): string => fake.requests.map(({ method }) => method).join(' ');
const payload = (sequence: number, bytes: number): string => rtp(0, sequence, bytes).toString('hex', 4);

test('plays: three requests, the track, packets of the video channel only, TEARDOWN, and nothing left', () =>
  withFake({}, async (fake) => {
    const rig = openFrom(fake.port);
    const pull = await rig.opened;
    assert.is(methods(fake), 'DESCRIBE SETUP PLAY');
    assert.is(fake.requests[1]?.uri, `rtsp://127.0.0.1:${fake.port}/main/track1`);
    assert.is(fake.requests[2]?.uri, `rtsp://127.0.0.1:${fake.port}/main`);
    assert.is(fake.requests[2]?.headers.get('session'), '42');
    assert.is(pull.track.profileLevelId, '640028');
    fake.send(Buffer.concat([rtp(0, 1, 30), rtp(1, 2, 30), rtp(2, 3, 30), rtp(0, 4, 1400)]));
    await rig.received(2);
    assert.equal(rig.packets, [payload(1, 30), payload(4, 1400)]);
    await Promise.all([pull.close(), pull.close()]);
    await deserted(fake);
    assert.is(methods(fake), 'DESCRIBE SETUP PLAY TEARDOWN');
    assert.is(rig.clock.armed, 0);
    assert.equal(rig.ends, []);
  }));

for (const challenge of [
  `Digest realm="cam", ${NONCE}`,
  `Digest realm="cam", ${NONCE}, qop="auth,auth-int", opaque="o"`,
  `Digest realm="cam", ${NONCE}, algorithm=SHA-256, qop="auth"`,
  `Digest realm="cam", ${NONCE}, algorithm=MD5-sess, qop="auth"`,
  `Basic realm="cam", Digest realm="cam", ${NONCE}, algorithm=SHA-256-sess, qop="auth"`,
]) {
  test(`login: ${challenge}`, () =>
    withFake({ challenge }, async (fake) => {
      const pull = await openFrom(fake.port).opened;
      assert.is(methods(fake), 'DESCRIBE DESCRIBE SETUP PLAY');
      await pull.close();
    }));
}

test('a wrong password is sent once and never again', () =>
  withFake({ challenge: `Digest realm="cam", ${NONCE}`, login: { user: 'admin', password: 'other' } }, async (fake) => {
    assert.is((await failure(openFrom(fake.port).opened)).code, 'camera.unauthorized');
    assert.is(methods(fake), 'DESCRIBE DESCRIBE');
    await deserted(fake);
    assert.is((await failure(openFrom(fake.port, { login: undefined }).opened)).code, 'camera.unauthorized');
    assert.is(methods(fake), 'DESCRIBE DESCRIBE DESCRIBE');
  }));

test('a new nonce for every request is answered; a nonce called stale for ever is not', async () => {
  let nonce = 0;
  const fresh = await startRtspFake({
    hook: (request) => {
      if (request.headers.get('authorization')?.includes(`nonce="n${nonce}"`)) {
        nonce += 1;
        return undefined;
      }
      return reply(request, '401 Unauthorized', `WWW-Authenticate: Digest realm="cam", nonce="n${nonce}"\r\n`);
    },
  });
  await (await openFrom(fresh.port).opened).close();
  assert.is(methods(fresh), 'DESCRIBE DESCRIBE SETUP SETUP PLAY PLAY TEARDOWN TEARDOWN');
  await fresh.close();
  const stale = 'WWW-Authenticate: Digest realm="cam", nonce="n", stale=true\r\n';
  await withFake({ hook: (request) => reply(request, '401 Unauthorized', stale) }, async (fake) => {
    assert.is((await failure(openFrom(fake.port).opened)).code, 'camera.unauthorized');
    assert.is(fake.requests.length, 3);
  });
});

test('Basic alone is not answered in clear; a connection closed behind the 401 is opened again', async () => {
  await withFake({ challenge: 'Basic realm="cam"' }, async (fake) => {
    assert.is((await failure(openFrom(fake.port).opened)).code, 'camera.unsupported');
    assert.not.ok(fake.requests.some(({ headers }) => headers.has('authorization')));
  });
  const hook: FakeOptions['hook'] = (request) => {
    if (request.headers.has('authorization')) return undefined;
    request.socket.end(reply(request, '401 Unauthorized', `Connection: Close\r\nWWW-Authenticate: Digest realm="cam", ${NONCE}\r\n`));
    return '';
  };
  await withFake({ challenge: `Digest realm="cam", ${NONCE}`, hook }, async (fake) => {
    await (await openFrom(fake.port).opened).close();
    assert.is(fake.connections, 2);
  });
});

test('redirects: within the host they are followed, elsewhere and in a circle they are not', async () => {
  const goal = await startRtspFake();
  const to = (location: string): FakeOptions => ({ hook: (request) => reply(request, '302 Found', `Location: ${location}\r\n`) });
  await withFake(to(`rtsp://127.0.0.1:${goal.port}/there`), async (fake) => {
    await (await openFrom(fake.port).opened).close();
    await deserted(fake);
    assert.is(goal.requests[0]?.uri, `rtsp://127.0.0.1:${goal.port}/there`);
  });
  const before = goal.connections;
  for (const location of [`rtsp://localhost:${goal.port}/x`, 'http://127.0.0.1/x', 'file:///etc/passwd', '']) {
    await withFake(to(location), async (fake) => {
      assert.is((await failure(openFrom(fake.port).opened)).code, 'stream.bad_uri', location);
    });
  }
  assert.is(goal.connections, before);
  await goal.close();
  const circle: FakeOptions = { hook: (request, fake) => reply(request, '301 Moved', `Location: rtsp://127.0.0.1:${fake.port}/x\r\n`) };
  await withFake(circle, async (fake) => {
    assert.is((await failure(openFrom(fake.port).opened)).code, 'camera.bad_answer');
    assert.is(fake.connections, 5);
  });
});

test('a hostile address is refused before any connection', () =>
  withFake({}, async (fake) => {
    for (const uri of [
      'file:///etc/passwd',
      `http://127.0.0.1:${fake.port}/`,
      `rtsp://u:p@127.0.0.1:${fake.port}/`,
      `rtsp://localhost:${fake.port}/`,
    ]) {
      const rig = openFrom(fake.port, { uri });
      assert.is((await failure(rig.opened)).code, 'stream.bad_uri', uri);
      assert.is(rig.clock.armed, 0);
    }
    assert.is(fake.connections, 0);
  }));

test('statuses become codes', async () => {
  const cases: readonly [string, string, string, boolean][] = [
    ['DESCRIBE', '404 Not Found', 'camera.unsupported', false],
    ['DESCRIBE', '403 Forbidden', 'camera.unauthorized', false],
    ['SETUP', '461 Unsupported Transport', 'stream.unsupported', false],
    ['SETUP', '454 Session Not Found', 'camera.bad_answer', true],
    ['PLAY', '503 Service Unavailable', 'camera.bad_answer', true],
    ['PLAY', '455 Method Not Valid', 'camera.refused', false],
  ];
  for (const [method, status, code, isRetryable] of cases) {
    await withFake({ hook: (request) => (request.method === method ? reply(request, status) : undefined) }, async (fake) => {
      const rig = openFrom(fake.port);
      const error = await failure(rig.opened);
      assert.is(error.code, code, status);
      assert.is(error.retryable, isRetryable, status);
      assert.match(error.message, status.slice(0, 3));
      assert.is(rig.clock.armed, 0);
      await deserted(fake);
    });
  }
});

test('another reading of the control address is tried when the first is not found', () =>
  withFake(
    {
      hook: (request) => (request.method === 'SETUP' && request.uri.includes('?') ? reply(request, '404 Not Found') : undefined),
    },
    async (fake) => {
      const pull = await openFrom(fake.port, { uri: `rtsp://127.0.0.1:${fake.port}/a/b?c=1` }).opened;
      assert.equal(
        fake.requests.filter(({ method }) => method === 'SETUP').map(({ uri }) => new URL(uri).href.replace(/^rtsp:..[^/]*/, '')),
        ['/a/b?c=1/track1', '/a/track1'],
      );
      await pull.close();
    },
  ));

test('other channels than asked for, and a description without H.264', async () => {
  await withFake({ extra: { SETUP: 'Transport: RTP/AVP/TCP;unicast;interleaved=8-9\r\nSession: 1\r\n' } }, async (fake) => {
    const rig = openFrom(fake.port);
    const pull = await rig.opened;
    fake.send(Buffer.concat([rtp(0, 1, 20), rtp(8, 2, 20)]));
    await rig.received(1);
    assert.equal(rig.packets, [payload(2, 20)]);
    await pull.close();
  });
  await withFake({ sdp: 'v=0\r\nm=video 0 RTP/AVP 26\r\n' }, async (fake) => {
    const error = await failure(openFrom(fake.port).opened);
    assert.is(error.code, 'stream.unsupported');
    assert.match(error.message, 'JPEG');
  });
  await withFake({ extra: { SETUP: 'Transport: RTP/AVP;unicast;client_port=1-2\r\n' } }, async (fake) => {
    assert.is((await failure(openFrom(fake.port).opened)).code, 'stream.unsupported');
  });
});

test('requests by the camera are answered, and its TEARDOWN ends the stream', () =>
  withFake({}, async (fake) => {
    const answers: string[] = [];
    const rig = openFrom(fake.port);
    await rig.opened;
    fake.events.on('request', ({ method, uri }) => method.startsWith('RTSP') && answers.push(uri));
    fake.send(
      'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\nANNOUNCE rtsp://a RTSP/1.0\r\nCSeq: 2\r\nContent-Length: 3\r\n\r\nv=0PLAY_NOTIFY rtsp://a RTSP/1.0\r\nCSeq: 3\r\n\r\n',
    );
    while (answers.length < 3) await once(fake.events, 'request');
    assert.equal(answers, ['200', '200', '501']);
    fake.send(Buffer.concat([rtp(0, 1, 20), Buffer.from('TEARDOWN rtsp://a RTSP/1.0\r\nCSeq: 4\r\n\r\n'), rtp(0, 2, 20)]));
    assert.is((await rig.ended).code, 'stream.ended');
    assert.equal(rig.packets, [payload(1, 20)]);
    await deserted(fake);
    assert.is(rig.clock.armed, 0);
    await asked(fake, 'PLAY');
  }));

test.run();
