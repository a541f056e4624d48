// runner: limit 90s
/**
 * Somebody has put something else where the recorder's maker put programs, or where packages come from. Firmware images are not taken yet: this
 * covers the hooks that the agent runs, and the packages that it is made of.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HOOK_LIMITS_MS } from '../../agent/firmware/hook-limits.js';
import { HookRunner } from '../../agent/firmware/hook-runner.js';
import { systemClock } from '../../agent/kernel/clock.js';
import { ROOT } from '../../scripts/root.js';
import { startAgent } from '../support/agent-process.js';
import { Eyes } from '../support/eyes.js';
import { TestLog } from '../support/test-log.js';

const test = suite<{ folder: string; mark: string }>('bad firmware');

test.before(async (world) => {
  world.folder = await mkdtemp(join(tmpdir(), 'sightline-firmware-'));
  world.mark = join(world.folder, 'was-run');
});

test.after(({ folder }) => rm(folder, { recursive: true, force: true }));

/** A hooks folder in which `identity` is made by `make`; the trap beside it leaves a mark. */
async function hooksWith(folder: string, mark: string, make: (hooks: string, trap: string) => Promise<void>): Promise<string> {
  const hooks = await mkdtemp(join(folder, 'hooks-'));
  const trap = join(folder, 'trap');
  await writeFile(trap, `#!/bin/sh\ntouch ${mark}\necho '{"serial":"SNTRAPTRAP","model":"M","manufacturer":"X"}'\n`, { mode: 0o755 });
  await make(hooks, trap);
  return hooks;
}

/** Starts the real agent over these hooks; its serial number, and what it says of the hook. */
async function startOver(folder: string, hooks: string): Promise<{ serial: string; programs: readonly string[]; log: string }> {
  const eyes = new Eyes(folder, `eyes-${hooks.slice(-6)}`);
  const state = await mkdtemp(join(folder, 'state-'));
  const agent = await startAgent(state, { cameras: { discovery: false } }, { ...eyes.start, args: [], hooks });
  const { serial, log } = agent;
  assert.is(await agent.stop(), 0);
  return { serial, programs: eyes.programs, log: log.join('\n') };
}

test('Bad firmware / bad package: a hook that is a link, that everyone may change, or that lies in an open folder is not run; the recorder starts without it', async ({
  folder,
  mark,
}) => {
  const cases: Record<string, (hooks: string, trap: string) => Promise<void>> = {
    'a link out of the folder': (hooks, trap) => symlink(trap, join(hooks, 'identity')),
    'a link with ..': (hooks) => symlink('../trap', join(hooks, 'identity')),
    'everyone may change it': async (hooks, trap) => {
      await writeFile(join(hooks, 'identity'), await readFile(trap));
      await chmod(join(hooks, 'identity'), 0o757);
    },
    'everyone may change the folder': async (hooks, trap) => {
      await writeFile(join(hooks, 'identity'), await readFile(trap), { mode: 0o755 });
      await chmod(hooks, 0o777);
    },
    'not a file': (hooks) => mkdir(join(hooks, 'identity')),
  };
  for (const [what, make] of Object.entries(cases)) {
    const hooks = await hooksWith(folder, mark, make);
    const { serial, programs, log } = await startOver(folder, hooks);
    assert.match(serial, /^SL[0-9A-Z]{8}$/, `${what}: the maker’s serial number does not count`);
    assert.not.ok(existsSync(mark), what);
    assert.equal(
      programs.filter((program) => program.startsWith(hooks)),
      [],
      what,
    );
    assert.match(log, 'identity', `${what}: it is said`);
  }
  const good = await hooksWith(folder, mark, async (hooks, trap) =>
    writeFile(join(hooks, 'identity'), await readFile(trap), { mode: 0o755 }),
  );
  assert.is((await startOver(folder, good)).serial, 'SNTRAPTRAP', 'positive control: a plain hook of the maker');
  assert.ok(existsSync(mark));
});

test('Bad firmware / bad package: a hook that never stops talking, or that claims what is no serial number, gives nothing', async ({
  folder,
  mark,
}) => {
  const lies: Record<string, string> = {
    endless: 'while :; do echo \'{"serial":"SNAAAAAAAA"\'; done',
    huge: `echo '{"serial":"'; head -c 2000000 /dev/zero | tr '\\0' A; echo '"}'`,
    injected: `echo '{"serial":"../../etc; touch ${mark}-2","model":"$(touch ${mark}-2)","manufacturer":"X"}'`,
    'too much': `echo '{"serial":"SNAAAAAAAA","model":"M","manufacturer":"X","admin":true}'`,
  };
  for (const [what, script] of Object.entries(lies)) {
    const hooks = await hooksWith(folder, mark, (path) => writeFile(join(path, 'identity'), `#!/bin/sh\n${script}\n`, { mode: 0o755 }));
    const { serial } = await startOver(folder, hooks);
    assert.match(serial, /^SL[0-9A-Z]{8}$/, what);
  }
  assert.not.ok(existsSync(`${mark}-2`));
});

