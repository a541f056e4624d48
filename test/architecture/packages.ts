import { type Import, importsOf, resolver } from './imports.js';
import { type Rule, type Source, type Violation, violationsOf } from './source.js';

/** Where each package that the agent ships lives. Tests may use them all. */
const HOMES: Readonly<Record<string, RegExp>> = {
  'node-onvif': /^drivers\/onvif\//,
  serialport: /^drivers\/serial\//,
  'fluent-ffmpeg': /^drivers\/ffmpeg\//,
  systeminformation: /^drivers\/host\//,
  mqtt: /^agent\/cloud\//,
  sqlite3: /^agent\/store\//,
  'node-datachannel': /^drivers\/webrtc\//,
  uvu: /^test\//,
  zod: /^(?:agent\/contract|drivers\/[^/]+)\//,
  jose: /^(?:agent\/contract|scripts\/portal)\//,
  '@noble/curves': /^(?:agent\/contract|scripts\/portal)\//,
  '@noble/hashes': /^(?:agent\/contract|scripts\/portal)\//,
  'lean-qr': /^(?:agent\/identity|scripts)\//,
};

function sayPackage(path: string, name: string): string | undefined {
  const home = HOMES[name];
  if (home !== undefined) return home.test(path) ? undefined : `${name} has its home elsewhere (${home.source})`;
  return /^(?:agent|drivers)\//.test(path) ? `${name} has no home in agent/ or drivers/` : undefined;
}

/** Each package has one home, so that replacing it is a change in one folder. */
export const packageHomes: Rule = (sources) =>
  sources
    .filter(({ path }) => !path.startsWith('test/'))
    .flatMap((source) =>
      importsOf(source).flatMap(({ package: name, line }): Violation[] => {
        const say = name === undefined ? undefined : sayPackage(source.path, name);
        return say === undefined ? [] : [{ path: source.path, line, say }];
      }),
    );

/** The whole of zod is twelve times as large in a browser as what is used of it. */
export const zodMini: Rule = (sources) =>
  sources.flatMap((source) =>
    importsOf(source).flatMap(({ package: name, specifier, clause, isTypeOnly, line }): Violation[] => {
      if (name !== 'zod' || isTypeOnly || (specifier === 'zod/mini' && /^\*\s*as\s/.test(clause))) return [];
      return [{ path: source.path, line, say: "write import * as z from 'zod/mini'" }];
    }),
  );

const PURE = /^(?:agent|drivers)\/(?:.*\/)?(?:[a-z0-9-]+-)?(?:policy|admission|plan|diff|transitions|chain|window|gate)\.ts$/;

/** What a file loads when it runs: value imports, followed. `node:` modules found on the way are named with the way. */
function nodeModulesBehind(source: Source, find: (target: string) => Source | undefined): string | undefined {
  const seen = new Set<Source>();
  const look = (at: Source, way: string): string | undefined => {
    if (seen.has(at)) return undefined;
    seen.add(at);
    for (const { specifier, target, isTypeOnly } of importsOf(at)) {
      if (isTypeOnly) continue;
      if (specifier.startsWith('node:')) return `${way} -> ${specifier}`;
      const next = target === undefined ? undefined : find(target);
      const found = next === undefined ? undefined : look(next, `${way} -> ${next.path}`);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return look(source, source.path);
}

const isForeign = ({ target }: Import): boolean => target === undefined;

/** Policies, plans and the like import no package and no `node:` module, reach none through what they import, and are synchronous. */
export const pureFiles: Rule = (sources) => {
  const find = resolver(sources);
  return sources
    .filter(({ path }) => PURE.test(path))
    .flatMap((source) => {
      const direct = importsOf(source)
        .filter(isForeign)
        .map(({ line, specifier }) => ({ path: source.path, line, say: `a pure file must not import ${specifier}` }));
      const behind = direct.length > 0 ? undefined : nodeModulesBehind(source, find);
      const reach = behind === undefined ? [] : [{ path: source.path, line: 1, say: `a pure file must not load node: modules: ${behind}` }];
      return [
        ...direct,
        ...reach,
        ...violationsOf(source, source.bare, /\b(?:async|await|Promise)\b/g, ([word]) => `a pure file is synchronous: ${word}`),
      ];
    });
};

/** The contract runs in a browser too. */
export const contractEverywhere: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('agent/contract/'))
    .flatMap((source) =>
      importsOf(source)
        .filter(({ specifier, isTypeOnly }) => specifier.startsWith('node:') && !isTypeOnly)
        .map(({ line, specifier }) => ({ path: source.path, line, say: `the contract runs in browsers too: ${specifier}` })),
    );

const MAY_TALK = /^agent\/(?:cloud|page|control)\//;
const NETWORK = /^(?:node:)?(?:net|tls|http|https|http2|dgram)$|^(?:ws|undici|aedes)$/;

/** What leaves the recorder leaves through drivers, the cloud link, the local page or the control socket. There is no other way out. */
export const socketsInPlace: Rule = (sources) =>
  sources
    .filter(({ path }) => path.startsWith('agent/') && !MAY_TALK.test(path))
    .flatMap((source) => [
      ...importsOf(source)
        .filter(({ specifier, isTypeOnly }) => NETWORK.test(specifier) && !isTypeOnly)
        .map(({ line, specifier }) => ({ path: source.path, line, say: `no socket here: ${specifier}` })),
      ...violationsOf(
        source,
        source.bare,
        /(?<![.\w#])fetch\s*\(|\bnew\s+(?:WebSocket|EventSource|XMLHttpRequest)\b/g,
        ([text]) => `no socket here: ${text}`,
      ),
    ]);
