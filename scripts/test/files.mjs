/** Finds test files and reads what each asks of the runner in its first lines: `// runner: alone, limit 120s`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const DEFAULT_LIMIT_MS = 60_000;
/** Kinds that start browsers, brokers and media pipelines: few of them at a time. */
const HEAVY = new Set(['journeys', 'peers', 'attacks', 'kill', 'browser']);
/** Kinds that need Node and node_modules only. */
const PLAIN = new Set(['unit', 'contract', 'architecture']);

function walk(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(path);
    return /\.test\.(ts|tsx|mjs)$/.test(entry.name) ? [path] : [];
  });
}

/** The folder below test/ that a file lies in; `test/architecture.test.ts` itself is of the kind `architecture`. */
function kindOf(name) {
  const parts = name.split('/');
  return parts.length > 2 ? parts[1] : parts[1].replace(/\.test\.\w+$/, '');
}

function wishes(path) {
  const head = readFileSync(path, 'utf8').split('\n', 12).join('\n');
  const asked = [...head.matchAll(/^\/\/ runner: (.+)$/gm)].flatMap(([, text]) => text.split(',').map((wish) => wish.trim()));
  const out = { isAlone: false, isWaiting: false, hasOwnNetwork: false, limitMs: DEFAULT_LIMIT_MS };
  for (const wish of asked) {
    const limit = /^limit (\d+)s$/.exec(wish);
    if (wish === 'alone') out.isAlone = true;
    else if (wish === 'mostly waits') out.isWaiting = true;
    else if (wish === 'own network') out.hasOwnNetwork = true;
    else if (limit !== null) out.limitMs = Number(limit[1]) * 1000;
    else
      throw new RangeError(`${path}: the runner does not know "${wish}"; it knows "alone", "mostly waits", "own network" and "limit 120s"`);
  }
  return out;
}

/**
 * Every test file below `root`/test that matches all of: one of the kinds (if any), one of the path filters (if any).
 * A filter is any part of the path as seen from `root`.
 */
export function findTests(root, { kinds = [], filters = [] } = {}) {
  return walk(join(root, 'test'))
    .map((path) => ({ path, name: relative(root, path).split(sep).join('/') }))
    .map((file) => ({ ...file, kind: kindOf(file.name) }))
    .filter(({ kind }) => kinds.length === 0 || kinds.includes(kind))
    .filter(({ name }) => filters.length === 0 || filters.some((part) => name.includes(part.replace(/^\.\//, ''))))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((file) => ({ ...file, isHeavy: HEAVY.has(file.kind), isPlain: PLAIN.has(file.kind), ...wishes(file.path) }));
}
