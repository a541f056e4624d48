/**
 * Turns the TypeScript of this repository into `.build/`, file by file and in well under a second: types are erased, nothing is
 * checked (`npm run check` does that). Plain JavaScript, because it runs before anything else exists.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
    else if (path.endsWith('.js') && !wanted.has(path)) rmSync(path);
  }
}

/** Builds what is newer than its output. Several processes may do this at once: each file is written whole. */
export async function build() {
  const { transform } = await import('esbuild');
  const all = FOLDERS.map((name) => join(ROOT, name))
    .filter(existsSync)
    .flatMap(sources);
  for (const name of FOLDERS) removeOrphans(join(BUILD, name), new Set(all.map(target)));
  const stale = all.filter((path) => !existsSync(target(path)) || statSync(target(path)).mtimeMs < statSync(path).mtimeMs);
  await Promise.all(
    stale.map(async (path) => {
      const out = target(path);
      const made = await transform(readFileSync(path, 'utf8'), {
        loader: path.endsWith('.tsx') ? 'tsx' : 'ts',
        format: 'esm',
        target: 'node20',
        jsx: 'automatic',
        jsxImportSource: 'preact',
        sourcemap: 'inline',
        sourcefile: pathToFileURL(path).href,
      });
      mkdirSync(dirname(out), { recursive: true });
      writeFileSync(out, made.code);
    }),
  );
  return stale.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const count = await build();
  process.stderr.write(`built ${count} file(s)\n`);
}
