import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { repositoryRoot } from './repository.js';

const SETUP = join(repositoryRoot(), 'scripts/setup.mjs');
const NATIVE = ['sqlite3', 'serialport', 'node-datachannel'];

/**
 * An npm that needs no network: `ci` lays out packages whose sqlite3 does not load, `rebuild` makes it load. Every call is written
 * to `calls`; `mode` says how it misbehaves.
 */
const FAKE_NPM = `#!${process.execPath}
const fs = require('node:fs');
fs.appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n');
const mode = fs.existsSync('mode') ? fs.readFileSync('mode', 'utf8') : '';
const write = (path, text) => { fs.mkdirSync(require('node:path').dirname(path), { recursive: true }); fs.writeFileSync(path, text); };
if (process.argv[2] === 'ci') {
  if (mode === 'slow') { write('npm.pid.new', String(process.pid)); fs.renameSync('npm.pid.new', 'npm.pid'); return setTimeout(() => {}, 60000); }
  if (mode === 'offline') { console.error('npm error code ENOTFOUND\\nnpm error network request to the registry failed'); process.exit(1); }
  for (const name of ${JSON.stringify(NATIVE)}) {
    write('node_modules/' + name + '/package.json', JSON.stringify({ name, version: '1.0.0', main: 'main.js' }));
    write('node_modules/' + name + '/main.js', name === 'sqlite3' ? 'throw new Error("Could not locate the bindings file.\\\\nTried: many")' : '');
  }
  if (mode === 'interrupted') process.exit(1);
  if (mode === 'stale lock') { console.error('npm error code EUSAGE'); process.exit(1); }
  setTimeout(() => fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json'), 300);
} else {
  if (mode === 'no compiler') { console.error('gyp ERR! find Python'); process.exit(1); }
  write('node_modules/sqlite3/main.js', '');
}
`;

interface Place {
  readonly root: string;
  calls(): string[];
  mode(name: string): void;
  run(interrupt?: (kill: () => void) => void): Promise<{ code: number | null; text: string }>;
}

/** A folder with a lock, a fake npm and no compiler on its PATH. */
function makePlace(): Place {
  const root = mkdtempSync(join(tmpdir(), 'setup-'));
  const bin = join(root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'npm'), FAKE_NPM);
  chmodSync(join(bin, 'npm'), 0o755);
  for (const tool of ['make', 'g++']) symlinkSync('/bin/true', join(bin, tool));
  const packages = Object.fromEntries(NATIVE.map((name) => [`node_modules/${name}`, { version: '1.0.0' }]));
  writeFileSync(
    join(root, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, ...packages, 'node_modules/elsewhere': { version: '2.0.0', optional: true } } }),
  );
  const script = `import(${JSON.stringify(SETUP)}).then(({ setUpOrExit }) => setUpOrExit({ root: process.cwd() }))`;
  return {
    root,
    calls: () => (existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim().split('\n') : []),
    mode: (name) => writeFileSync(join(root, 'mode'), name),
    run: (interrupt) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, ['-e', script], {
          cwd: root,
          env: { ...process.env, PATH: bin },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let text = '';
        for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part: string) => (text += part));
        interrupt?.(() => child.kill('SIGINT'));
        child.once('error', reject);
        child.once('close', (code) => resolve({ code, text }));
      }),
  };
}

async function within(act: (place: Place) => Promise<void>): Promise<void> {
  const place = makePlace();
  try {
    await act(place);
  } finally {
    rmSync(place.root, { recursive: true, force: true });
  }
}

test('a fresh clone is installed once, says why, and the second time nothing happens', () =>
  within(async (place) => {
    const first = await place.run();
    assert.is(first.code, 0, first.text);
    assert.match(first.text, 'Installing the packages of package-lock.json into node_modules (npm ci): they are missing.');
    assert.equal(place.calls(), ['ci --ignore-scripts --no-audit --no-fund', 'rebuild sqlite3 --foreground-scripts']);
    assert.equal(await place.run(), { code: 0, text: '' });
    assert.is(place.calls().length, 2);
  }));

