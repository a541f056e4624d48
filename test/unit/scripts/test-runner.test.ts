import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { repositoryRoot } from './repository.js';

const ROOT = repositoryRoot();
const UVU = pathToFileURL(join(ROOT, 'node_modules/uvu/dist/index.mjs')).href;
const HEAD = `import { test } from '${UVU}';\n`;
const PASSING = `${HEAD}test('one', () => {}); test('two', () => {}); test.run();\n`;

interface Ran {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly text: string;
}

/** Runs the runner over a temporary folder that holds the given files below test/. */
async function runOver(files: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'runner-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, 'test', name)), { recursive: true });
      writeFileSync(join(folder, 'test', name), text);
    }
    return await runRunner('--root', folder, ...args);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runRunner(...args: string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'scripts/test.mjs'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, text, lines: text.split('\n') }));
  });
}

/** The last line, which machines read, and what the exit code must then be. */
function assertEnds(ran: Ran, last: string, code: number): void {
  assert.is(ran.lines.at(-1), '', 'output ends with a newline');
  assert.is(ran.lines.at(-2), last, ran.text);
  assert.is(ran.code, code);
}

test('passing files add up, and what they print stays quiet', async () => {
  const ran = await runOver({ 'unit/a.test.mjs': `process.stdout.write('chatter');\n${PASSING}`, 'unit/deep/b.test.mjs': PASSING });
  assertEnds(ran, '4 passed, 0 failed, 0 skipped', 0);
  assert.not.match(ran.text, 'chatter');
  assert.match(ran.text, /ok +[\d.]+ s +2 passed +test\/unit\/a\.test\.mjs/);
});

test('a failing test is counted, its file shown, the others still run', async () => {
  const failing = `${HEAD}test('fine', () => {}); test('broken', () => { throw new Error('seen reason'); }); test.run();\n`;
  const ran = await runOver({ 'unit/a.test.mjs': failing, 'unit/b.test.mjs': PASSING });
  assertEnds(ran, '3 passed, 1 failed, 0 skipped', 1);
  assert.match(ran.text, 'seen reason');
  assert.match(ran.text, '1 of 2 tests failed');
});

test('skipped tests are told', async () => {
  const ran = await runOver({ 'unit/a.test.mjs': `${HEAD}test('one', () => {}); test.skip('two', () => {}); test.run();\n` });
  assertEnds(ran, '1 passed, 0 failed, 1 skipped', 0);
});

test('a forgotten test.run() fails although uvu ends with exit code 0', async () => {
  const ran = await runOver({ 'unit/a.test.mjs': `${HEAD}test('one', () => { throw new Error('never run'); });\n` });
  assertEnds(ran, '0 passed, 1 failed, 0 skipped', 1);
  assert.match(ran.text, 'is test.run() missing');
});

test('a file without a test fails', async () => {
  assertEnds(await runOver({ 'unit/a.test.mjs': `${HEAD}test.run();\n` }), '0 passed, 1 failed, 0 skipped', 1);
});

test('a before hook that throws fails although uvu ends with exit code 0', async () => {
  const hook = `${HEAD}test.before(() => { throw new Error('no ground'); }); test('one', () => {}); test.run();\n`;
  assertEnds(await runOver({ 'unit/a.test.mjs': hook }), '0 passed, 1 failed, 0 skipped', 1);
});

test('no matching file at all fails', async () => {
  assertEnds(await runOver({ 'unit/a.test.mjs': PASSING }, 'unit/nothing-like-it'), '0 passed, 0 failed, 0 skipped', 1);
});

test('a hanging test is killed at its limit and named', async () => {
  const hang = `// runner: limit 1s\n${HEAD}test('ever', () => new Promise(() => setInterval(() => {}, 1000))); test.run();\n`;
  const ran = await runOver({ 'unit/a.test.mjs': hang, 'unit/b.test.mjs': PASSING });
  assertEnds(ran, '2 passed, 1 failed, 0 skipped', 1);
  assert.match(ran.text, 'did not end within 1 s');
});

test('a leaked timer after good tests fails and says so', async () => {
  const leak = `// runner: limit 1s\n${HEAD}test('one', () => { setInterval(() => {}, 1000); }); test.run();\n`;
  const ran = await runOver({ 'unit/a.test.mjs': leak });
  assertEnds(ran, '1 passed, 1 failed, 0 skipped', 1);
  assert.match(ran.text, 'a timer, socket or child is still open');
});

test('a crash before the tests end fails', async () => {
  const crash = `${HEAD}test('one', () => process.exit(0)); test.run();\n`;
  assertEnds(await runOver({ 'unit/a.test.mjs': crash }), '0 passed, 1 failed, 0 skipped', 1);
  assertEnds(await runOver({ 'unit/a.test.mjs': `${HEAD}import './not-there.mjs';\n` }), '0 passed, 1 failed, 0 skipped', 1);
});

test('a file ended by a signal fails and names it', async () => {
  const ran = await runOver({ 'unit/a.test.mjs': `${HEAD}test('one', () => process.kill(process.pid, 'SIGTERM')); test.run();\n` });
  assertEnds(ran, '0 passed, 1 failed, 0 skipped', 1);
  assert.match(ran.text, 'ended by signal 15');
});

test('a test file is not the leader of its session: opening a terminal must not end it', async () => {
  const leads = `${HEAD}import { readFileSync } from 'node:fs';
    test('one', () => {
      const session = Number(readFileSync('/proc/self/stat', 'utf8').replace(/^.*\\) /s, '').split(' ')[3]);
      if (session === process.pid) throw new Error('leads its session');
    });
    test.run();\n`;
  assertEnds(await runOver({ 'unit/a.test.mjs': leads }), '1 passed, 0 failed, 0 skipped', 0);
});

