import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type FakeOptions, type FakeRequest, type RtspFake, reply, rtp, startRtspFake } from './rtsp-fake.js';
import { asked, deserted, FakeClock, failure, openFrom } from './rtsp-rig.js';

async function withFake(options: FakeOptions, act: (fake: RtspFake) => Promise<void>): Promise<void> {
  const fake = await startRtspFake(options);
  try {
    await act(fake);
  } finally {
    await fake.close();
  }
}

const silentAt = (method: string): FakeOptions => ({ hook: (request) => (request.method === method ? '' : undefined) });

function hangUp({ method, socket }: FakeRequest, stage: string): string | undefined {
  if (method !== stage) return undefined;
  socket.destroy();
  return '';
}

for (const stage of ['DESCRIBE', 'SETUP', 'PLAY']) {
  test(`aborted while ${stage} is not answered: the socket closes at once`, () =>
    withFake(silentAt(stage), async (fake) => {
      const rig = openFrom(fake.port);
      await asked(fake, stage);
      rig.abort.abort();
      assert.is((await failure(rig.opened)).code, 'driver.aborted');
      await deserted(fake);
      assert.is(rig.clock.armed, 0);
      assert.equal(rig.ends, []);
    }));

  test(`${stage} never answered: the whole opening takes 10 s at most`, () =>
    withFake(silentAt(stage), async (fake) => {
      const rig = openFrom(fake.port);
      await asked(fake, stage);
      rig.clock.advance(9999);
      assert.is(fake.sockets.size, 1);
      rig.clock.advance(1);
      const error = await failure(rig.opened);
      assert.is(error.code, 'camera.timeout');
      assert.ok(error.retryable);
      await deserted(fake);
      assert.is(rig.clock.armed, 0);
    }));

  test(`the camera hangs up at ${stage}`, () =>
    withFake({ hook: (request) => hangUp(request, stage) }, async (fake) => {
      const rig = openFrom(fake.port);
      assert.is((await failure(rig.opened)).code, 'camera.unreachable');
      assert.is(rig.clock.armed, 0);
    }));
}

test('aborted before it begins, and while playing', () =>
  withFake({}, async (fake) => {
    const signal = AbortSignal.abort();
    assert.is((await failure(openFrom(fake.port, { signal }).opened)).code, 'driver.aborted');
    assert.is(fake.connections, 0);
    const rig = openFrom(fake.port);
    const pull = await rig.opened;
    rig.abort.abort();
    assert.is(rig.ends[0]?.code, 'driver.aborted');
    await deserted(fake);
    await pull.close();
    assert.is(rig.ends.length, 1);
    assert.is(rig.clock.armed, 0);
  }));

test('aborted by the handler of a packet that came before PLAY was answered: the rest of that read is not handed out', () =>
  withFake({ hook: (request) => (request.method === 'PLAY' ? Buffer.concat([rtp(0, 1, 20), rtp(0, 2, 20)]) : undefined) }, async (fake) => {
    const abort = new AbortController();
    let count = 0;
    const onRtp = (): void => {
      count += 1;
      abort.abort();
    };
    assert.is((await failure(openFrom(fake.port, { signal: abort.signal, onRtp }).opened)).code, 'driver.aborted');
    await deserted(fake);
    assert.is(count, 1);
  }));

test('nobody listens', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  assert.is((await failure(openFrom(port).opened)).code, 'camera.unreachable');
});

test('a host name works like an address', () =>
  withFake({}, async (fake) => {
    const pull = await openFrom(fake.port, { uri: `rtsp://localhost:${fake.port}/main`, allowedHost: 'localhost' }).opened;
    await pull.close();
  }));

test('over IPv6', () =>
  withFake({ host: '::1' }, async (fake) => {
    const pull = await openFrom(fake.port, { uri: `rtsp://[0:0:0:0:0:0:0:1]:${fake.port}/main`, allowedHost: '[::1]' }).opened;
    assert.is(fake.requests[0]?.uri, `rtsp://[::1]:${fake.port}/main`);
    await pull.close();
  }));

test('no packet for 10 s ends the stream; packets put that off', () =>
  withFake({}, async (fake) => {
    const rig = openFrom(fake.port);
    await rig.opened;
    rig.clock.advance(8000);
    fake.send(rtp(0, 1, 20));
    await rig.received(1);
    rig.clock.advance(9999);
    assert.equal(rig.ends, []);
    rig.clock.advance(1);
    assert.is((await rig.ended).code, 'stream.ended');
    await deserted(fake);
    assert.is(rig.clock.armed, 0);
  }));

test('the camera hangs up while playing: told once', () =>
  withFake({}, async (fake) => {
    const rig = openFrom(fake.port);
    const pull = await rig.opened;
    for (const socket of fake.sockets) socket.end();
    assert.is((await rig.ended).code, 'stream.ended');
    await pull.close();
    assert.is(rig.ends.length, 1);
    assert.is(rig.clock.armed, 0);
  }));

