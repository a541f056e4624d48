import { posix } from 'node:path';
import { lineAt, type Source } from './source.js';

/** One import, re-export or dynamic import. */
export interface Import {
  readonly specifier: string;
  /** Path from the root with the source's own ending, for a relative specifier; undefined for a package or a `node:` module. */
  readonly target: string | undefined;
  /** The package's name without a path inside it (`@noble/curves`), undefined for relative and `node:` specifiers. */
  readonly package: string | undefined;
  readonly line: number;
  readonly isTypeOnly: boolean;
  /** Text between `import` and `from`. */
  readonly clause: string;
}

const STATIC =
  /^[ \t]*(import|export)\s+(type\s+)?((?:[\w*$]+\s*,?\s*)?(?:\{[^}]*\}|\*\s*as\s+[\w$]+|\*|[\w$]+)?)\s*from\s*(['"])([^'"\n]+)\4/gm;
const BARE = /^[ \t]*import\s*(['"])([^'"\n]+)\1/gm;
const DYNAMIC = /\b(?:import|require|createRequire\([^)]*\))\s*\(\s*(['"`])([^'"`\n$]+)\1\s*[,)]/g;

function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('/') || specifier.startsWith('node:') || specifier.startsWith('#'))
    return undefined;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function targetOf(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.normalize(posix.join(posix.dirname(from), specifier)).replace(/\.js$/, '.ts');
}

function isTypeClause(clause: string): boolean {
  const names = /^\{([^}]*)\}$/.exec(clause.trim())?.[1];
  if (names === undefined) return false;
  const parts = names.split(',').filter((name) => name.trim() !== '');
  return parts.length > 0 && parts.every((name) => /^\s*type\s/.test(name));
}

function importOf(source: Source, match: RegExpMatchArray, specifier: string, clause: string, isTypeOnly: boolean): Import {
  const line = lineAt(source.code, (match.index ?? 0) + match[0].indexOf(specifier));
  return { specifier, target: targetOf(source.path, specifier), package: packageOf(specifier), line, isTypeOnly, clause: clause.trim() };
}

const cache = new WeakMap<Source, readonly Import[]>();

/** All imports of a source, type imports and dynamic ones included. */
export function importsOf(source: Source): readonly Import[] {
  const known = cache.get(source);
  if (known !== undefined) return known;
  // A match whose first letter is blank in `bare` stands inside a string (a test's snippet), not in the program.
  const isReal = (match: RegExpMatchArray): boolean => source.bare[(match.index ?? 0) + match[0].search(/\S/)] !== ' ';
  const found = [
    ...[...source.code.matchAll(STATIC)].filter(isReal).map((match) => {
      const [, , type, clause = '', , specifier = ''] = match;
      return importOf(source, match, specifier, clause, type !== undefined || isTypeClause(clause));
    }),
    ...[...source.code.matchAll(BARE), ...source.code.matchAll(DYNAMIC)]
      .filter(isReal)
      .map((match) => importOf(source, match, match[2] ?? '', '', false)),
  ];
  cache.set(source, found);
  return found;
}

/** Finds the source that an import names: `x.ts` may be `x.tsx`. */
export function resolver(sources: readonly Source[]): (target: string) => Source | undefined {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  return (target) => byPath.get(target) ?? byPath.get(`${target}x`);
}
