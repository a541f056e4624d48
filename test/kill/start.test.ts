// runner: own network, limit 120s
/** `npm start` as one thing: however it ends, none of its processes and none of its temporary files stay. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../../scripts/root.js';
import { commandOf, descendantsOf, isRunning } from '../support/proc.js';
import { runBuilt, withReadOnly } from '../support/run-built.js';
import { until } from '../support/until.js';

const MAIN = 'scripts/start/main.js';

interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>;
  /** It and everything below it when it was ready. */
  readonly pids: readonly number[];
  readonly temporary: string;
  readonly said: () => string;
}

/** Starts it in a folder of its own and resolves when it shows the serial number. */
async function start(folder: string): Promise<Started> {
  const temporary = await mkdtemp(join(folder, 'tmp-'));
  const child = spawn(process.execPath, [join(ROOT, '.build', MAIN), '--state', join(folder, 'state'), '--port', '0', '--lan-port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
  });
  const ended = once(child, 'exit').then(([code, signal]) => [code, signal] as const);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  await until('it is ready', () => /Serial number/.test(said) || child.exitCode !== null, 30_000);
  const pid = child.pid ?? 0;
  return { child, ended, pids: [pid, ...descendantsOf(pid)], temporary, said: () => said };
}

const left = (pids: readonly number[]): string[] => pids.filter(isRunning).map(commandOf);

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-start-'));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** It is told to end, and nothing of it is left. */
async function endsClean(started: Started, signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  // Portal, camera and agent at least; a serial camera where socat is.
  assert.ok(started.pids.length >= 4, started.said());
  started.child.kill(signal);
  assert.equal(await started.ended, [0, null], started.said());
  await until('all of it is gone', () => left(started.pids).length === 0, 2_000);
  assert.equal(await readdir(started.temporary), []);
}

test('SIGINT: exit code 0, no process and no temporary file is left', () =>
  inFolder(async (folder) => endsClean(await start(folder), 'SIGINT')));

/** Started again after the kill: each start costs some seconds of a processor. */
let again: { readonly folder: string; readonly started: Started } | undefined;
test.after(async () => {
  if (again !== undefined) await rm(again.folder, { recursive: true, force: true });
});

test('kill -9 of the parent: its parts end by themselves within 10 s; the next start finds the same recorder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sightline-start-'));
  const started = await start(folder);
  const serial = /Serial number\s+(\S+)/.exec(started.said())?.[1];
  started.child.kill('SIGKILL');
  await started.ended;
  await until('all of it is gone', () => left(started.pids).length === 0, 10_000).catch(() =>
    assert.equal(left(started.pids), [], 'still running'),
  );
  assert.equal(await readdir(started.temporary), []);
  again = { folder, started: await start(folder) };
  assert.is(/Serial number\s+(\S+)/.exec(again.started.said())?.[1], serial);
});

test('SIGTERM: exit code 0, no process and no temporary file is left', async () => {
  if (again === undefined) return assert.unreachable('it was not started again');
  await endsClean(again.started, 'SIGTERM');
});

test('kill -9 of the agent alone: the start says so and ends with all the rest', () =>
  inFolder(async (folder) => {
    const started = await start(folder);
    const agent = started.pids.find((pid) => commandOf(pid).includes('agent/main.js')) ?? 0;
    process.kill(agent, 'SIGKILL');
    assert.equal(await started.ended, [1, null]);
    assert.match(started.said(), 'The agent ended unexpectedly.');
    await until('all of it is gone', () => left(started.pids).length === 0, 2_000);
  }));

test('a taken port: one sentence with the fix, exit code 1', () =>
  inFolder(async (folder) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      const refused = await runBuilt([MAIN, '--state', folder, '--port', String(port)]);
      assert.is(refused.code, 1);
      assert.match(refused.stderr, new RegExp(`^[^\\n]*${port}[^\\n]*\\n$`));
      assert.match(refused.stderr, 'another port');
    } finally {
      server.close();
    }
  }));

test('wrong options are named, and nothing is started', () =>
  inFolder(async (folder) => {
    const refused = await runBuilt([MAIN, '--state', folder, '--camera', 'rtsp://nowhere']);
    assert.is(refused.code, 1);
    assert.match(refused.stderr, 'onvif://user:password@');
    assert.equal(await readdir(folder), []);
  }));

test('a state folder that cannot be written: one sentence with the fix, exit code 1', () =>
  inFolder(async (folder) => {
    const refused = await runBuilt([MAIN, '--state', folder, '--port', '0', '--lan-port', '0'], withReadOnly(folder));
    assert.is(refused.code, 1);
    assert.match(refused.stderr, /^The state folder \S+ cannot be written\. [^\n]*--state[^\n]*\n$/);
  }));

test.run();
