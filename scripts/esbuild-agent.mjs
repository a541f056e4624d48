/**
 * Bundles the agent into `dist/` for a recorder: one entry (`dist/agent.mjs`) and one chunk per lazily loaded driver, so that a driver
 * which is not configured still costs nothing. Names stay readable; stack traces on a recorder must mean something.
 *
 *   node scripts/esbuild-agent.mjs [--json]
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from './build.mjs';
import { setUpOrExit } from './setup.mjs';

/** Packages with native parts, or that read files of their own at run time: they stay in node_modules. */
export const EXTERNAL = ['sqlite3', 'serialport', '@serialport/*', 'node-datachannel', 'node-onvif', 'fluent-ffmpeg', 'systeminformation'];

/** CommonJS packages inside an ES module bundle ask for `require`; this gives them one. */
const REQUIRE = "import { createRequire as sightlineRequire } from 'node:module'; const require = sightlineRequire(import.meta.url);";

/** Builds `entry` into `outdir` and gives `{files, bytes}`. Throws esbuild's error when a source does not parse or resolve. */
export async function bundleAgent(entry = join(ROOT, 'agent', 'main.ts'), outdir = join(ROOT, 'dist')) {
  const { build } = await import('esbuild');
  rmSync(outdir, { recursive: true, force: true });
  await build({
    entryPoints: { agent: entry },
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
  const files = readdirSync(outdir).filter((name) => name.endsWith('.mjs'));
  return { files, bytes: files.reduce((sum, name) => sum + statSync(join(outdir, name)).size, 0) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await setUpOrExit();
  if (!existsSync(join(ROOT, 'agent', 'main.ts'))) {
    process.stderr.write('There is no agent/main.ts to bundle.\n');
    process.exit(1);
  }
  const { files, bytes } = await bundleAgent();
  const line = process.argv.includes('--json')
    ? JSON.stringify({ files, bytes })
    : `dist/: ${files.length} files, ${Math.round(bytes / 1024)} KiB`;
  process.stdout.write(`${line}\n`);
}
