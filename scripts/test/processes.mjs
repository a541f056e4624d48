/** Runs one test file in its own process group and makes sure that nothing of it lives on. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MARK = 'SIGHTLINE_TEST_MARK';
const GRACE_MS = 2_000;
const MAX_OUTPUT = 400_000;
const running = new Set();

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error;
  }
}

function killOne(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Processes started by a test file carry its mark in their environment, even when they left its process group. Linux only. */
function marked(mark) {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, 'latin1').includes(mark)) return [];
        if (/^State:\s+[ZX]/m.test(readFileSync(`/proc/${name}/status`, 'latin1'))) return [];
        return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 100) }];
      } catch {
        // Ended while we looked, or another user's.
        return [];
      }
    });
}

/** Gives what was just told to end a moment to do so, then kills the rest and names it. */
async function sweep(mark) {
  const startedAt = performance.now();
  let left = marked(mark);
  while (left.length > 0 && performance.now() - startedAt < GRACE_MS) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    left = marked(mark);
  }
  for (const { pid } of left) killOne(pid);
  return left.map(({ command, pid }) => command || `pid ${pid}`);
}

/** Kills every test process that is still there; for Ctrl-C. */
export function killAll() {
  for (const { pid, mark, folder } of running) {
    killGroup(pid);
    for (const other of marked(mark)) killOne(other.pid);
    rmSync(folder, { recursive: true, force: true });
  }
}

function collect(stream, keep) {
  stream.setEncoding('utf8');
  stream.on('data', (text) => {
    keep.text = (keep.text + text).slice(-MAX_OUTPUT);
  });
}

const closed = (child) => new Promise((resolve) => child.once('close', resolve));

/** Waits for the exit of the process itself: its children may hold the pipes open for ever. */
function exitOf(child, limitMs) {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child.pid);
    }, limitMs);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, isLate });
    });
  });
}

const SHARED_NETWORK = ['/bin/sh', '-c', '"$@"; exit $?', 'sh'];
/**
 * A network of its own with nothing but loopback: what is multicast there (WS-Discovery) meets no other test's cameras, and nothing can
 * leave the machine. Without root a user namespace is made as well.
 */
const OWN_NETWORK = [
  'unshare',
  ...(process.getuid?.() === 0 ? ['--net'] : ['--map-root-user', '--net']),
  '/bin/sh',
  '-c',
  // The second interface leads nowhere; browsers do not try to connect on a machine that has none.
  'ip link set lo up && ip link add lan type veth peer name wan && ip addr add 192.0.2.1/24 dev lan && ip link set lan up && ip link set wan up && ip route add 224.0.0.0/4 dev lo && "$@"; exit $?',
  'sh',
];

/**
 * A shell leads the session and the test is its child: a session's leader that opens a terminal (the serial tests do) would be ended by its
 * hang-up. A signal that ends the test arrives as exit code 128 and more.
 *
 * `{code, signal, isLate, output, left, litter, tookMs}` of one run. Each file gets its own temporary folder; `litter` names what it
 * left there, `left` the processes that outlived it.
 */
export async function runProcess(script, limitMs, cwd, hasOwnNetwork = false) {
  const mark = randomUUID();
  const folder = mkdtempSync(join(tmpdir(), 'slt-'));
  const startedAt = performance.now();
  const [program, ...argv] = [...(hasOwnNetwork ? OWN_NETWORK : SHARED_NETWORK), process.execPath, '--enable-source-maps', script];
  const child = spawn(program, argv, {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [MARK]: mark, TMPDIR: folder, NO_COLOR: '1' },
  });
  const entry = { pid: child.pid, mark, folder };
  running.add(entry);
  const keep = { text: '' };
  collect(child.stdout, keep);
  collect(child.stderr, keep);
  const whole = closed(child);
  try {
    const ended = await exitOf(child, limitMs);
    const tookMs = performance.now() - startedAt;
    if (ended.isLate) for (const { pid } of marked(mark)) killOne(pid);
    const left = await sweep(mark);
    killGroup(child.pid);
    await Promise.race([whole, new Promise((resolve) => setTimeout(resolve, 500).unref())]);
    return { ...ended, output: keep.text, left, litter: readdirSync(folder), tookMs };
  } finally {
    running.delete(entry);
    rmSync(folder, { recursive: true, force: true });
  }
}
