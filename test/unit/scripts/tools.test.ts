import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { repositoryRoot } from './repository.js';

const TOOLS = join(repositoryRoot(), 'scripts/setup/tools.mjs');

/** A dpkg-query and an apt-get whose database is a file; `broken` makes the install fail. */
const FAKES: Readonly<Record<string, string>> = {
  'dpkg-query': `
    const have = fs.existsSync('have') ? fs.readFileSync('have', 'utf8').split(' ') : [];
    for (const name of process.argv.slice(4)) if (have.includes(name)) console.log(name + ' installed');
    process.exit(1);`,
  'apt-get': `
    fs.appendFileSync('calls', [process.env.DEBIAN_FRONTEND, process.env.RUNLEVEL, ...process.argv.slice(2)].join(' ') + '\\n');
    if (fs.existsSync('broken')) { console.log('E: Unable to locate package left-out'); process.exit(100); }
    if (process.argv[2] === 'install') fs.writeFileSync('have', process.argv.slice(6).join(' '));`,
};

interface Place {
  readonly folder: string;
  calls(): string[];
  ensure(names: readonly string[], machine?: { osRelease?: string; uid?: number }): Promise<{ code: number | null; text: string }>;
}

async function within(act: (place: Place) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tools-'));
  mkdirSync(join(folder, 'bin'));
  for (const [name, body] of Object.entries(FAKES)) {
    writeFileSync(
      join(folder, 'bin', name),
      `#!${process.execPath}\nconst fs = require('node:fs');\nprocess.chdir(${JSON.stringify(folder)});${body}\n`,
    );
    chmodSync(join(folder, 'bin', name), 0o755);
  }
  writeFileSync(join(folder, 'debian'), 'ID=debian\n');
  writeFileSync(join(folder, 'other'), 'ID=fedora\n');
  try {
    await act({
      folder,
      calls: () => (existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') : []),
      ensure: (names, machine = {}) => ensure(folder, names, { osRelease: join(folder, 'debian'), uid: 0, ...machine }),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ensure(folder: string, names: readonly string[], machine: object): Promise<{ code: number | null; text: string }> {
  const script = `import(${JSON.stringify(TOOLS)})
    .then(({ ensureTools }) => ensureTools(${JSON.stringify(names)}, ${JSON.stringify(machine)}))
    .catch((error) => { console.log(error.name + ': ' + error.message); process.exitCode = 1; });`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', script], { env: { PATH: join(folder, 'bin') }, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, text: text.trim() }));
  });
}

test('on Debian as root what is missing is installed, once, without questions', () =>
  within(async (place) => {
    const first = await place.ensure(['tool-a', 'tool-b']);
    assert.equal(first, { code: 0, text: 'Installing Debian packages that the tests use (apt-get): tool-a tool-b.' });
    assert.equal(place.calls(), ['noninteractive 1 update -q', 'noninteractive 1 install -y -q --no-install-recommends tool-a tool-b']);
    assert.equal(await place.ensure(['tool-a', 'tool-b']), { code: 0, text: '' });
    assert.is(place.calls().length, 2);
  }));

test('without root it says the command and fails', () =>
  within(async (place) => {
    const ran = await place.ensure(['tool-a'], { uid: 1000 });
    assert.is(ran.code, 1);
    assert.match(
      ran.text,
      'SetupFailure: The tests need packages that are missing here: run "sudo apt-get install -y --no-install-recommends tool-a"',
    );
    assert.equal(place.calls(), []);
  }));

test('elsewhere it names what to install and fails', () =>
  within(async (place) => {
    const ran = await place.ensure(['tool-a', 'tool-b'], { osRelease: join(place.folder, 'other') });
    assert.is(ran.code, 1);
    assert.match(ran.text, 'are called: tool-a tool-b.');
    assert.equal(place.calls(), []);
  }));

test('without dpkg it looks for the programs themselves', () =>
  within(async (place) => {
    rmSync(join(place.folder, 'bin/dpkg-query'));
    writeFileSync(join(place.folder, 'bin/socat'), '#!/bin/sh\n');
    chmodSync(join(place.folder, 'bin/socat'), 0o755);
    const ran = await place.ensure(['socat', 'tshark', 'python3-gi', 'gstreamer1.0-libav'], { osRelease: join(place.folder, 'other') });
    assert.match(ran.text, 'are called: tshark python3-gi gstreamer1.0-libav.');
  }));

test('a package that apt-get cannot find is told with its reason', () =>
  within(async (place) => {
    writeFileSync(join(place.folder, 'broken'), '');
    const ran = await place.ensure(['left-out']);
    assert.is(ran.code, 1);
    assert.match(ran.text, 'could not install (E: Unable to locate package left-out)');
  }));

test.run();
