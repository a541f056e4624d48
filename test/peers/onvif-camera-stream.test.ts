import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readFrameNumber } from './onvif-camera/frame-code.js';
import { startOnvifCamera } from './onvif-camera/onvif-camera.js';
import { callSoap, isIdrFrame, RtspTester, sequenceOf, timestampOf } from './onvif-camera-client.js';

const synchronize = '<SetSynchronizationPoint><ProfileToken>profile_main</ProfileToken></SetSynchronizationPoint>';

/** The burnt-in numbers of the first `count` frames that ffmpeg decodes. */
async function decode(uri: string, width: number, count: number): Promise<readonly (number | undefined)[]> {
  const source = uri.replace('rtsp://', 'rtsp://admin:camera@');
  const strip = [
    '-vf',
    `crop=${width}:${width / 40}:0:0`,
    '-vsync',
    'passthrough',
    '-frames:v',
    String(count),
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgba',
    '-',
  ];
  const child = spawn(
    'ffmpeg',
    ['-v', 'error', '-nostdin', '-analyzeduration', '200000', '-rtsp_transport', 'tcp', '-i', source, ...strip],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  const [code] = (await once(child, 'close')) as [number];
  assert.is(code, 0, 'ffmpeg plays it');
  const bytes = Buffer.concat(pieces);
  const size = width * (width / 40) * 4;
  return Array.from({ length: bytes.length / size }, (_, index) =>
    readFrameNumber(bytes.subarray(index * size, (index + 1) * size), width),
  );
}

/** How far apart each number is from the one before, in the loop of 500. */
const steps = (numbers: readonly (number | undefined)[]): readonly number[] =>
  numbers.slice(1).map((value, index) => ((value ?? Number.NaN) - (numbers[index] ?? Number.NaN) + 500) % 500);

test('ffmpeg plays both streams: real frames, each one the next', async () => {
  const camera = await startOnvifCamera({ discovery: false, idrAtPlay: true });
  try {
    for (const [kind, width] of [
      ['main', 1280],
      ['sub', 640],
    ] as const) {
      const numbers = await decode(camera.rtspUri(kind), width, 40);
      assert.is(numbers.length, 40);
      assert.ok(
        steps(numbers).every((step) => step === 1),
        numbers.join(' '),
      );
    }
    assert.is(camera.counters().plays, 2);
  } finally {
    await camera.stop();
  }
});

test('PLAY begins in the middle of a GOP, a synchronization point brings an IDR at once, time and sequence go on', async () => {
  const camera = await startOnvifCamera({ discovery: false });
  const client = new RtspTester(camera.rtspUri('main'));
  try {
    await client.play();
    let last = await client.frame();
    // The phase is the wall clock's: one start in a hundred meets an IDR by chance.
    while (isIdrFrame(last)) last = await client.frame();
    const asked = callSoap(camera.deviceUri, 'media', synchronize);
    let frames = 0;
    for (let isIdr = false; !isIdr; frames += 1) {
      const next = await client.frame();
      isIdr = isIdrFrame(next);
      assert.is((timestampOf(next[0] ?? (last[0] as Buffer)) - timestampOf(last[0] as Buffer)) >>> 0, 3600);
      assert.is(sequenceOf(next[0] as Buffer), (sequenceOf(last.at(-1) as Buffer) + 1) & 0xffff);
      last = next;
    }
    assert.is((await asked).status, 200);
    assert.ok(frames < 12, `${frames} frames until the IDR`);
    assert.is(camera.counters().syncRequests, 1);
    camera.set({ ignoresSync: true });
    await callSoap(camera.deviceUri, 'media', synchronize);
    for (let more = 0; more < 5; more += 1) assert.not.ok(isIdrFrame(await client.frame()));
  } finally {
    client.close();
    await camera.stop();
  }
});

test('a new frame rate and size are really sent, in the running session', async () => {
  const camera = await startOnvifCamera({ discovery: false });
  const client = new RtspTester(camera.rtspUri('sub'));
  try {
    await client.play();
    await client.frame();
    const { text } = await callSoap(
      camera.deviceUri,
      'media',
      '<GetVideoEncoderConfiguration><ConfigurationToken>encoder_sub</ConfigurationToken></GetVideoEncoderConfiguration>',
    );
    const inner = (/<trt:Configuration [^>]*>(.*)<\/trt:Configuration>/s.exec(text)?.[1] ?? '')
      .replace(/<tt:Width>640<\/tt:Width><tt:Height>360/, '<tt:Width>320</tt:Width><tt:Height>180')
      .replace('<tt:FrameRateLimit>25', '<tt:FrameRateLimit>12');
    const set = `<SetVideoEncoderConfiguration><Configuration token="encoder_sub">${inner}</Configuration><ForcePersistence>true</ForcePersistence></SetVideoEncoderConfiguration>`;
    assert.is((await callSoap(camera.deviceUri, 'media', set)).status, 200);
    let frame = await client.frame();
    while (!isIdrFrame(frame)) frame = await client.frame();
    for (let count = 0; count < 3; count += 1) {
      const next = await client.frame();
      // 12 asked for, the clip below it has 10.
      assert.is((timestampOf(next[0] as Buffer) - timestampOf(frame[0] as Buffer)) >>> 0, 9000);
      frame = next;
    }
    const numbers = await decode(camera.rtspUri('sub'), 320, 10);
    assert.ok(
      steps(numbers.slice(-3)).every((step) => step === 2 || step === 3),
      numbers.join(' '),
    );
    assert.match((await client.request('DESCRIBE')).text, /a=framerate:10/);
  } finally {
    client.close();
    await camera.stop();
  }
});

test('each refusal of the RTSP server', async () => {
  const camera = await startOnvifCamera({ discovery: false });
  const client = new RtspTester(camera.rtspUri('main'));
  const wrong = new RtspTester(camera.rtspUri('main'), 'wrong');
  try {
    assert.is((await client.request('OPTIONS')).status, 200);
    assert.is((await client.request('DESCRIBE')).status, 401);
    assert.match((await client.request('DESCRIBE')).text, /sprop-parameter-sets=/);
    assert.is((await client.request('SETUP', '/trackID=0', { Transport: 'RTP/AVP;unicast;client_port=5000-5001' })).status, 461);
    assert.is((await client.request('SETUP', '', { Transport: 'RTP/AVP/TCP;unicast' })).status, 459);
    assert.is((await client.request('PLAY')).status, 454);
    assert.is((await client.request('DESCRIBE', '/nothing')).status, 404);
    assert.is((await client.request('ANNOUNCE')).status, 405);
    assert.is((await client.request('PLAY', '', { Require: 'onvif-replay' })).status, 551);
    await client.play();
    assert.is(camera.counters().playingSessions, 1);
    assert.is((await client.request('GET_PARAMETER')).status, 200);
    assert.is((await client.request('TEARDOWN')).status, 200);
    assert.is(camera.counters().playingSessions, 0);
    assert.is((await wrong.request('DESCRIBE')).status, 401);
    assert.is((await wrong.request('DESCRIBE')).status, 401);
  } finally {
    client.close();
    wrong.close();
    await camera.stop();
  }
});

test('SHA-256, or no password at all, where the camera is set so; a sender report comes with the first frame', async () => {
  for (const rtspDigest of ['SHA-256', 'none'] as const) {
    const camera = await startOnvifCamera({ discovery: false, rtspDigest });
    const client = new RtspTester(camera.rtspUri('sub'));
    try {
      await client.play();
      const { bytes } = await client.report();
      assert.is(bytes[1], 200);
      assert.ok(Math.abs(bytes.readUInt32BE(8) - 2_208_988_800 - Date.now() / 1000) < 5);
      await client.frame();
    } finally {
      client.close();
      await camera.stop();
    }
  }
});

test('a client that sends nothing is dropped after its time, one whose keep-alives come is not', async () => {
  const camera = await startOnvifCamera({ discovery: false, sessionTimeoutS: 1 });
  const silent = new RtspTester(camera.rtspUri('sub'));
  const alive = new RtspTester(camera.rtspUri('sub'));
  try {
    await silent.play();
    await alive.play();
    const beat = setInterval(() => alive.socket.write(Buffer.from([0x24, 1, 0, 4, 0x80, 201, 0, 0])), 300);
    await once(silent.socket, 'close');
    clearInterval(beat);
    // The client may see the end of the connection an instant before the camera's own socket is closed.
    while (camera.counters().openConnections > 1) await new Promise((resolve) => setImmediate(resolve));
    assert.is(camera.counters().playingSessions, 1);
    assert.is(camera.counters().openConnections, 1);
  } finally {
    silent.close();
    alive.close();
    await camera.stop();
  }
});

test('gone offline: running streams break, new connections too, and it comes back', async () => {
  const camera = await startOnvifCamera({ discovery: false });
  const client = new RtspTester(camera.rtspUri('sub'));
  try {
    await client.play();
    await client.frame();
    camera.set({ goneOffline: true });
    await once(client.socket, 'close');
    const late = new RtspTester(camera.rtspUri('sub'));
    await once(late.socket, 'close');
    while (camera.counters().openConnections > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.is(camera.counters().playingSessions, 0);
    camera.set({ goneOffline: false });
    const back = new RtspTester(camera.rtspUri('sub'));
    assert.is((await back.request('OPTIONS')).status, 200);
    back.close();
  } finally {
    client.close();
    await camera.stop();
  }
});

test.run();
