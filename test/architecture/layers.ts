import { importsOf, resolver } from './imports.js';
import type { Rule, Source, Violation } from './source.js';

const FEATURES = new Set([
  'identity',
  'pairing',
  'permissions',
  'cameras',
  'config',
  'health',
  'live',
  'playback',
  'operation-log',
  'ledger',
  'firmware',
  'gear',
]);
const OUTER = new Set(['store', 'cloud', 'page', 'commands', 'control']);

interface Place {
  readonly name: string;
  /** kernel 0, contract 1, features 2, outer 3, compose 4, main 5. */
  readonly rank: number;
}

function placeOf(path: string): Place | undefined {
  if (path === 'agent/main.ts') return { name: 'main', rank: 5 };
  if (path === 'agent/compose.ts') return { name: 'compose', rank: 4 };
  const folder = /^agent\/([^/]+)\//.exec(path)?.[1];
  if (folder === 'kernel') return { name: folder, rank: 0 };
  if (folder === 'contract') return { name: folder, rank: 1 };
  if (folder === 'compose') return { name: folder, rank: 4 };
  if (folder !== undefined && FEATURES.has(folder)) return { name: folder, rank: 2 };
  if (folder !== undefined && OUTER.has(folder)) return { name: folder, rank: 3 };
  return undefined;
}

const agent = (sources: readonly Source[]): Source[] => sources.filter(({ path }) => path.startsWith('agent/'));

function sayLayer(from: Place, to: Place): string | undefined {
  if (to.rank > from.rank) return `${from.name} must not import ${to.name}: it lies further out`;
  if (from.rank === 2 && to.rank === 2 && from.name !== to.name) {
    return `feature ${from.name} must not import feature ${to.name}: declare a port, compose hands it in`;
  }
  return undefined;
}

/** kernel <- contract <- features <- store, cloud, page, commands, control <- compose <- main; features do not know each other. */
export const layerOrder: Rule = (sources) =>
  agent(sources).flatMap((source): Violation[] => {
    const from = placeOf(source.path);
    if (from === undefined) return [{ path: source.path, line: 1, say: 'is in no known folder of agent/: see agent layers' }];
    return importsOf(source).flatMap(({ target, line }): Violation[] => {
      if (target === undefined || !target.startsWith('agent/')) return [];
      const to = placeOf(target);
      const say = to === undefined ? `imports ${target}, which is in no known folder of agent/` : sayLayer(from, to);
      return say === undefined ? [] : [{ path: source.path, line, say }];
    });
  });

const isCompose = (path: string): boolean => placeOf(path)?.name === 'compose';

/** The agent sees drivers/port.ts; compose alone sees drivers/index.ts. It never imports scripts or tests. */
export const agentToDrivers: Rule = (sources) =>
  agent(sources).flatMap((source) =>
    importsOf(source).flatMap(({ target, line }): Violation[] => {
      if (target === undefined || target.startsWith('agent/') || target === 'drivers/port.ts') return [];
      if (target === 'drivers/index.ts' && isCompose(source.path)) return [];
      return [{ path: source.path, line, say: `must not import ${target}` }];
    }),
  );

/** The port is one file for whoever imports it; its length is spread over several. */
const PARTS_OF_PORT = /^drivers\/port(?:-[a-z-]+)?\.ts$/;
const SHARED_BY_DRIVERS = new Set(['drivers/port.ts', 'drivers/digest.ts']);

/** A driver knows its own folder, drivers/port.ts and drivers/digest.ts; only drivers/index.ts knows the drivers. */
export const driverIsolation: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('drivers/') && path !== 'drivers/index.ts')
    .flatMap((source) => {
      const { path } = source;
      const own = /^drivers\/[^/]+\//.exec(source.path)?.[0];
      return importsOf(source).flatMap(({ target, line }): Violation[] => {
        if (target === undefined || SHARED_BY_DRIVERS.has(target)) return [];
        if (PARTS_OF_PORT.test(path) && PARTS_OF_PORT.test(target)) return [];
        if (own !== undefined && target.startsWith(own)) return [];
        return [{ path, line, say: `a driver must not import ${target}` }];
      });
    });

/** drivers/index.ts is lazy: a driver that is not configured must not be loaded by it. */
export const lazyDrivers: Rule = (sources) =>
  sources
    .filter(({ path }) => path === 'drivers/index.ts')
    .flatMap((source) =>
      importsOf(source).flatMap(({ target, line, clause, isTypeOnly, specifier }): Violation[] => {
        if (target === undefined || SHARED_BY_DRIVERS.has(target) || isTypeOnly || clause === '') return [];
        return [{ path: source.path, line, say: `${specifier} is loaded even when it is not configured: import() it where it is made` }];
      }),
    );

/** Hooks speak argv, stdin, stdout and exit codes: they import nothing of ours and read no script of ours. */
export const hooksImportNothing: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('firmware-hooks/'))
    .flatMap((source) => {
      const imports = importsOf(source)
        .filter(({ specifier }) => !specifier.startsWith('node:'))
        .map(({ line, specifier }) => ({ path: source.path, line, say: `a hook must not import ${specifier}` }));
      const isShell = /^#!.*\b(?:sh|bash|ash)\b/.test(source.text);
      const read = source.text.split('\n').flatMap((text, at): Violation[] => {
        const file = isShell ? /^\s*(?:\.|source)\s+(\S+)/.exec(text)?.[1] : undefined;
        return file === undefined || /^"?\/etc\//.test(file)
          ? []
          : [{ path: source.path, line: at + 1, say: `a hook must not read in ${file}` }];
      });
      return [...imports, ...read];
    });

/** Each knot once, as the files along it. Type imports count: hiding a knot does not untie it. */
export const noCycles: Rule = (sources) => {
  const find = resolver(sources);
  const state = new Map<Source, 'open' | 'done'>();
  const path: Source[] = [];
  const out: Violation[] = [];
  const visit = (source: Source): void => {
    state.set(source, 'open');
    path.push(source);
    for (const { target, line } of importsOf(source)) {
      const next = target === undefined ? undefined : find(target);
      if (next === undefined) continue;
      if (state.get(next) === 'open') {
        const knot = [...path.slice(path.indexOf(next)), next].map((file) => file.path);
        out.push({ path: source.path, line, say: `cycle: ${knot.join(' -> ')}` });
      } else if (!state.has(next)) visit(next);
    }
    path.pop();
    state.set(source, 'done');
  };
  for (const source of sources) if (!state.has(source)) visit(source);
  return out;
};

/** Every relative import names a file that is there. */
export const importsExist: Rule = (sources) => {
  const find = resolver(sources);
  return sources.flatMap((source) =>
    importsOf(source).flatMap(({ target, line, specifier }): Violation[] => {
      const isCode = target !== undefined && /^(agent|drivers|scripts|test)\/.*\.(ts|tsx|mjs)$/.test(target);
      return isCode && find(target) === undefined ? [{ path: source.path, line, say: `there is no ${specifier}` }] : [];
    }),
  );
};
