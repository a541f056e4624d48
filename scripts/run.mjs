/** Sets up, builds, then runs one TypeScript file of this repository: `node scripts/run.mjs scripts/bench/live.ts --json`. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { BUILD, build, ROOT } from './build.mjs';
import { setUpOrExit } from './setup.mjs';

const [file, ...rest] = process.argv.slice(2);
if (file === undefined || !existsSync(resolve(file))) {
  process.stderr.write(
    `${file === undefined ? 'Name the file to run' : `There is no file ${file}`}. Example: node scripts/run.mjs scripts/bench/live.ts --json\n`,
  );
  process.exit(2);
}
await setUpOrExit();
await build();
const built = join(BUILD, relative(ROOT, resolve(file)).replace(/\.tsx?$/, '.js'));
const child = spawn(process.execPath, ['--enable-source-maps', built, ...rest], { stdio: 'inherit' });
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => child.kill(name));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});
