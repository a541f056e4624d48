import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const built = join(dirname(fileURLToPath(import.meta.url)), '../..');
const script = join(built, '../firmware-hooks/init.d/S90sightline');
const NOTIFY = pathToFileURL(join(built, 'agent/kernel/notify.js')).href;
const run = promisify(execFile);

/** Says hello over a local socket, works (and shows it) until told to hang or to end. */
const AGENT = `
  import { connect } from 'node:net';
  import { SupervisorNotice } from ${JSON.stringify(NOTIFY)};
  const notice = new SupervisorNotice(process.env);
  notice.ready('works');
  let timer = setInterval(() => notice.alive(), 100);
  const line = connect(process.env.TEST_SOCKET);
  line.write(JSON.stringify({ pid: process.pid, argv: process.argv.slice(2) }) + '\\n');
  line.on('data', (order) => {
    if (String(order) === 'hang') for (;;);
    if (String(order) === 'crash') process.kill(process.pid, 'SIGKILL');
  });
  process.on('SIGTERM', () => { line.end('bye\\n'); clearInterval(timer); process.exitCode = 0; line.destroySoon(); });
`;

interface Seen {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly socket: Socket;
  readonly said: string[];
}

/** The script with everything in a folder of the test; each start of the agent is told through `next`. */
async function rig() {
  const folder = mkdtempSync(join(tmpdir(), 'sightline-init-'));
  mkdirSync(join(folder, 'state'));
  writeFileSync(join(folder, 'agent.mjs'), AGENT);
  const waiting: ((seen: Seen) => void)[] = [];
  const starts: Seen[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    const said: string[] = [];
    createInterface({ input: socket }).on('line', (line) => {
      said.push(line);
      if (said.length > 1) return;
      const seen: Seen = { ...JSON.parse(line), socket, said };
      const give = waiting.shift();
      if (give === undefined) starts.push(seen);
      else give(seen);
    });
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
  const env = {
    PATH: process.env.PATH ?? '',
    NODE: process.execPath,
    AGENT: join(folder, 'agent.mjs'),
    STATE: join(folder, 'state'),
    SITE_FILE: join(folder, 'site.json'),
    RUN_DIR: join(folder, 'run'),
    RUN_AS: userInfo().username,
    HEARTBEAT_S: '2',
    RESTART_S: '0',
    STOP_S: '5',
    TEST_SOCKET: join(folder, 'socket'),
  };
  return {
    folder,
    call: (verb: string): Promise<{ code: number; stderr: string }> =>
      run('/bin/sh', [script, verb], { env }).then(
        ({ stderr }) => ({ code: 0, stderr }),
        (error: { code: number; stderr: string }) => error,
      ),
    next: (): Promise<Seen> => {
      const already = starts.shift();
      return already === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(already);
    },
    close: async () => {
      await run('/bin/sh', [script, 'stop'], { env });
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

test('start, crash, hang, stop: the agent is started again each time, and at the end nothing is left', async () => {
  const { folder, call, next, close } = await rig();
  assert.is((await call('status')).code, 3);
  // The loop inherits the pipes of its caller as it does at boot, so the call itself would not end; what counts is the agent.
  void call('start');
  const first = await next();
  assert.equal(first.argv, ['run', '--state', join(folder, 'state'), '--site-file', join(folder, 'site.json')]);
  assert.match((await call('status')).stderr, /runs/);
  assert.match((await call('start')).stderr, /runs already/);
  first.socket.write('crash');
  const second = await next();
  assert.is.not(second.pid, first.pid);
  second.socket.write('hang');
  const third = await next();
  assert.is.not(third.pid, second.pid);
  assert.is(readFileSync(join(folder, 'run/agent.pid'), 'utf8').trim(), String(third.pid));
  await call('stop');
  assert.equal(third.said.slice(1), ['bye']);
  assert.is((await call('status')).code, 3);
  await close();
});

test('usage', async () => {
  const { call, close } = await rig();
  const wrong = await call('dance');
  assert.is(wrong.code, 64);
  assert.match(wrong.stderr, /usage: .* start \| stop \| restart \| status/);
  await close();
});

test.run();
