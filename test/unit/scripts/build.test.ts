import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { repositoryRoot } from './repository.js';

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(cwd: string, ...args: string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (out += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (err += part));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

/** A repository of its own: our scripts and packages, and the given files. */
async function inCopy(files: Readonly<Record<string, string>>, act: (root: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'build-'));
  try {
    const ours = repositoryRoot();
    for (const name of ['build.mjs', 'run.mjs', 'setup.mjs', 'setup', 'esbuild-agent.mjs', 'sightline.mjs']) {
      cpSync(join(ours, 'scripts', name), join(root, 'scripts', name), { recursive: true });
    }
    for (const name of ['package.json', 'package-lock.json']) cpSync(join(ours, name), join(root, name));
    symlinkSync(join(ours, 'node_modules'), join(root, 'node_modules'));
    for (const [name, text] of Object.entries(files)) put(root, name, text);
    await act(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function put(root: string, name: string, text: string): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
}

test('builds what changed, even into the past, and removes what lost its source', () =>
  inCopy({ 'agent/a.ts': 'export const a: number = 1;\n', 'agent/b.tsx': 'export const b = <p>x</p>;\n' }, async (root) => {
    assert.match((await run(root, 'scripts/build.mjs')).err, 'built 2 file(s)');
    assert.match((await run(root, 'scripts/build.mjs')).err, 'built 0 file(s)');
    put(root, 'agent/a.ts', 'export const a: number = 2;\n');
    utimesSync(join(root, 'agent/a.ts'), new Date(1e12), new Date(1e12));
    rmSync(join(root, 'agent/b.tsx'));
    assert.match((await run(root, 'scripts/build.mjs')).err, 'built 1 file(s)');
    assert.match(readFileSync(join(root, '.build/agent/a.js'), 'utf8'), 'a = 2');
    assert.equal(readdirSync(join(root, '.build/agent')), ['a.js']);
  }));

test('a source that does not parse fails the build and is named', () =>
  inCopy({ 'agent/a.ts': 'export const = 1;\n' }, async (root) => {
    const ran = await run(root, 'scripts/build.mjs');
    assert.is(ran.code, 1);
    assert.match(ran.err, 'agent/a.ts');
  }));

test('run.mjs passes arguments and the exit code, and names a file that is not there', () =>
  inCopy(
    { 'scripts/x.ts': 'const argv: string[] = process.argv.slice(2);\nprocess.stdout.write(argv.join("+"));\nprocess.exitCode = 7;\n' },
    async (root) => {
      assert.equal(await run(root, 'scripts/run.mjs', 'scripts/x.ts', '--json', 'b'), { code: 7, out: '--json+b', err: '' });
      assert.match((await run(root, 'scripts/run.mjs', 'scripts/y.ts')).err, 'There is no file scripts/y.ts');
    },
  ));

const MAIN = {
  'agent/main.ts': `import { say } from './kernel/say.js';
    export function namedFunction(): string { return 'named'; }
    if (process.argv[2] === 'driver') await import('../drivers/driver.js');
    say(namedFunction.name + ' ' + process.argv.slice(2).join('+'));\n`,
  'agent/kernel/say.ts': 'export const say = (text: string): void => void process.stdout.write(text);\n',
  'agent/pairing/worker-thread.ts': 'export {};\n',
  'drivers/driver.ts':
    "import { say } from '../agent/kernel/say.js';\nimport { SerialPort } from 'serialport';\nsay(typeof SerialPort.list + ' ');\n",
};

test('the bundle keeps names, leaves native packages out and loads a driver only when it is asked for', () =>
  inCopy(MAIN, async (root) => {
    const made = JSON.parse((await run(root, 'scripts/esbuild-agent.mjs', '--json')).out) as { files: string[]; bytes: number };
    assert.ok(made.bytes < 5000, `${made.bytes} bytes: serialport is not inside`);
    assert.not.match(readFileSync(join(root, 'dist/agent.mjs'), 'utf8'), 'SerialPort');
    rmSync(join(root, 'agent'), { recursive: true });
    rmSync(join(root, 'drivers'), { recursive: true });
    assert.equal(await run(root, 'scripts/sightline.mjs', 'status'), { code: 0, out: 'namedFunction status', err: '' });
    assert.is((await run(root, 'scripts/sightline.mjs', 'driver')).out, 'function namedFunction driver');
  }));

test('sightline runs a checkout from its sources, as they are now, and says so when there is nothing to run', () =>
  inCopy(MAIN, async (root) => {
    assert.is((await run(root, 'scripts/sightline.mjs', 'log', 'show')).out, 'namedFunction log+show');
    put(root, 'agent/kernel/say.ts', 'export const say = (): void => void process.stdout.write("changed");\n');
    assert.is((await run(root, 'scripts/sightline.mjs')).out, 'changed');
    rmSync(join(root, 'agent/main.ts'));
    assert.not(existsSync(join(root, 'dist')));
    const ran = await run(root, 'scripts/sightline.mjs');
    assert.is(ran.code, 1);
    assert.match(ran.err, 'There is no agent in');
  }));

test.run();
