/** Builds, then runs one TypeScript file of this repository: `node scripts/run.mjs scripts/bench/live.ts --json`. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { BUILD, build } from './build.mjs';

const [file, ...rest] = process.argv.slice(2);
await build();
const child = spawn(process.execPath, ['--enable-source-maps', join(BUILD, file.replace(/\.tsx?$/, '.js')), ...rest], { stdio: 'inherit' });
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => child.kill(name));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});
