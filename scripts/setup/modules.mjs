/** node_modules as package-lock.json says, with native parts that load. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupFailure } from './failure.mjs';
import { withLock } from './lock.mjs';
import { runLong, say, which } from './run.mjs';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const OLDEST_NODE = [20, 20];
const NATIVE = ['sqlite3', 'serialport', 'node-datachannel'];
const STAMP = '.sightline-setup';

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new SetupFailure(
    `Sightline needs Node ${OLDEST_NODE.join('.')} or newer and this is ${process.versions.node}: install a newer Node and run it again.`,
  );
}

function wantedStamp(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  // Native parts use Node-API, so they outlive a change of Node's version but not of the machine.
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
}

function readOr(path, otherwise) {
  return existsSync(path) ? readFileSync(path, 'utf8') : otherwise;
}

function stampOf(root) {
  return existsSync(join(root, 'node_modules', '.package-lock.json')) ? readOr(join(root, 'node_modules', STAMP), undefined) : undefined;
}

/** Whether npm's own list of what it installed (written last, so it is absent after an interrupted install) is what the lock asks for. */
function isInstalled(root) {
  const installed = JSON.parse(readOr(join(root, 'node_modules', '.package-lock.json'), '{}')).packages;
  if (installed === undefined) return false;
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).every(([path, wanted]) => {
    if (path === '' || wanted.link) return true;
    if (installed[path] === undefined) return wanted.optional === true;
    return installed[path].version === wanted.version && (installed[path].optional || existsSync(join(root, path, 'package.json')));
  });
}

/** The native packages that do not load, with the reason: `[{name, why}]`. In a child, because a bad binary may end the process. */
function loadFailures(root) {
  const script = `for (const name of ${JSON.stringify(NATIVE)}) {
    try { await import(name); } catch (error) { process.stdout.write(JSON.stringify({ name, why: String(error.message).split('\\n')[0] }) + '\\n'); }
  }
  process.exit(0);`;
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' });
  const failures = ran.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  if (ran.status !== 0)
    failures.push({ name: 'a native package', why: `the loading process ended by ${ran.signal ?? `exit code ${ran.status}`}` });
  return failures;
}

/** The last lines of npm's output that carry a reason, as one short clause. */
function reasonOf(output) {
  const code = /npm (?:error|ERR!) code (\w+)/.exec(output)?.[1];
  const lines = output
    .split('\n')
    .filter((line) => /npm (error|ERR!)|gyp ERR!|error:/.test(line) && !/complete log|A complete|code \w+$/.test(line));
  const first = (lines[0] ?? output.trim().split('\n').at(-1) ?? '').replace(/^.*?(npm (error|ERR!)|gyp ERR!)\s*/, '').trim();
  return [code, first].filter(Boolean).join(': ').slice(0, 200);
}

function npmPath() {
  const npm = which('npm');
  if (npm !== undefined) return npm;
  throw new SetupFailure('Packages have to be installed, but npm is not on the PATH: install the npm that belongs to your Node.');
}

async function install(root, why) {
  const npm = npmPath();
  say(`Installing the packages of package-lock.json into node_modules (npm ci): ${why}.`);
  const { code, output } = await runLong(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: root,
    what: 'installing packages',
  });
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  const log = join('node_modules', '.sightline-npm.log');
  writeFileSync(join(root, log), output);
  if (code === 0) return;
  const isLockStale = /code EUSAGE/.test(output);
  const fix = isLockStale
    ? 'package-lock.json does not fit package.json, so run "npm install" once and keep the lock it writes'
    : 'check the network and "npm config get registry", then run this again';
  const reason = isLockStale ? 'EUSAGE' : reasonOf(output);
  throw new SetupFailure(`npm could not install the packages (${reason}): ${fix}; npm's whole output is in ${log}.`);
}

function missingCompilers() {
  const missing = ['python3', 'make'].filter((name) => which(name) === undefined);
  if (['c++', 'g++', 'clang++'].every((name) => which(name) === undefined)) missing.push('a C++ compiler (g++)');
  return missing;
}

/** Where this Node's own headers lie beside it; saves node-gyp from fetching them. */
function headers() {
  const prefix = join(dirname(process.execPath), '..');
  const isThere = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
  return isThere && process.env.npm_config_nodedir === undefined ? { npm_config_nodedir: prefix } : {};
}

async function makeSqlite(root) {
  const log = join('node_modules', '.sightline-sqlite3.log');
  say(
    "Making sqlite3's native part: fetched where a prebuilt one fits, else compiled, which needs python3, make and a C++ compiler and takes minutes.",
  );
  const startedAt = performance.now();
  const { code, output } = await runLong(npmPath(), ['rebuild', 'sqlite3', '--foreground-scripts'], {
    cwd: root,
    env: headers(),
    what: "making sqlite3's native part",
  });
  writeFileSync(join(root, log), output);
  if (code === 0) return say(`  done in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  const missing = missingCompilers();
  if (missing.length > 0) {
    throw new SetupFailure(
      `sqlite3's native part has to be compiled and ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing: run "apt-get install -y python3 make g++" (or your system's like), then run this again.`,
    );
  }
  throw new SetupFailure(`sqlite3's native part could not be made (${reasonOf(output)}): its whole output is in ${log}.`);
}

async function repair(root, wanted) {
  if (!isInstalled(root)) {
    const why = existsSync(join(root, 'node_modules')) ? 'those there are not complete or of another version' : 'they are missing';
    await install(root, why);
  }
  let failures = loadFailures(root);
  if (failures.some(({ name }) => name === 'sqlite3')) {
    await makeSqlite(root);
    failures = loadFailures(root);
  }
  const [first] = failures;
  if (first !== undefined) {
    throw new SetupFailure(
      `${first.name} does not load on this machine (${first.why}): supported are Linux on x64 and arm64 with glibc; remove node_modules and run this again if it was copied from elsewhere.`,
    );
  }
  writeFileSync(join(root, 'node_modules', STAMP), wanted);
}

/** Throws SetupFailure with one sentence when it cannot. Packages installed by hand with npm are taken as they are, if they fit the lock. */
export async function ensureModules(root = ROOT) {
  checkNode();
  const wanted = wantedStamp(root);
  if (stampOf(root) === wanted) return;
  await withLock(join(root, '.build', 'setup.lock'), async () => {
    if (stampOf(root) !== wanted) await repair(root, wanted);
  });
}
