/** H.264 of H.265: every picture, in order, at once; bounded; and no child is ever left. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../../agent/kernel/clock.js';
import { encoderTrialArguments, transcodeArguments } from '../../../../drivers/ffmpeg/command.js';
import { createConvertingStreams } from '../../../../drivers/ffmpeg/converting-streams.js';
import { findEncoder } from '../../../../drivers/ffmpeg/encoders.js';
import { FlvPictures } from '../../../../drivers/ffmpeg/flv-pictures.js';
import { H265Pictures } from '../../../../drivers/ffmpeg/h265-pictures.js';
import type { DriverError, DriverLog, RtpHandler, StreamPull, StreamRequest } from '../../../../drivers/port.js';
import { clipStreams } from '../../../peers/clip-stream.js';
import { h265Streams, makeH265Clip } from '../../../peers/h265-clip.js';
import { until } from '../../../support/until.js';

const log: DriverLog = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const parts = { clock: systemClock, log };
const folder = mkdtempSync(join(tmpdir(), 'sightline-convert-'));
const clip = makeH265Clip();

/** Our own children that are ffmpeg, zombies included. */
function children(ofPid = process.pid): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const isOurs = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === ofPid;
      return isOurs && /^\d+ \((ffmpeg|fake)/.test(stat) ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

interface Watched {
  readonly request: StreamRequest;
  readonly ends: DriverError[];
  /** Per picture: its NAL unit types, fragments by their first. */
  readonly pictures: number[][];
  readonly abort: AbortController;
}

function watcher(codec: 'H264' | 'H265' = 'H264'): Watched {
  const [abort, ends, pictures]: [AbortController, DriverError[], number[][]] = [new AbortController(), [], []];
  let timestamp = -1;
  const onRtp: RtpHandler = (buffer, start, end) => {
    assert.ok(end - start <= 1_424);
    const type = (buffer[start + 12] ?? 0) & 0x1f;
    const head = buffer[start + 13] ?? 0;
    if (buffer.readUInt32BE(start + 4) !== timestamp) pictures.push([]);
    timestamp = buffer.readUInt32BE(start + 4);
    if (type !== 28) pictures.at(-1)?.push(type);
    else if ((head & 0x80) !== 0) pictures.at(-1)?.push(head & 0x1f);
  };
  const where = { uri: 'rtsp://127.0.0.1/main', allowedHost: '127.0.0.1', login: undefined };
  const request = { ...where, codec, signal: abort.signal, onRtp, onEnd: (reason: DriverError) => void ends.push(reason) };
  return { request, ends, pictures, abort };
}

/** A program in place of ffmpeg. */
function program(script: string): string {
  const path = join(folder, `fake-${Math.random().toString(36).slice(2)}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test('a stream of H.265 comes out as H.264: parameter sets and an intra picture first, a second one where the camera has one', async () => {
  // The parameter sets stand in the description only.
  const bare = { ...clip, pictures: clip.pictures.map((units) => units.filter((unit) => (unit[0] ?? 0) >> 1 < 32)) };
  const camera = h265Streams(bare);
  const streams = createConvertingStreams(parts, camera);
  const { request, pictures, ends } = watcher();
  const pull = await streams.open(request);
  assert.equal([pull.track.codec, pull.track.profileLevelId], ['H264', '42c01f']);
  await until('two intra pictures are converted', () => pictures.filter((types) => types.includes(5)).length >= 2);
  assert.equal([...new Set(pictures[0])], [7, 8, 5]);
  const second = pictures.findIndex((types, index) => index > 0 && types.includes(5));
  assert.is(second, 25, 'every picture between the camera’s two intra pictures');
  assert.ok(pictures.slice(1, second).every((types) => types.length > 0 && types.every((type) => type === 1)));
  const [pid = 0] = children();
  assert.ok(pid > 0);
  await pull.close();
  assert.is(existsSync(`/proc/${pid}`), false, 'gone and waited for');
  assert.is(camera.playing(), 0);
  assert.equal(ends, []);
});

test('what is H.264 already, and H.265 that is asked for as such, pass untouched and start nothing', async () => {
  const [plain, wanted] = [watcher(), watcher('H265')];
  const camera = clipStreams({ inBandSets: true });
  const first = await createConvertingStreams(parts, camera).open(plain.request);
  const second = await createConvertingStreams(parts, h265Streams(clip)).open(wanted.request);
  assert.is(second.track.codec, 'H265');
  await until('pictures come', () => plain.pictures.length > 3 && wanted.pictures.length > 3);
  assert.equal(children(), []);
  await Promise.all([first.close(), second.close()]);
});

test('one more than there is room for is refused clearly, and the camera is let go of; room comes back', async () => {
  const camera = h265Streams(clip);
  const streams = createConvertingStreams(parts, camera, { most: 1 });
  assert.is(streams.room(), 'free');
  const first = await streams.open(watcher().request);
  assert.is(streams.room(), 'busy');
  const refused = await streams.open(watcher().request).then(
    () => 'opened',
    (error: DriverError) => error.code,
  );
  assert.is(refused, 'ffmpeg.busy');
  assert.is(camera.playing(), 1);
  await first.close();
  assert.is(streams.room(), 'free');
  const missing = createConvertingStreams({ ...parts, program: join(folder, 'missing') }, camera);
  assert.is(missing.room(), 'no');
});

test('one that dies, hangs or writes nonsense ends its stream with a reason, and is gone', async () => {
  for (const script of ['exit 1', 'head -c 100 /dev/zero; exec sleep 60']) {
    const camera = h265Streams(clip, 0);
    const streams = createConvertingStreams({ ...parts, program: program(script) }, camera);
    const { request, ends } = watcher();
    await streams.open(request);
    await until('the end is told', () => ends.length > 0);
    assert.equal(
      ends.map((end) => end.code),
      ['ffmpeg.failed'],
    );
    await until('the camera is let go of', () => camera.playing() === 0);
    assert.equal(children(), []);
  }
  const hung = createConvertingStreams({ ...parts, program: program("trap '' TERM INT HUP\nexec sleep 60") }, h265Streams(clip, 0));
  const pull = await hung.open(watcher().request);
  await until('it runs', () => children().length === 1 || hung.room() !== 'no');
  await pull.close();
  assert.equal(children(), []);
});

test('closed in the very moment of its beginning: nothing is started, or it is killed', async () => {
  const streams = createConvertingStreams(parts, h265Streams(clip, 0));
  const pulls: StreamPull[] = [];
  for (let round = 0; round < 2; round += 1) {
    const pull = await streams.open(watcher().request);
    if (round > 0) await new Promise((resolve) => setImmediate(resolve));
    pulls.push(pull);
    await pull.close();
  }
  assert.equal(children(), []);
  assert.is(streams.room(), 'free');
});

test('the agent killed with SIGKILL takes its ffmpeg with it', async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./converting-child.js', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const [pid = 0] = await until('it has its ffmpeg', () => {
    const found = children(child.pid);
    return found.length > 0 && found;
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until('ffmpeg is gone', () => !existsSync(`/proc/${pid}`) || / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')), 5_000);
});

test('the encoder: hardware where its device is there and it works, else the processor; nothing is started without a device', async () => {
  const started = join(folder, 'started');
  const works = program(`echo x >>${started}; case "$*" in *h264_v4l2m2m*) exit 1;; esac; printf FLV`);
  const with_ = (dev: readonly string[], dri: readonly string[] = []) =>
    findEncoder({ ...parts, program: works }, (where) => (where === '/dev' ? dev : dri));
  assert.is((await with_(['null', 'sda'])).name, 'libx264');
  assert.is(existsSync(started), false);
  assert.equal(await with_([], ['card0', 'renderD129', 'renderD128']), { name: 'h264_vaapi', device: '/dev/dri/renderD128' });
  assert.is((await with_(['mpp_service'], ['renderD128'])).name, 'h264_rkmpp');
  assert.is((await with_(['video0'])).name, 'libx264', 'a capture card is no encoder');
});

test('whatever a camera or ffmpeg sends: nothing is thrown, and nothing grows without end', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 30 }), (packets) => {
      const pictures = new H265Pictures([], () => undefined);
      const flv = new FlvPictures(() => undefined);
      flv.push(Buffer.from('FLV0000000000', 'latin1'));
      for (const bytes of packets) {
        const packet = Buffer.from(bytes);
        packet[0] = 0x80 | ((packet[0] ?? 0) & 0x3f);
        pictures.push(packet, 0, packet.length);
        flv.push(packet);
      }
    }),
    { numRuns: 500 },
  );
  const sizes: number[] = [];
  const pictures = new H265Pictures([], (annexB) => sizes.push(annexB.length));
  const fragment = Buffer.alloc(1_400, 1);
  fragment.set([0x80, 97], 0);
  for (let number = 0; number < 20_000; number += 1) {
    fragment.writeUInt16BE(number & 0xffff, 2);
    fragment.set([49 << 1, 1, 19 | (number === 0 ? 0x80 : 0)], 12);
    pictures.push(fragment, 0, fragment.length);
  }
  fragment[1] = 97 | 0x80;
  fragment.writeUInt16BE(20_000, 2);
  fragment[14] = 19 | 0x40;
  pictures.push(fragment, 0, fragment.length);
  assert.equal(sizes, [], 'a unit of 28 MB is no picture');
});

test('the command lines are the golden ones', async () => {
  const software = { name: 'libx264', device: undefined } as const;
  assert.is(
    (await transcodeArguments(software)).join(' '),
    '-f hevc -hide_banner -loglevel error -threads 1 -protocol_whitelist pipe -probesize 32 -analyzeduration 0 -flags low_delay -i pipe:0 ' +
      '-an -vcodec libx264 -filter:v scale=w=min(1280\\,iw):h=-2 -preset ultrafast -tune zerolatency -profile:v baseline -threads 2 ' +
      '-g 100 -force_key_frames source -b:v 2000k -maxrate 2500k -bufsize 2000k -flush_packets 1 -flvflags no_duration_filesize -f flv pipe:1',
  );
  for (const name of ['h264_vaapi', 'h264_v4l2m2m', 'h264_rkmpp'] as const) {
    const encoder = { name, device: '/dev/dri/renderD128' };
    assert.ok((await transcodeArguments(encoder)).includes(name));
    assert.ok((await encoderTrialArguments(encoder)).includes('320x240'));
  }
});

test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();
