// runner: own network, limit 90s
/** `npm start` ends as it should: by Ctrl-C, by the death of the process that started the parts, and when it cannot start. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../../scripts/root.js';
import { commandOf, descendantsOf, isRunning } from '../support/proc.js';
import { until } from '../support/until.js';

interface Started {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly temporary: string;
  readonly said: () => string;
}

function start(...args: readonly string[]): Started {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-start-'));
  const temporary = join(folder, 'tmp');
  const argv = [join(ROOT, '.build', 'scripts', 'start', 'main.js'), '--state', join(folder, 'state'), '--port', '0', ...args];
  const child = spawn('/bin/sh', ['-c', 'mkdir -p "$TMPDIR"; exec "$0" "$@"', process.execPath, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  return { child, folder, temporary, said: () => text };
}

const isUp = (started: Started): Promise<unknown> => until('it runs', () => started.said().includes('Verification code'), 30_000);

test('Ctrl-C leaves no process and no temporary file', async () => {
  const started = start();
  const ended = once(started.child, 'exit');
  await isUp(started);
  const parts = descendantsOf(started.child.pid ?? 0);
  assert.ok(parts.length >= 3, `${parts.length} parts`);
  started.child.kill('SIGINT');
  const [code] = await ended;
  assert.is(code, 0, started.said());
  assert.equal(parts.filter(isRunning).map(commandOf), []);
  assert.equal(readdirSync(started.temporary), []);
  rmSync(started.folder, { recursive: true });
});

test('when the starting process is killed, its parts end by themselves', async () => {
  const started = start();
  await isUp(started);
  const parts = descendantsOf(started.child.pid ?? 0);
  started.child.kill('SIGKILL');
  await until('every part is gone', () => parts.every((pid) => !isRunning(pid)), 10_000);
  assert.equal(readdirSync(started.temporary), []);
  rmSync(started.folder, { recursive: true });
});

test('a taken port ends in one sentence with the fix, and exit code 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const started = start('--port', String(port));
  const [code] = await once(started.child, 'exit');
  taken.close();
  assert.is(code, 1);
  const lines = started.said().trim().split('\n');
  assert.is(lines.length, 1, started.said());
  assert.match(lines[0] ?? '', new RegExp(`Port ${port} is used by another program\\. Choose another port`));
  rmSync(started.folder, { recursive: true });
});

test('wrong options are named, and nothing is started', async () => {
  const started = start('--camera', 'rtsp://nowhere');
  const [code] = await once(started.child, 'exit');
  assert.is(code, 1);
  assert.match(started.said(), 'onvif://user:password@');
  rmSync(started.folder, { recursive: true });
});

test.run();
