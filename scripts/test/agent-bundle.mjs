/**
 * The agent as a recorder runs it, for the tests that start it: bundled once per state of the sources, in `.build/bundles/`. It starts in two
 * thirds of the time and processor of the file-by-file build (0.7 s and 0.9 s against 1.0 s and 1.4 s), and the tests start it some 200 times.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD } from '../build.mjs';
import { bundleAgent } from '../esbuild-agent.mjs';

const FOLDER = join(BUILD, 'bundles');
const KEPT_MS = 3_600_000;

/** Times and sizes of everything that was built: another source gives another name. */
function stateOf(folder, hash) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) stateOf(path, hash);
    else if (entry.name.endsWith('.js')) hash.update(`${path} ${statSync(path).mtimeMs} ${statSync(path).size}\n`);
  }
}

function removeOld(keep) {
  for (const name of readdirSync(FOLDER)) {
    const path = join(FOLDER, name);
    if (path !== keep && Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** Bundles what `.build/` holds now and gives the path of its entry. Several runners may do this at once: a bundle appears whole. */
export async function agentForTests() {
  const hash = createHash('sha256');
  for (const name of ['agent', 'drivers', 'scripts']) stateOf(join(BUILD, name), hash);
  const folder = join(FOLDER, hash.digest('hex').slice(0, 16));
  if (!existsSync(folder)) {
    const beside = `${folder}.${process.pid}`;
    mkdirSync(FOLDER, { recursive: true });
    await bundleAgent(undefined, beside);
    try {
      renameSync(beside, folder);
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      // Another runner was quicker with the same.
      rmSync(beside, { recursive: true, force: true });
    }
  }
  removeOld(folder);
  return join(folder, 'agent.mjs');
}
