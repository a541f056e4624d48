import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../../agent/kernel/clock.js';
import { allowedArguments } from '../../../../drivers/ffmpeg/allowed.js';
import { snapshotArguments } from '../../../../drivers/ffmpeg/command.js';
import { runFfmpeg } from '../../../../drivers/ffmpeg/runner.js';
import { snapshotFromKeyframe } from '../../../../drivers/ffmpeg/snapshot.js';
import { DriverError, type DriverLog } from '../../../../drivers/port.js';

const said: unknown[] = [];
const log: DriverLog = { debug: () => undefined, info: () => undefined, warn: (_message, facts) => said.push(facts) };
const folder = mkdtempSync(join(tmpdir(), 'sightline-ffmpeg-'));
const never = (): AbortSignal => new AbortController().signal;
const GOLDEN =
  '-f h264 -hide_banner -loglevel error -threads 1 -protocol_whitelist pipe -i pipe:0 -an -vcodec mjpeg -vframes 1 -q:v 4 -f image2pipe pipe:1';

/** A program in place of ffmpeg. */
function program(script: string): string {
  const path = join(folder, `fake-${Math.random().toString(36).slice(2)}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const run = async (script: string, more: { deadlineMs?: number; signal?: AbortSignal; maxOutputBytes?: number } = {}): Promise<Buffer> =>
  runFfmpeg(
    { clock: systemClock, log, program: program(script) },
    { argv: GOLDEN.split(' '), input: Buffer.from('in'), deadlineMs: 5_000, maxOutputBytes: 1_000, signal: never(), ...more },
  );
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: DriverError) => error.code,
  );

/** Whether a process lives that has not been waited for; a zombie counts. */
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

test('the command line of a snapshot is the golden one', async () => {
  assert.is((await snapshotArguments()).join(' '), GOLDEN);
  assert.ok((await snapshotArguments({ widthPx: 320 })).join(' ').includes('-filter:v scale=320:-2'));
  assert.ok((await snapshotArguments({ widthPx: 1e9 })).join(' ').includes('scale=4096:-2'));
});

test('what is not on the list is refused: options, values, files, addresses, filters', () => {
  const replaced = (from: string, to: string): string[] => GOLDEN.replace(from, to).split(' ');
  const bad = [
    replaced('-i pipe:0', '-i /etc/passwd'),
    replaced('-i pipe:0', '-i file:/etc/passwd'),
    replaced('-i pipe:0', '-i concat:/etc/passwd'),
    replaced('-i pipe:0', '-i http://192.0.2.1/'),
    replaced('pipe:1', '/tmp/out.jpg'),
    replaced('-protocol_whitelist pipe', '-protocol_whitelist pipe,file'),
    replaced('-protocol_whitelist pipe ', ''),
    replaced('-q:v 4', '-q:v 4 -filter:v drawtext=textfile=/etc/passwd'),
    replaced('-q:v 4', '-q:v 4 -filter:v scale=64:-2,movie=/etc/passwd'),
    replaced('-q:v 4', '-q:v'),
    replaced('-an', '-an -i pipe:0 -y'),
    replaced('-f h264', '-f lavfi'),
    replaced('-threads 1', '-threads 1\n'),
    replaced('-loglevel error', '__proto__ error'),
    ['-i', 'pipe:0', '-protocol_whitelist', 'pipe', 'pipe:1'],
    [],
  ];
  for (const argv of bad)
    assert.throws(
      () => allowedArguments(argv),
      (error: DriverError) => error.code === 'ffmpeg.failed',
    );
  assert.equal(allowedArguments(GOLDEN.split(' ')), GOLDEN.split(' '));
});

test('no text put anywhere into the command line gets through, unless it was there anyway', () => {
  const argv = GOLDEN.split(' ');
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.nat(argv.length - 1), (text, at) => {
      const changed = argv.with(at, `${argv[at]}${text}`);
      try {
        allowedArguments(changed);
        return /^\d+$/.test(text); // a number with more digits
      } catch (error) {
        return error instanceof DriverError;
      }
    }),
    { numRuns: 2000 },
  );
});

test('a real key frame becomes a real picture', async () => {
  const clip = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=1', '-frames:v', '1', '-c:v', 'libx264', '-f', 'h264', 'pipe:1'];
  const keyframe = execFileSync('ffmpeg', ['-loglevel', 'error', ...clip]);
  const parts = { clock: systemClock, log };
  const jpeg = await snapshotFromKeyframe(parts, keyframe, { signal: never() });
  assert.is(jpeg.readUInt16BE(0), 0xffd8);
  assert.ok(jpeg.length > 2_000 && jpeg.length < 100_000);
  const small = await snapshotFromKeyframe(parts, keyframe, { signal: never(), widthPx: 64 });
  assert.ok(small.length < jpeg.length);
  assert.is(await codeOf(snapshotFromKeyframe(parts, Buffer.from('no picture'), { signal: never() })), 'ffmpeg.failed');
  assert.is(await codeOf(snapshotFromKeyframe(parts, Buffer.alloc(9_000_000), { signal: never() })), 'ffmpeg.failed');
});

test('a recorder without ffmpeg says so', async () => {
  const parts = { clock: systemClock, log, program: join(folder, 'missing') };
  assert.is(await codeOf(snapshotFromKeyframe(parts, Buffer.from('x'), { signal: never() })), 'ffmpeg.unavailable');
  const plain = join(folder, 'not-executable');
  writeFileSync(plain, '');
  assert.is(await codeOf(snapshotFromKeyframe({ ...parts, program: plain }, Buffer.from('x'), { signal: never() })), 'ffmpeg.unavailable');
});

test('one that ignores everything is killed at the deadline, and waited for', async () => {
  const pidFile = join(folder, 'pid');
  const startedMs = performance.now();
  const code = await codeOf(run(`trap '' TERM INT HUP\necho $$ >${pidFile}\nexec 1>&- 2>&-\nwhile :; do :; done`, { deadlineMs: 300 }));
  assert.is(code, 'ffmpeg.failed');
  assert.ok(performance.now() - startedMs < 3_000);
  assert.is(isAlive(Number(readFileSync(pidFile, 'utf8'))), false);
});

test('a cancelled one is gone when the caller hears of it', async () => {
  const cancel = new AbortController();
  const pidFile = join(folder, 'pid2');
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const work = codeOf(run(`echo $$ >${pidFile}; echo up >${fifo}; exec sleep 60`, { signal: cancel.signal }));
  const { readFile } = await import('node:fs/promises');
  await readFile(fifo);
  cancel.abort();
  assert.is(await work, 'driver.aborted');
  assert.is(isAlive(Number(readFileSync(pidFile, 'utf8'))), false);
  assert.is(await codeOf(run('exit 0', { signal: cancel.signal })), 'driver.aborted');
});

test('more output than asked ends it; its complaints are cut and without logins', async () => {
  assert.is(await codeOf(run('while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done')), 'ffmpeg.failed');
  said.length = 0;
  const text = 'rtsp://admin:hunter2@192.0.2.7/main: error';
  assert.is(await codeOf(run(`echo '${text}' >&2; yes | head -c 100000 >&2; exit 1`)), 'ffmpeg.failed');
  const told = JSON.stringify(said);
  assert.not.match(told, 'hunter2');
  assert.match(told, '[secret]@192.0.2.7');
  assert.ok(told.length < 20_000);
});

test('it finds nothing of our environment', async () => {
  process.env.SIGHTLINE_TEST_SECRET = 'x';
  const out = await run('env');
  Reflect.deleteProperty(process.env, 'SIGHTLINE_TEST_SECRET');
  assert.not.match(out.toString(), /SIGHTLINE|HOME=/);
});

test.after(() => rmSync(folder, { recursive: true, force: true }));
test.run();
