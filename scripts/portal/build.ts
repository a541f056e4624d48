import { createHash } from 'node:crypto';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { AgentError } from '../../agent/kernel/errors.js';

/** One file of the built app, ready to be served. */
export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array;
  readonly gzip: Uint8Array;
  readonly etag: string;
  /** The name holds a hash of the content: may be kept for ever. */
  readonly isImmutable: boolean;
}

/** The whole web app in memory, ready to be served. */
export interface BuiltApp {
  readonly assets: readonly Asset[];
  /** gzip bytes of what the first view loads, and of everything. */
  readonly mainBytes: number;
  readonly totalBytes: number;
}

/** Largest first view and largest whole, gzip (measured need in 2026: about 45 and 110 kB). */
export const MAIN_BUDGET_BYTES = 66_000;
/** Everything together, gzip: 150 KiB. */
export const TOTAL_BUDGET_BYTES = 150 * 1024;

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A file as it is served; `isImmutable`: its name tells its content. */
export function makeAsset(path: string, body: Uint8Array, isImmutable: boolean): Asset {
  const ending = path === '/' ? '.html' : (/\.[a-z]+$/.exec(path)?.[0] ?? '');
  return {
    path,
    type: TYPES[ending] ?? 'application/octet-stream',
    body,
    gzip: gzipSync(body, { level: 9 }),
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    isImmutable,
  };
}

/** Where the sources are: the built copy of this file lies in `.build/scripts/portal`, the sources two levels higher under `scripts/portal`. */
export function sourceFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return here.includes('.build') ? join(here.slice(0, here.indexOf('.build')), 'scripts/portal') : here;
}

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#14532d"/><path d="M2.5 8C4.5 4.8 11.5 4.8 13.5 8 11.5 11.2 4.5 11.2 2.5 8Z" fill="none" stroke="#fff" stroke-width="1.3"/><circle cx="8" cy="8" r="1.8" fill="#fff"/></svg>`;

function indexPage(script: string, style: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="Cameras that show a picture only to whom the owner of the site allowed it.">
<title>Sightline</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${style}">
<script type="module" src="${script}"></script>
</head>
<body><div id="app"></div><noscript>This page needs JavaScript: your keys are made and kept in your browser.</noscript></body>
</html>
`;
}

/** Every chunk that is loaded with the first view: the entry and what it imports statically. */
function firstView(outputs: Metafile['outputs'], entry: string): Set<string> {
  const seen = new Set<string>();
  const queue = [entry];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    for (const item of outputs[next]?.imports ?? []) if (item.kind === 'import-statement' && !item.external) queue.push(item.path);
  }
  return seen;
}

/** The largest sources in the given chunks, as `path bytes` (minified, not gzip). */
function largest(outputs: Metafile['outputs'], chunks: Iterable<string>, count: number): string[] {
  const sizes = new Map<string, number>();
  for (const chunk of chunks) {
    for (const [path, { bytesInOutput }] of Object.entries(outputs[chunk]?.inputs ?? {}))
      sizes.set(path, (sizes.get(path) ?? 0) + bytesInOutput);
  }
  return [...sizes]
    .sort((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([path, bytes]) => `${path} ${bytes}`);
}

function keepBudget(name: string, bytes: number, budget: number, modules: () => string[]): void {
  if (bytes <= budget) return;
  throw new AgentError({
    code: 'portal.too_large',
    say: `The app’s ${name} is ${bytes} bytes (gzip); ${budget} are allowed. Largest modules: ${modules().join(', ')}.`,
    fix: 'Load what is rarely needed with import(), or take something smaller.',
  });
}

/**
 * Bundles the web app in memory (esbuild; about 0.2 s). `entry` may be another file than `web/main.tsx` in tests.
 * @throws AgentError portal.too_large when the size budget is broken; esbuild's error when the sources are
 */
export async function buildApp(entry = join(sourceFolder(), 'web/main.tsx')): Promise<BuiltApp> {
  const outdir = '/assets';
  const result = await build({
    entryPoints: { main: entry, styles: join(sourceFolder(), 'web/styles.css') },
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    write: false,
    metafile: true,
    outdir,
    absWorkingDir: '/',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    conditions: ['browser'],
    legalComments: 'none',
    logLevel: 'silent',
  });
  const { outputs } = result.metafile;
  const nameOf = (start: string): string =>
    Object.keys(outputs).find((path) => basename(path).startsWith(start) && outputs[path]?.entryPoint !== undefined) ?? '';
  const files = result.outputFiles.map((file) => makeAsset(`/assets/${relative(outdir, file.path)}`, file.contents, true));
  const script = nameOf('main-');
  const index = makeAsset('/', new TextEncoder().encode(indexPage(`/${script}`, `/${nameOf('styles-')}`)), false);
  const assets = [index, makeAsset('/icon.svg', new TextEncoder().encode(ICON), false), ...files];
  const first = firstView(outputs, script);
  const sizeOf = (isWanted: (path: string) => boolean): number =>
    files.filter((file) => isWanted(file.path.slice(1))).reduce((sum, file) => sum + file.gzip.length, 0);
  const app = { assets, mainBytes: sizeOf((path) => first.has(path)), totalBytes: sizeOf(() => true) };
  keepBudget('first view', app.mainBytes, MAIN_BUDGET_BYTES, () => largest(outputs, first, 5));
  keepBudget('whole', app.totalBytes, TOTAL_BUDGET_BYTES, () => largest(outputs, Object.keys(outputs), 5));
  return app;
}
