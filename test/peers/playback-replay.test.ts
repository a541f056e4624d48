/** The replay client against the test camera's storage: order, bounds, pace, seeking within one session, and nothing left behind. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../agent/kernel/clock.js';
import type { FootageReader, FootageWish } from '../../drivers/port.js';
import { createReplayClient } from '../../drivers/rtsp/replay.js';
import { until } from '../support/until.js';
import { type OnvifCamera, startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { type FakeOptions, startRtspFake } from './rtsp-fake.js';
import { asked, deserted, FakeClock, failure, LOGIN } from './rtsp-rig.js';

const start = Math.floor((Date.now() - 3 * 3_600_000) / 60_000) * 60_000;
const SPANS = [
  { fromMs: start, toMs: start + 60_000 },
  { fromMs: start + 90_000, toMs: start + 150_000 },
];
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const client = createReplayClient({ clock: systemClock, log: quiet });
let camera: OnvifCamera;

test.before(async () => {
  camera = await startOnvifCamera({ password: 'camera', discovery: false, recordings: SPANS });
});

test.after(async () => {
  await camera.stop();
});

const wish = (changes: Partial<FootageWish>): FootageWish => ({
  ...{ startMs: start, fromMs: start, toMs: start + 150_000, isReverse: false, isIntraOnly: false },
  ...changes,
});

async function open(changes: Partial<FootageWish>, signal = new AbortController().signal): Promise<FootageReader> {
  const uri = `rtsp://127.0.0.1:${camera.rtspPort}/replay/recording_0`;
  const login = { user: 'admin', password: { reveal: () => 'camera' } };
  return client.open({ uri, allowedHost: '127.0.0.1', login, wish: wish(changes), signal });
}

async function placesOf(reader: FootageReader, most: number): Promise<number[]> {
  const places: number[] = [];
  for (let picture = await reader.next(); picture !== undefined; picture = await reader.next()) {
    places.push(Math.round(picture.atMs - start));
    if (places.length >= most) break;
  }
  return places;
}

test('from the intra picture before the start on, with parameter sets, in steps of 40 ms', async () => {
  const reader = await open({ startMs: start + 10_000 });
  const first = await reader.next();
  assert.is(first?.isIntra, true);
  assert.ok(
    first?.nals.some((nal) => ((nal[0] ?? 0) & 31) === 7),
    'SPS',
  );
  const places = await placesOf(reader, 200);
  assert.equal(
    places,
    [...places.keys()].map((index) => Math.round((first?.atMs ?? 0) - start) + 40 * (index + 1)),
  );
  await reader.close();
});

test('it is read no faster than it is taken, and another place begins at once, ten times over', async () => {
  const before = camera.counters();
  for (const at of [41_000, 13_000, 120_500, 30_000, 5_000, 100_000, 20_000, 55_000, 140_000, 1_000]) {
    const reader = await open({ startMs: start + at });
    const picture = await reader.next();
    const away = start + at - (picture?.atMs ?? 0);
    assert.ok(away >= 0 && away < 4_000, `${away}`);
    await reader.close();
  }
  assert.ok(camera.counters().connections - before.connections <= 1, 'one connection');
});

test('intra pictures only, over the gap, and backwards', async () => {
  const forwards = await open({ isIntraOnly: true });
  const places = await placesOf(forwards, 1_000);
  assert.equal(
    places,
    [...places].sort((one, other) => one - other),
  );
  assert.is(places.filter((at) => at >= 60_000 && at < 90_000).length, 0);
  assert.ok(places.length >= 28);
  await forwards.close();
  const backwards = await open({ isReverse: true, isIntraOnly: true, startMs: start + 149_999 });
  assert.equal(await placesOf(backwards, 1_000), [...places].reverse());
  await backwards.close();
});

test('bounds are kept, and an abort leaves no connection', async () => {
  const abort = new AbortController();
  const reader = await open({ startMs: start + 30_000, fromMs: start + 30_000, toMs: start + 31_000 }, abort.signal);
  const places = await placesOf(reader, 1_000);
  // A second at 25 pictures, from the first intra picture in it; the whole of it comes in one read.
  assert.equal(places, [], 'no intra picture in it');
  const short = await open({ startMs: start + 32_000, fromMs: start + 32_000, toMs: start + 33_000 }, abort.signal);
  assert.equal(
    await placesOf(short, 1_000),
    [...Array(25).keys()].map((index) => 32_000 + index * 40),
  );
  abort.abort();
  await until('no connection is left', () => camera.counters().openConnections === 0);
});

/** A replay of a camera that the test bends. */
async function bent(hook: FakeOptions['hook'], act: (rig: Awaited<ReturnType<typeof begin>>) => Promise<void>): Promise<void> {
  const rig = await begin(hook);
  try {
    await act(rig);
  } finally {
    await rig.fake.close();
  }
}

async function begin(hook: FakeOptions['hook']) {
  const fake = await startRtspFake(hook === undefined ? {} : { hook });
  const [clock, abort] = [new FakeClock(), new AbortController()];
  const uri = `rtsp://127.0.0.1:${fake.port}/replay`;
  const where = { uri, allowedHost: '127.0.0.1', login: LOGIN, signal: abort.signal };
  const opened = createReplayClient({ clock, log: quiet }).open({ ...where, wish: wish({}) });
  opened.catch(() => undefined);
  return { fake, clock, abort, opened };
}

/** Interleaved packets, each a picture without time. */
function early(count: number, bytes: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, index) => {
      const head = Buffer.from([0x24, 0, 0, 0, 0x90, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0xab, 0xac, 0, 3]);
      const body = Buffer.alloc(12 + bytes, 0x65);
      head.writeUInt16BE(16 + body.length, 2);
      head.writeUInt16BE(index & 0xffff, 6);
      head.writeUInt32BE(index * 3_600, 8);
      return Buffer.concat([head, body]);
    }),
  );
}

const silentAtPlay: FakeOptions['hook'] = (request) => (request.method === 'PLAY' ? '' : undefined);

test('a camera that does not answer PLAY is let go with the deadline, with everything that it holds', () =>
  bent(silentAtPlay, async ({ fake, clock, opened }) => {
    await asked(fake, 'PLAY');
    clock.advance(10_001);
    // TEARDOWN is not waited for: the connection is down.
    assert.is((await failure(opened)).code, 'camera.timeout');
    await deserted(fake);
    assert.is(clock.armed, 0);
  }));

test('giving up ends the opening at every step', async () => {
  for (const step of ['DESCRIBE', 'SETUP', 'PLAY']) {
    await bent(
      (request) => (request.method === step ? '' : undefined),
      async ({ fake, clock, abort, opened }) => {
        await asked(fake, step);
        abort.abort();
        assert.is((await failure(opened)).code, 'driver.aborted');
        await deserted(fake);
        assert.is(clock.armed, 0);
      },
    );
  }
});

test('a camera that sends without end before it answers PLAY is cut off', () =>
  bent(silentAtPlay, async ({ fake, opened }) => {
    await asked(fake, 'PLAY');
    fake.send(early(500, 8));
    assert.is((await failure(opened)).code, 'camera.bad_answer');
    await deserted(fake);
  }));

test('a reader that is given up takes leave of the camera', () =>
  bent(undefined, async ({ fake, clock, abort, opened }) => {
    const reader = await opened;
    const next = reader.next();
    next.catch(() => undefined);
    abort.abort();
    assert.is((await failure(next)).code, 'driver.aborted');
    await reader.close();
    assert.ok(fake.requests.some(({ method }) => method === 'TEARDOWN'));
    await deserted(fake);
    assert.is(clock.armed, 0);
  }));

test.run();
