/**
 * Makes a fresh clone able to run: checks Node, installs node_modules when they are missing or not those of package-lock.json, and
 * makes sqlite3's native part. Says in one line what it does and why; does nothing, in a few milliseconds, when all is there.
 *
 *   node scripts/setup.mjs [--tools]
 */
import { fileURLToPath } from 'node:url';
import { SetupFailure } from './setup/failure.mjs';
import { ensureModules, ROOT } from './setup/modules.mjs';
import { ensureTools, TEST_TOOLS } from './setup/tools.mjs';

export { ensureModules, ensureTools, SetupFailure, TEST_TOOLS };

/** Sets up; on failure prints its one sentence and ends the process with exit code 1. `tools`: also what the tests need from the system. */
export async function setUpOrExit({ tools = false, root = ROOT } = {}) {
  try {
    await ensureModules(root);
    if (tools) await ensureTools(TEST_TOOLS);
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUpOrExit({ tools: process.argv.includes('--tools') });