test('Bad firmware / bad package: only hooks of the protocol have a name, and none of it leads out of the folder', async ({
  folder,
  mark,
}) => {
  await writeFile(join(folder, 'trap'), `#!/bin/sh\ntouch ${mark}-3\n`, { mode: 0o755 });
  const hooks = await mkdtemp(join(folder, 'hooks-'));
  const runner = new HookRunner({ folder: hooks, clock: systemClock, log: new TestLog() });
  const answer = { safeParse: (data: unknown) => ({ success: true, data }) } as never;
  for (const name of ['../trap', '/bin/sh', 'identity/../../trap', '.', '']) {
    const ended = await runner.run(name as 'identity', { answer }).catch(() => ({ outcome: 'failed' }));
    assert.is.not(ended.outcome, 'ok', name);
  }
  assert.not.ok(existsSync(`${mark}-3`));
  for (const name of Object.keys(HOOK_LIMITS_MS)) assert.match(name, /^[a-z]+(-[a-z]+)*$/);
});

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

/** Packages that compile or fetch a native part when they are installed; each is known, and built by scripts/setup by name. */
const WITH_SCRIPTS = ['node_modules/@serialport/bindings-cpp', 'node_modules/esbuild', 'node_modules/sqlite3'];

test('Bad firmware / bad package: every package is pinned by its hash, comes from the registry, and runs nothing when it is installed', async () => {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockedPackage> };
  const packages = Object.entries(lock.packages).filter(([path, { link }]) => path !== '' && link !== true);
  assert.ok(packages.length > 50);
  for (const [path, { resolved, integrity, dev, optional }] of packages) {
    // npm notes no hash of what it did not fetch: tools of other machines, which nothing of ours runs on.
    const isForeignTool = dev === true && optional === true && path.startsWith('node_modules/@biomejs/cli-');
    if (!isForeignTool || integrity !== undefined) assert.match(integrity ?? '', /^sha512-/, path);
    // Where it is named at all it is an archive of a registry: no repository, no file, no plain http.
    if (resolved !== undefined) assert.match(resolved, /^https:\/\/[^/]+\/.+\.tgz$/, path);
  }
  assert.equal(
    packages.flatMap(([path, { hasInstallScript }]) => (hasInstallScript === true ? [path] : [])),
    WITH_SCRIPTS,
  );
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string>; dependencies: object };
  assert.equal(
    Object.keys(own.scripts).filter((name) => /^(pre|post)?(install|prepare|publish|pack)/.test(name)),
    [],
  );
  for (const version of Object.values(own.dependencies)) assert.match(String(version), /^\d+\.\d+\.\d+$/, 'exact versions only');
  const setup = await readFile(join(ROOT, 'scripts', 'setup', 'modules.mjs'), 'utf8');
  const calls = [...setup.matchAll(/\['(?:ci|install|i)'[^\]]*\]/g)].map(([call]) => call);
  assert.ok(calls.length > 0 && calls.every((call) => call.includes('--ignore-scripts')), calls.join('\n'));
});

test('Bad firmware / bad package: an archive with an install script leaves nothing when it is installed as we install', async ({
  folder,
}) => {
  const evil = join(folder, 'evil');
  const mark = join(folder, 'installed');
  await mkdir(evil);
  const script = `node -e "require('fs').writeFileSync(process.env.EVIL_MARK,'')"`;
  await writeFile(join(evil, 'package.json'), JSON.stringify({ name: 'evil', version: '1.0.0', scripts: { postinstall: script } }));
  const npm = (words: readonly string[], cwd: string) =>
    spawnSync('npm', [...words, '--offline', '--no-audit', '--no-fund', '--loglevel', 'error'], {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, EVIL_MARK: mark, npm_config_cache: join(folder, 'cache'), npm_config_update_notifier: 'false' },
    });
  assert.is(npm(['pack', '--pack-destination', folder], evil).status, 0);
  for (const [words, isMarked] of [
    [['--ignore-scripts'], false],
    [[], true],
  ] as const) {
    const home = await mkdtemp(join(folder, 'home-'));
    await writeFile(join(home, 'package.json'), '{"name":"home","version":"1.0.0"}');
    assert.is(npm(['install', join(folder, 'evil-1.0.0.tgz'), ...words], home).status, 0);
    assert.is(existsSync(mark), isMarked, isMarked ? 'positive control' : 'with --ignore-scripts');
  }
});

test.run();
