/**
 * The test files of a run, bundled together: what several of them use is one file beside them. A test's process reads a handful of files instead of some
 * hundred, which is a third of what a small test costs. Each remains its own entry and its own process.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BUILD } from '../build.mjs';
import { EXTERNAL } from '../esbuild-agent.mjs';

const FOLDER = join(BUILD, 'bundles');
/** What a runner that was killed left behind is of no use to anybody after this time. */
const KEPT_MS = 3_600_000;
/** Packages that look for files of their own, or that only few tests load. */
const OUTSIDE = [...EXTERNAL, 'aedes', 'axe-core', 'esbuild', 'onvif', 'playwright-core', 'werift', 'ws'];
const REQUIRE = "import { createRequire as testRequire } from 'node:module'; const require = testRequire(import.meta.url);";

/** A file goes on knowing where it was built to: many look for files beside them. */
const ownPlaces = {
  name: 'own places',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]\.build[\\/].*\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: text.replaceAll('import.meta.url', url), loader: 'js', resolveDir: dirname(path) };
    });
  },
};

function removeOld() {
  if (!existsSync(FOLDER)) return;
  for (const name of readdirSync(FOLDER)) {
    const path = join(FOLDER, name);
    if (name.startsWith('tests-') && Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Bundles these built files (paths in `.build/`). Gives `{pathOf, remove}`: where each one's bundle is, and how to be rid of all of them. Where an import
 * leads nowhere it throws esbuild's error: then each file is still good for itself.
 */
export async function bundleTests(built) {
  const { build } = await import('esbuild');
  removeOld();
  const folder = join(FOLDER, `tests-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    await build({
      entryPoints: built,
      outdir: folder,
      outbase: BUILD,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: OUTSIDE,
      chunkNames: 'part-[hash]',
      sourcemap: 'linked',
      sourcesContent: false,
      legalComments: 'none',
      banner: { js: REQUIRE },
      plugins: [ownPlaces],
      logLevel: 'silent',
    });
  } catch (error) {
    remove();
    throw error;
  }
  return { pathOf: (path) => join(folder, path.slice(BUILD.length + 1)), remove };
}
