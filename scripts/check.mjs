/** `npm run check`: types, lint and format, architecture; each timed, all of them run even when one fails. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './build.mjs';
import { setUpOrExit } from './setup.mjs';

const bin = (name) => join(ROOT, 'node_modules', '.bin', name);
const STEPS = [
  { name: 'types (tsc)', command: bin('tsc'), args: ['-p', '.'] },
  { name: 'lint and format (biome)', command: bin('biome'), args: ['ci', '--error-on-warnings', '.'] },
  { name: 'architecture', command: process.execPath, args: ['scripts/test.mjs', '--no-tools', 'test/architecture.test.ts'] },
];

function run({ command, args }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code === 0));
  });
}

await setUpOrExit();
const results = [];
for (const step of STEPS) {
  const startedAt = performance.now();
  const isGood = await run(step);
  results.push({ ...step, isGood, seconds: ((performance.now() - startedAt) / 1000).toFixed(1) });
}
process.stdout.write('\n');
for (const { name, isGood, seconds } of results) process.stdout.write(`${isGood ? 'ok  ' : 'FAIL'} ${seconds.padStart(6)} s  ${name}\n`);
process.exitCode = results.every(({ isGood }) => isGood) ? 0 : 1;