test('close gives a silent camera 300 ms for TEARDOWN, and hands out nothing meanwhile', () =>
  withFake(silentAt('TEARDOWN'), async (fake) => {
    const rig = openFrom(fake.port);
    const pull = await rig.opened;
    const closed = pull.close();
    await asked(fake, 'TEARDOWN');
    // The answer to a request behind the packet proves that the packet has been read.
    fake.send(Buffer.concat([rtp(0, 1, 20), Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n')]));
    await asked(fake, 'RTSP/1.0');
    rig.clock.advance(299);
    assert.is(fake.sockets.size, 1);
    rig.clock.advance(1);
    await closed;
    await deserted(fake);
    assert.equal(rig.packets, []);
    assert.equal(rig.ends, []);
  }));

/** Lets time pass in steps in which packets keep coming, so that the stream does not count as idle. */
async function play(fake: RtspFake, rig: ReturnType<typeof openFrom>, durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 5000) {
    fake.send(rtp(0, rig.packets.length, 20));
    await rig.received(rig.packets.length + 1);
    rig.clock.advance(5000);
  }
}

for (const [offer, later] of [
  ['OPTIONS, DESCRIBE, GET_PARAMETER', 'GET_PARAMETER'],
  ['OPTIONS, DESCRIBE', 'OPTIONS'],
] as const) {
  test(`keep-alive at half the session's time-out, by ${later} where the camera says ${offer}`, () =>
    withFake(
      { extra: { SETUP: 'Transport: RTP/AVP/TCP;interleaved=0-1\r\nSession: 9;timeout=20\r\n', OPTIONS: `Public: ${offer}\r\n` } },
      async (fake) => {
        const rig = openFrom(fake.port);
        const pull = await rig.opened;
        await play(fake, rig, 10_000);
        await asked(fake, 'OPTIONS');
        // One more packet is read behind the answer, so the answer has been read as well.
        await play(fake, rig, 10_000);
        await asked(fake, later, later === 'OPTIONS' ? 2 : 1);
        assert.equal(
          fake.requests.slice(3).map(({ method, headers }) => `${method} ${headers.get('session')}`),
          ['OPTIONS 9', `${later} 9`],
        );
        await pull.close();
      },
    ));
}

test('a keep-alive refused or unanswered does not end the stream', async () => {
  for (const answer of ['501 Not Implemented', '']) {
    await withFake({ hook: (request) => (request.method === 'OPTIONS' ? answer && reply(request, answer) : undefined) }, async (fake) => {
      const rig = openFrom(fake.port);
      const pull = await rig.opened;
      await play(fake, rig, 65_000);
      assert.is(fake.requests.filter(({ method }) => method === 'OPTIONS').length, 2);
      assert.equal(rig.ends, []);
      await pull.close();
    });
  }
});

test('a receiver report every 5 s on the RTCP channel', () =>
  withFake({}, async (fake) => {
    const rig = openFrom(fake.port);
    const pull = await rig.opened;
    await play(fake, rig, 15_000);
    while (fake.packets.length < 3) await once(fake.events, 'packet');
    for (const packet of fake.packets) {
      assert.is(packet.toString('hex', 0, 8), '2401003481c90007');
      assert.is(packet.readUInt32BE(12), 7);
    }
    await pull.close();
  }));

test('streams share one read buffer and nothing gets mixed up', () =>
  withFake({}, async (fake) => {
    const clock = new FakeClock();
    const rigs = Array.from({ length: 6 }, () => openFrom(fake.port, {}, clock));
    const pulls = await Promise.all(rigs.map(({ opened }) => opened));
    const sockets = [...fake.sockets];
    // Pieces of an odd size on all connections in turn: nearly every packet is cut, each somewhere else.
    const streams = sockets.map((_, index) =>
      Buffer.concat(Array.from({ length: 200 }, (_unused, n) => rtp(0, n + index * 31, 700, index))),
    );
    const length = streams[0]?.length ?? 0;
    for (let at = 0; at < length; at += 977)
      for (const [index, socket] of sockets.entries()) socket.write(streams[index]?.subarray(at, at + 977) ?? '');
    await Promise.all(rigs.map((rig) => rig.received(200)));
    const seen = rigs.map(({ packets }) => packets.join('')).sort();
    const sent = streams
      .map((_, index) => Array.from({ length: 200 }, (_unused, n) => rtp(0, n + index * 31, 700, index).toString('hex', 4)).join(''))
      .sort();
    assert.equal(seen, sent);
    await Promise.all(pulls.map((pull) => pull.close()));
  }));

test('a packet handler that throws ends its own stream and nothing else', () =>
  withFake({}, async (fake) => {
    const rig = openFrom(fake.port, {
      onRtp: () => {
        throw new TypeError('broken handler');
      },
    });
    await rig.opened;
    fake.send(rtp(0, 1, 20));
    assert.is((await rig.ended).code, 'stream.ended');
    assert.equal(rig.warnings, ['a packet handler failed']);
    await deserted(fake);
  }));

test.run();
