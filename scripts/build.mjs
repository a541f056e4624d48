/**
 * Turns the TypeScript of this repository into `.build/`, file by file and in well under a second: types are erased, nothing is
 * checked (`npm run check` does that). Plain JavaScript, because it runs before anything else exists.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
export const BUILD = join(ROOT, '.build');
const FOLDERS = ['agent', 'drivers', 'scripts', 'test'];

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sources(path);
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

const target = (path) => join(BUILD, relative(ROOT, path).replace(/\.tsx?$/, '.js'));

function removeOrphans(folder, wanted) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOrphans(path, wanted);
    else if (path.endsWith('.js') && !wanted.has(path)) rmSync(path, { force: true });
  }
}

function allSources() {
  return FOLDERS.map((name) => join(ROOT, name))
    .filter(existsSync)
    .flatMap(sources);
}

/** An output carries its source's time, so a source saved while it was being built is built again, whatever the order of the clocks. */
function isStale(path) {
  const out = target(path);
  return !existsSync(out) || Math.abs(statSync(out).mtimeMs - statSync(path).mtimeMs) > 2;
}

/** The sources that `.build/` does not hold as they are now. Loads nothing, so it is cheap to ask at every start. */
export function staleSources() {
  return allSources().filter(isStale);
}

async function buildOne(path, transform) {
  const { atime, mtime } = statSync(path);
  const made = await transform(readFileSync(path, 'utf8'), {
    loader: path.endsWith('.tsx') ? 'tsx' : 'ts',
    format: 'esm',
    target: 'node20',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    sourcemap: 'inline',
    sourcefile: pathToFileURL(path).href,
  });
  const out = target(path);
  const beside = `${out}.${process.pid}.new`;
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(beside, made.code);
  utimesSync(beside, atime, mtime);
  renameSync(beside, out);
}

/** Builds what is not built yet and returns how many files. Several processes may do this at once: a file appears whole or not at all. */
export async function build() {
  const all = allSources();
  for (const name of FOLDERS) removeOrphans(join(BUILD, name), new Set(all.map(target)));
  const stale = all.filter(isStale);
  if (stale.length === 0) return 0;
  const { transform } = await import('esbuild');
  const failures = [];
  await Promise.all(stale.map((path) => buildOne(path, transform).catch((error) => failures.push(error))));
  if (failures.length > 0) throw failures[0];
  return stale.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { setUpOrExit } = await import('./setup.mjs');
  await setUpOrExit();
  const startedAt = performance.now();
  const count = await build();
  process.stderr.write(`built ${count} file(s) in ${((performance.now() - startedAt) / 1000).toFixed(2)} s\n`);
}