test('another lock is another install', () =>
  within(async (place) => {
    await place.run();
    const lock = join(place.root, 'package-lock.json');
    writeFileSync(lock, readFileSync(lock, 'utf8').replace('"1.0.0"', '"1.0.1"'));
    assert.match((await place.run()).text, 'not complete or of another version');
  }));

test('packages installed by hand are taken as they are', () =>
  within(async (place) => {
    await place.run();
    rmSync(join(place.root, 'node_modules/.sightline-setup'));
    rmSync(join(place.root, 'calls'));
    assert.equal(await place.run(), { code: 0, text: '' });
    assert.equal(place.calls(), []);
    assert.ok(existsSync(join(place.root, 'node_modules/.sightline-setup')));
  }));

test('an interrupted install is repaired by the next start', () =>
  within(async (place) => {
    place.mode('interrupted');
    assert.is((await place.run()).code, 1);
    place.mode('');
    assert.is((await place.run()).code, 0);
    assert.is(place.calls().filter((line) => line.startsWith('ci')).length, 2);
  }));

/** Waits up to two seconds for a process that was told to end; one that only waits to be reaped has ended. */
async function hasEnded(pid: string): Promise<boolean> {
  for (let at = 0; at < 100; at += 1) {
    const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : 'State:\tZ';
    if (/^State:\s+Z/m.test(status)) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

test('Ctrl-C during an install ends npm too and leaves no lock', () =>
  within(async (place) => {
    place.mode('slow');
    const ran = await place.run((kill) => {
      const watcher = watch(place.root, (_event, name) => {
        if (name !== 'npm.pid') return;
        watcher.close();
        kill();
      });
    });
    assert.is(ran.code, 130, ran.text);
    assert.not(existsSync(join(place.root, '.build/setup.lock')));
    const npm = readFileSync(join(place.root, 'npm.pid'), 'utf8');
    assert.ok(await hasEnded(npm), `npm (${npm}) still runs`);
  }));

test('two at once install once', () =>
  within(async (place) => {
    const both = await Promise.all([place.run(), place.run(), place.run()]);
    assert.equal(
      both.map(({ code }) => code),
      [0, 0, 0],
    );
    assert.is(place.calls().length, 2, place.calls().join('; '));
    assert.is(both.filter(({ text }) => /Another process \(\d+\) is installing packages here; waiting for it\./.test(text)).length, 2);
    assert.not(existsSync(join(place.root, '.build/setup.lock')));
  }));

test('the lock of a process that died does not hold anyone up', () =>
  within(async (place) => {
    mkdirSync(join(place.root, '.build'));
    // This process is alive but was not born at tick 1: the number was given out again.
    writeFileSync(join(place.root, '.build/setup.lock'), `${process.pid} 1`);
    assert.is((await place.run()).code, 0);
  }));

test('no network is one sentence with the reason and the fix', () =>
  within(async (place) => {
    place.mode('offline');
    const ran = await place.run();
    assert.is(ran.code, 1);
    assert.match(ran.text, /^npm could not install the packages \(ENOTFOUND: network request to the registry failed\): check the network/m);
    assert.match(readFileSync(join(place.root, 'node_modules/.sightline-npm.log'), 'utf8'), 'ENOTFOUND');
  }));

test('a lock that does not fit is told from a network that does not answer', () =>
  within(async (place) => {
    place.mode('stale lock');
    assert.match((await place.run()).text, 'package-lock.json does not fit package.json');
  }));

test('a missing compiler is one sentence with what is missing and the command that brings it', () =>
  within(async (place) => {
    place.mode('no compiler');
    const ran = await place.run();
    assert.is(ran.code, 1);
    assert.match(ran.text, /has to be compiled and python3 is missing: run "apt-get install -y python3 make g\+\+"/);
    assert.not.match(ran.text, /\n\s+at /, 'no stack trace');
    assert.match(readFileSync(join(place.root, 'node_modules/.sightline-sqlite3.log'), 'utf8'), 'find Python');
  }));

test('no npm at all is one sentence', () =>
  within(async (place) => {
    rmSync(join(place.root, 'bin/npm'));
    const ran = await place.run();
    assert.is(ran.code, 1);
    assert.match(ran.text, 'npm is not on the PATH');
  }));

test.run();
