// runner: limit 120s
/**
 * What comes with the firmware (its hooks) or with the agent's own packages was changed by somebody. Updates of the firmware itself are not
 * installed by this version: that they are refused is tested where they are.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod/mini';
import { askAgent } from '../../agent/control/control-client.js';
import { HOOK_LIMITS_MS, type HookName } from '../../agent/firmware/hook-limits.js';
import { HookRunner } from '../../agent/firmware/hook-runner.js';
import { systemClock } from '../../agent/kernel/clock.js';
import { createLog } from '../../agent/kernel/log.js';
import { ROOT } from '../../scripts/root.js';
import { type AgentProcess, startAgent } from '../support/agent-process.js';
import { until } from '../support/until.js';

const base = mkdtempSync(join(tmpdir(), 'sightline-package-'));
test.after(() => rmSync(base, { recursive: true, force: true }));

const HOOKS = Object.keys(HOOK_LIMITS_MS) as HookName[];
const anything = z.record(z.string(), z.unknown());

/** A new folder; `mark` is where a trap in it tells that it was run. */
function newFolder(name: string): { readonly folder: string; readonly mark: string } {
  const folder = join(base, name);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return { folder, mark: join(base, `${name}.ran`) };
}

function script(path: string, text: string, mode = 0o755): string {
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, mode);
  return path;
}

/** The real runner, and what it says. */
function runnerOf(folder: string): { readonly runner: HookRunner; readonly lines: string[] } {
  const lines: string[] = [];
  const log = createLog({ level: 'warn', clock: systemClock, format: 'json', write: (line) => lines.push(line) });
  return { runner: new HookRunner({ folder, clock: systemClock, log }), lines };
}

/** How somebody puts a file of his own in a hook's place; each makes it in `folder` under `name` out of the trap at `trap`. */
const PLANTED: readonly (readonly [how: string, plant: (path: string, trap: string) => void])[] = [
  ['a link to a program elsewhere', (path, trap) => symlinkSync(trap, path)],
  ['a link through ..', (path, trap) => symlinkSync(join('..', trap.slice(base.length + 1)), path)],
  ['a link to another hook', (path, trap) => symlinkSync(script(`${path}.real`, `"${trap}"; echo '{}'`), path)],
  ['a link that leads nowhere', (path) => symlinkSync('/nowhere/at/all', path)],
  ['a folder', (path) => mkdirSync(path)],
  ['a pipe', (path) => void spawnSync('mkfifo', [path])],
  ['a file that everyone may change', (path, trap) => void script(path, `"${trap}"; echo '{}'`, 0o757)],
  ['a file that nobody may run', (path, trap) => void script(path, `"${trap}"; echo '{}'`, 0o644)],
];

test('Bad firmware / bad package: a link, .., a file of everyone’s or no file at all in a hook’s place is never run, and the log says why', async () => {
  for (const [at, [how, plant]] of PLANTED.entries()) {
    const { folder, mark } = newFolder(`planted-${at}`);
    const trap = script(join(base, `trap-${at}`), `touch "${mark}"`);
    for (const name of HOOKS) plant(join(folder, name), trap);
    const { runner, lines } = runnerOf(folder);
    for (const name of HOOKS) {
      const { outcome } = await runner.run(name, { answer: anything });
      assert.is(outcome, 'failed', `${name}: ${how}`);
    }
    assert.is(lines.filter((line) => line.includes('hook.unsafe')).length, HOOKS.length, how);
    assert.not.ok(existsSync(mark), how);
  }
});

test('Bad firmware / bad package: a folder of hooks that everyone may write, or a name that leads out of it, runs nothing', async () => {
  const { folder, mark } = newFolder('open');
  script(join(folder, 'boot'), `touch "${mark}"; echo '{}'`);
  script(join(base, 'outside'), `touch "${mark}"; echo '{}'`);
  for (const name of ['../outside', 'outside', '../open/boot', './boot', 'button', '/bin/sh', ''])
    assert.is((await runnerOf(folder).runner.run(name as HookName, { answer: anything })).outcome, 'failed', name);
  chmodSync(folder, 0o777);
  assert.is((await runnerOf(folder).runner.run('boot', { answer: anything })).outcome, 'failed');
  assert.not.ok(existsSync(mark));
  chmodSync(folder, 0o755);
  assert.is((await runnerOf(folder).runner.run('boot', { answer: anything })).outcome, 'ok', 'positive control');
  assert.ok(existsSync(mark));
});

