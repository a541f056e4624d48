/**
 * The tests that kill: `npm run kill -- [--cycles 200] [part of a path]...`. Many cycles are the long mode, in which files are cut at every byte too; `npm
 * test` runs the same tests with 20 cycles.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HELP = 'Use it like this: npm run kill -- --cycles 200\n';

function readArguments() {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { cycles: { type: 'string', default: '20' } } });
    return /^[1-9][0-9]{0,4}$/.test(values.cycles) ? { cycles: values.cycles, paths: positionals } : undefined;
  } catch {
    return undefined;
  }
}

const wanted = readArguments();
if (wanted === undefined) {
  process.stderr.write(`That is no number of cycles. ${HELP}`);
  process.exitCode = 2;
} else {
  const runner = join(dirname(fileURLToPath(import.meta.url)), 'test.mjs');
  const env = { ...process.env, KILL_CYCLES: wanted.cycles };
  const { status } = spawnSync(process.execPath, [runner, '--kind', 'kill', ...wanted.paths], { stdio: 'inherit', env });
  process.exitCode = status ?? 1;
}
