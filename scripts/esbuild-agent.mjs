/**
 * Bundles the agent into `dist/` for a recorder: two entries (`dist/agent.mjs` and the pairing thread) and one chunk per lazily loaded
 * driver, so that a driver which is not configured still costs nothing. Names stay readable; stack traces on a recorder must mean something.
 *
 *   node scripts/esbuild-agent.mjs [--json]
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BUILD, build as buildSources, ROOT } from './build.mjs';
import { setUpOrExit } from './setup.mjs';

/** Packages with native parts, or that read files of their own at run time: they stay in node_modules. */
export const EXTERNAL = ['sqlite3', 'serialport', '@serialport/*', 'node-datachannel', 'node-onvif', 'fluent-ffmpeg', 'systeminformation'];

/** CommonJS packages inside an ES module bundle ask for `require`; this gives them one. */
const REQUIRE = "import { createRequire as sightlineRequire } from 'node:module'; const require = sightlineRequire(import.meta.url);";

/** The page of the local door, beside the agent (scripts/portal/page.ts). Gives its size; 0 where there are no sources of it. */
async function bundlePage(folder) {
  if (!existsSync(join(ROOT, 'scripts', 'portal', 'page.ts'))) return 0;
  await buildSources();
  const { writePage } = await import(pathToFileURL(join(BUILD, 'scripts', 'portal', 'page.js')).href);
  return (await writePage(folder)).bytes;
}

/** Builds `entry` into `outdir`, the local page into `outdir/page`, and gives `{files, bytes, pageBytes}`. Throws esbuild's error when a source does not parse or resolve. */
export async function bundleAgent(entry = join(ROOT, 'agent', 'main.ts'), outdir = join(ROOT, 'dist')) {
  const { build } = await import('esbuild');
  rmSync(outdir, { recursive: true, force: true });
  await build({
    // A thread is started from a file, so it is an entry of its own (agent/pairing/worker.ts).
    entryPoints: { agent: entry, 'pairing-worker': join(ROOT, 'agent', 'pairing', 'worker-thread.ts') },
    outdir,
    outExtension: { '.js': '.mjs' },
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: EXTERNAL,
    chunkNames: 'part-[name]-[hash]',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'external',
    banner: { js: REQUIRE },
    logLevel: 'warning',
  });
  const pageBytes = await bundlePage(join(outdir, 'page'));
  const files = readdirSync(outdir).filter((name) => name.endsWith('.mjs'));
  return { files, bytes: files.reduce((sum, name) => sum + statSync(join(outdir, name)).size, 0), pageBytes };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await setUpOrExit();
  if (!existsSync(join(ROOT, 'agent', 'main.ts'))) {
    process.stderr.write('There is no agent/main.ts to bundle.\n');
    process.exit(1);
  }
  const { files, bytes, pageBytes } = await bundleAgent();
  const line = process.argv.includes('--json')
    ? JSON.stringify({ files, bytes, pageBytes })
    : `dist/: ${files.length} files, ${Math.round(bytes / 1024)} KiB; local page ${Math.round(pageBytes / 1024)} KiB`;
  process.stdout.write(`${line}\n`);
}