test('a process that outlives its file is killed and fails it, though it left the process group', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'left-'));
  const pidFile = join(folder, 'pid');
  const leave = `${HEAD}import { spawn } from 'node:child_process';\nimport { writeFileSync } from 'node:fs';
    test('one', () => {
      const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
      child.unref();
      writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
    });
    test.run();\n`;
  const ran = await runOver({ 'unit/a.test.mjs': leave });
  assertEnds(ran, '1 passed, 1 failed, 0 skipped', 1);
  assert.match(ran.text, 'left 1 process(es) running: sleep 60');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  rmSync(folder, { recursive: true });
  let status = 'gone';
  try {
    status = /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'gone';
  } catch {
    // No such process: as it should be.
  }
  assert.ok(status === 'gone' || status === 'Z', `process ${pid} is in state ${status}`);
});

test('a file that asks to be alone has the machine for itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'alone-'));
  const track = (name: string, head: string): string => `${head}${HEAD}import { appendFileSync } from 'node:fs';
    test('one', async () => {
      appendFileSync(${JSON.stringify(join(folder, 'order'))}, '+${name} ');
      await new Promise((resolve) => setTimeout(resolve, 150));
      appendFileSync(${JSON.stringify(join(folder, 'order'))}, '-${name} ');
    });
    test.run();\n`;
  const ran = await runOver({
    'unit/a.test.mjs': track('a', '// runner: alone\n'),
    'unit/b.test.mjs': track('b', ''),
    'unit/c.test.mjs': track('c', '// runner: alone, limit 20s\n'),
  });
  assertEnds(ran, '3 passed, 0 failed, 0 skipped', 0);
  assert.is(readFileSync(join(folder, 'order'), 'utf8').trim(), '+b -b +a -a +c -c');
  rmSync(folder, { recursive: true });
});

interface Task {
  readonly name: string;
  readonly isWaiting?: boolean;
  readonly isHeavy?: boolean;
  readonly limitMs?: number;
}

test('what mostly waits starts at once and takes nobody’s place; then the heavy ones, those that may take longest first', async () => {
  const { runScheduled } = (await import(pathToFileURL(join(ROOT, 'scripts/test/schedule.mjs')).href)) as {
    runScheduled(tasks: readonly Task[], how: { parallel: number; heavy: number; run: (task: Task) => Promise<void> }): Promise<void>;
  };
  const tasks: readonly Task[] = [
    { name: 'light' },
    { name: 'short', isHeavy: true, limitMs: 60_000 },
    { name: 'long', isHeavy: true, limitMs: 300_000 },
    ...['one', 'two', 'three'].map((name) => ({ name, isHeavy: true, isWaiting: true })),
  ];
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const run = ({ name }: Task) => new Promise<void>((resolve) => ends.push(() => resolve(void begun.push(`-${name}`))) && begun.push(name));
  const all = runScheduled(tasks, { parallel: 1, heavy: 1, run });
  assert.equal(begun, ['one', 'two', 'long'], 'two that wait, and one that is counted');
  for (let at = 0; at < tasks.length; at += 1) {
    ends[at]?.();
    await new Promise(setImmediate);
  }
  await all;
  assert.equal(
    begun.filter((name) => !name.startsWith('-')),
    ['one', 'two', 'long', 'three', 'short', 'light'],
  );
});

test('a wish that the runner does not know is refused by name', async () => {
  const ran = await runOver({
    'unit/a.test.mjs': `// runner: mostly waits, limit 9s\n${PASSING}`,
    'unit/b.test.mjs': `// runner: soon\n${PASSING}`,
  });
  assert.is(ran.code, 1);
  assert.match(ran.text, 'does not know "soon"');
  assert.not.match(ran.text, 'does not know "mostly waits"');
});

test('kinds and path filters select', async () => {
  const files = { 'unit/a.test.mjs': PASSING, 'contract/b.test.mjs': PASSING, 'contract/c.test.mjs': PASSING };
  assertEnds(await runOver(files, '--kind', 'contract'), '4 passed, 0 failed, 0 skipped', 0);
  assertEnds(await runOver(files, '--kind', 'contract', 'b.test'), '2 passed, 0 failed, 0 skipped', 0);
  const listed = await runOver(files, '--list', '--kind', 'unit');
  assert.is(listed.text.trim(), 'unit         test/unit/a.test.mjs');
});

test('Ctrl-C ends the running tests with the runner', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stop-'));
  mkdirSync(join(folder, 'test/unit'), { recursive: true });
  const pidFile = join(folder, 'pid');
  writeFileSync(
    join(folder, 'test/unit/a.test.mjs'),
    `${HEAD}import { writeFileSync, renameSync } from 'node:fs';
     writeFileSync(${JSON.stringify(`${pidFile}.new`)}, String(process.pid)); renameSync(${JSON.stringify(`${pidFile}.new`)}, ${JSON.stringify(pidFile)});
     process.stderr.write('begun'); test('ever', () => new Promise(() => setInterval(() => {}, 1000))); test.run();\n`,
  );
  const { watch } = await import('node:fs');
  const begun = new Promise<void>((resolve) => {
    const watcher = watch(folder, (_event, name) => {
      if (name !== 'pid') return;
      watcher.close();
      resolve();
    });
  });
  const runner = spawn(process.execPath, [join(ROOT, 'scripts/test.mjs'), '--root', folder], { stdio: 'ignore' });
  await begun;
  const ended = new Promise<number | null>((resolve) => runner.once('exit', resolve));
  runner.kill('SIGINT');
  assert.is(await ended, 130);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  rmSync(folder, { recursive: true });
  assert.throws(() => {
    // A killed process may stay as a zombie until its new parent reaps it; that counts as ended.
    if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) throw new TypeError('zombie');
  });
});

test.run();