/** What a hook says that was changed: none of it is taken for an answer. */
const SAID: readonly (readonly [how: string, text: string])[] = [
  ['an answer of 70 kB', `printf '{"isValid":true,"version":"'; head -c 70000 /dev/zero | tr '\\0' 9; echo '"}'`],
  ['words without end', 'yes \'{"progress":1}\''],
  ['a line without end', 'cat /dev/zero'],
  ['more than the answer', `echo '{"isValid":true,"version":"9","trust":true}'`],
  ['another type', `echo '{"isValid":"yes","version":"9"}'`],
  ['progress as its last word', `echo '{"progress":100,"stage":"done"}'`],
  ['nothing', 'exit 0'],
  ['yes, and failing', `echo '{"isValid":true,"version":"9"}'; exit 3`],
  ['yes, and killed', `echo '{"isValid":true,"version":"9"}'; kill -9 $$`],
];

test('Bad firmware / bad package: an answer that is too large, endless, of another shape or from a failed hook is none', async () => {
  const { folder } = newFolder('said');
  const verdict = z.strictObject({ isValid: z.boolean(), version: z.string() });
  const { runner, lines } = runnerOf(folder);
  const told: string[] = [];
  for (const [how, text] of SAID) {
    script(join(folder, 'firmware-verify'), text);
    const { outcome } = await runner.run('firmware-verify', { answer: verdict, input: { version: '9' } });
    if (outcome !== 'failed') told.push(`${how}: ${outcome}`);
  }
  assert.equal(told, []);
  assert.is(lines.length, SAID.length);
  assert.ok(lines.every((line) => line.length < 2_000));
  script(join(folder, 'firmware-verify'), `echo '{"isValid":true,"version":"9"}'`);
  assert.is((await runner.run('firmware-verify', { answer: verdict })).outcome, 'ok', 'positive control');
});

test('Bad firmware / bad package: the running recorder with such hooks starts without them, runs none of them, and says so; without its keystore it does not start', async () => {
  const { folder, mark } = newFolder('recorder');
  const trap = script(join(base, 'trap'), `touch "${mark}"; echo '{"serial":"X","model":"Y","manufacturer":"Z"}'`);
  symlinkSync(trap, join(folder, 'identity'));
  script(join(folder, 'indicator'), `"${trap}"; echo '{"isSet":true}'`, 0o757);
  let agent: AgentProcess | undefined;
  try {
    const started = await startAgent(join(base, 'state'), { cameras: { discovery: false } }, { hooks: folder, args: [] });
    agent = started;
    await until('it says that it does not run them', () => {
      const said = started.log.filter((line) => line.includes('hook.unsafe'));
      return said.some((line) => line.includes('identity')) && said.some((line) => line.includes('indicator'));
    });
    assert.is(((await askAgent(join(base, 'state', 'agent.sock'), 'status')) as { isPaired: boolean }).isPaired, false);
  } finally {
    await agent?.stop();
  }
  assert.not.ok(existsSync(mark));
  symlinkSync(trap, join(folder, 'keystore-sign'));
  const other = startAgent(join(base, 'other'), { cameras: { discovery: false } }, { hooks: folder, args: [] });
  const why = await other.then(
    async (wrong) => `started: ${await wrong.stop()}`,
    (error: Error) => error.message,
  );
  assert.match(why, /keystore/);
  assert.not.ok(existsSync(mark));
});

interface Locked {
  readonly packages: Readonly<Record<string, { integrity?: string; resolved?: string; link?: boolean; hasInstallScript?: boolean }>>;
}

test('Bad firmware / bad package: the lock names the SHA-512 of every package, none from elsewhere, and who has an install script is known', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Locked;
  const entries = Object.entries(packages).filter(([path]) => path !== '');
  assert.ok(entries.length > 100);
  const bad = entries.filter(([, { integrity = '', resolved = 'https:', link }]) => {
    return !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity) || !resolved.startsWith('https:') || link === true;
  });
  assert.equal(
    bad.map(([path]) => path),
    [],
  );
  const scripted = entries.filter(([, one]) => one.hasInstallScript === true).map(([path]) => path.slice('node_modules/'.length));
  assert.equal(scripted.sort(), ['@serialport/bindings-cpp', 'esbuild', 'sqlite3']);
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string>; dependencies: object };
  const byItself = Object.keys(own.scripts).filter((name) => /^(?:pre|post)?(?:install|prepare|publish|pack)$|^prepublishOnly$/.test(name));
  assert.equal(byItself, [], 'nor does ours run anything by being installed');
  const versions = Object.values({ ...own.dependencies }) as string[];
  assert.ok(
    versions.every((version) => /^\d+\.\d+\.\d+$/.test(version)),
    'exact versions only',
  );
});

