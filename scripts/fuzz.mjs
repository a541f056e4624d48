/** `npm run fuzz -- --target onvif|pelco|visca|gear|rtsp|contract|all --seconds 60 [--seed 7] [--json]`: see test/fuzz/main.ts, which does it. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const main = join(here, '..', 'test', 'fuzz', 'main.ts');
const { status } = spawnSync(process.execPath, [join(here, 'run.mjs'), main, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = status ?? 1;
