import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const built = join(dirname(fileURLToPath(import.meta.url)), '../..');
const hooks = join(built, '../firmware-hooks');
const launch = join(hooks, 'launch');
const unit = readFileSync(join(hooks, 'systemd/sightline.service'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'sightline-unit-'));
const run = promisify(execFile);
const NOTIFY = pathToFileURL(join(built, 'agent/kernel/notify.js')).href;

/** The unit with its installed paths replaced by those of this machine. */
function resolvedUnit(): string {
  const path = join(folder, 'sightline.service');
  const files: Readonly<Record<string, string>> = {
    '/usr/lib/sightline/firmware-hooks/launch': launch,
    '/usr/bin/node': process.execPath,
    'file:/usr/share/doc/sightline/README.md': `file:${join(hooks, 'PROTOCOL.md')}`,
  };
  writeFileSync(
    path,
    Object.entries(files).reduce((text, [from, to]) => text.replaceAll(from, to), unit),
  );
  return path;
}

test('systemd-analyze verify has no complaint', async () => {
  const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', resolvedUnit()]);
  assert.is(`${stdout}${stderr}`.trim(), '');
});

test('systemd-analyze security: exposure is 2.0 at most', async () => {
  const args = ['security', '--offline=yes', '--threshold=20', '--no-pager', resolvedUnit()];
  const { stdout } = await run('systemd-analyze', args);
  const exposure = Number(/Overall exposure level for [^:]+: ([\d.]+)/.exec(stdout)?.[1]);
  assert.ok(exposure > 0 && exposure <= 2, `exposure ${exposure}`);
});

test('the unit starts the agent as documented and waits for nothing that can be missing', () => {
  const start = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '';
  const agent = '/usr/bin/node --max-semi-space-size=1 /usr/lib/sightline/agent.mjs';
  assert.is(start, `/usr/lib/sightline/firmware-hooks/launch ${agent} run --state /var/lib/sightline --site-file /etc/sightline/site.json`);
  assert.match(unit, /^Type=notify$/m);
  assert.match(unit, /^NotifyAccess=main$/m);
  assert.match(unit, /^WatchdogSec=60$/m);
  assert.match(unit, /^ReadWritePaths=-\/var\/lib\/sightline$/m);
  assert.not.match(unit, /^(StateDirectory|Requires|RequiresMountsFor|MemoryDenyWriteExecute|PrivateDevices)=/m);
  assert.not.match(unit, /^(After|Wants)=.*network-online/m);
});

/** What systemd would receive: every datagram of a socket, one line each, newlines inside shown as `|`. */
function listen(path: string): { lines: Interface; up: Promise<unknown>; child: ChildProcess } {
  const script = `use Socket; $|=1; my $p=$ARGV[0]; $p =~ s/^\\@/\\0/;
    socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($p)) or die; print "up\\n";
    while (defined(recv($s, my $m, 4096, 0))) { $m =~ s/\\n/|/g; print "$m\\n" }`;
  const child = spawn('perl', ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  return { lines, up: once(lines, 'line'), child };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** An agent in small: speaks through the kernel's notice, then tells what it and a child of its own see. */
const AGENT = `
  import { SupervisorNotice } from ${JSON.stringify(NOTIFY)};
  import { execFileSync } from 'node:child_process';
  const fd = process.env.NOTIFY_FD;
  const notice = new SupervisorNotice(process.env);
  notice.ready('1 camera'); notice.alive(); notice.stopping();
  const inChild = execFileSync('/bin/sh', ['-c', 'ls /proc/self/fd | wc -l; env | grep -c NOTIFY || true']).toString().split('\\n');
  console.log(JSON.stringify({ pid: process.pid, fd, fds: Number(inChild[0]), env: Number(inChild[1]), args: process.argv.slice(2) }));
`;

async function launched(
  socketPath: string | undefined,
): Promise<{ pid: number; fd?: string; fds: number; env: number; args: string[]; ownPid: number }> {
  const script = join(folder, 'agent.mjs');
  writeFileSync(script, AGENT);
  const env = { PATH: process.env.PATH ?? '', ...(socketPath === undefined ? {} : { NOTIFY_SOCKET: socketPath }) };
  const child = spawn(launch, [process.execPath, script, 'run', '--state', '/a b'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  for await (const chunk of child.stdout) out += String(chunk);
  return { ...JSON.parse(out), ownPid: child.pid };
}

for (const [kind, path] of [
  ['a path', join(folder, 'notify')],
  ['an abstract name', `@sightline-test-${process.pid}`],
] as const) {
  test(`launcher and agent reach the supervisor over ${kind}, as one process, and children inherit nothing`, async () => {
    const { lines, up, child } = listen(path);
    await up;
    const received: string[] = [];
    const stopped = new Promise<void>((resolve) => {
      lines.on('line', (line) => {
        received.push(line);
        if (line === 'STOPPING=1') resolve();
      });
    });
    const agent = await launched(path);
    await stopped;
    await end(child);
    assert.equal(received, ['READY=1|STATUS=1 camera', 'WATCHDOG=1', 'STOPPING=1']);
    assert.is(agent.pid, agent.ownPid);
    assert.equal(agent.args, ['run', '--state', '/a b']);
    assert.is(agent.env, 0);
    assert.is(agent.fds, (await launched(undefined)).fds);
  });
}

test('without a supervisor, or with one that is gone, the agent starts all the same', async () => {
  assert.is((await launched(undefined)).fd, undefined);
  assert.is((await launched(join(folder, 'nobody'))).fd, undefined);
});

test('a program that is not there: one sentence, and a failure', async () => {
  const failed = await run(launch, ['/nowhere/node']).catch((error: { code: number; stderr: string }) => error);
  assert.match((failed as { stderr: string }).stderr, /^launch: \/nowhere\/node cannot be started: No such file/);
  assert.ok((failed as { code: number }).code > 0);
});

test.after(() => {
  rmSync(folder, { recursive: true, force: true });
  assert.is(existsSync(folder), false);
});
test.run();