const NATIVE = ['sqlite3', 'serialport', 'node-datachannel'] as const;

/** A clone of something that depends on four packages, each with scripts that leave a mark; sqlite3 loads once its own was run. */
function makeClone(name: string): { readonly root: string; readonly marks: () => string[]; readonly tarball: (of: string) => string } {
  const root = join(base, name);
  mkdirSync(root);
  const mark = (of: string): string => join(root, `${of}.ran`);
  const tarball = (of: string): string => join(root, `${of}.tgz`);
  const all = [...NATIVE, 'evil'];
  const packages: Record<string, object> = {};
  for (const of of all) {
    const holder = join(root, 'made', of, 'package');
    mkdirSync(holder, { recursive: true });
    const run = `touch '${mark(of)}'`;
    const scripts = { preinstall: run, install: run, postinstall: run, prepare: run };
    writeFileSync(join(holder, 'package.json'), JSON.stringify({ name: of, version: '1.0.0', main: 'index.js', scripts }));
    const needsMark = `if (!require('node:fs').existsSync(${JSON.stringify(mark(of))})) throw new Error('not made yet');`;
    writeFileSync(join(holder, 'index.js'), of === 'sqlite3' ? needsMark : '');
    spawnSync('tar', ['czf', tarball(of), '-C', join(root, 'made', of), 'package']);
    const integrity = `sha512-${createHash('sha512')
      .update(readFileSync(tarball(of)))
      .digest('base64')}`;
    packages[`node_modules/${of}`] = { version: '1.0.0', resolved: `file:${of}.tgz`, integrity, hasInstallScript: true };
  }
  const dependencies = Object.fromEntries(all.map((of) => [of, `file:${of}.tgz`]));
  const own = { name: 'clone', version: '1.0.0', dependencies };
  writeFileSync(join(root, 'package.json'), JSON.stringify(own));
  const lock = { ...own, dependencies: undefined, lockfileVersion: 3, requires: true, packages: { '': own, ...packages } };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify(lock));
  return { root, tarball, marks: () => all.filter((of) => existsSync(mark(of))) };
}

const environment = {
  ...process.env,
  npm_config_cache: join(base, 'cache'),
  npm_config_offline: 'true',
  npm_config_update_notifier: 'false',
};

/** The set-up that `npm start` and `npm test` do, in that clone. */
function setUp(root: string): { readonly code: number | null; readonly said: string } {
  const modules = pathToFileURL(join(ROOT, 'scripts', 'setup', 'modules.mjs')).href;
  const text = `import { ensureModules } from ${JSON.stringify(modules)}; await ensureModules(${JSON.stringify(root)});`;
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', text], { cwd: root, env: environment, encoding: 'utf8' });
  return { code: ran.status, said: `${ran.stdout}${ran.stderr}` };
}

test('Bad firmware / bad package: install scripts of packages are not run by the set-up, but for the one that makes sqlite3', () => {
  const { root, marks } = makeClone('clone');
  const { code, said } = setUp(root);
  assert.is(code, 0, said);
  assert.equal(marks(), ['sqlite3']);
  const control = makeClone('control');
  spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: control.root, env: environment });
  assert.ok(control.marks().includes('evil'), 'positive control: a plain npm ci would have run it');
});

test('Bad firmware / bad package: a package whose bytes are not those of the lock is not installed', () => {
  const { root, marks, tarball } = makeClone('changed');
  writeFileSync(tarball('evil'), readFileSync(tarball('sqlite3')));
  const { code, said } = setUp(root);
  assert.is.not(code, 0);
  assert.match(said, /EINTEGRITY/);
  assert.not.ok(existsSync(join(root, 'node_modules', 'evil', 'package.json')));
  assert.equal(marks(), []);
});

test.run();
