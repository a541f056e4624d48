/** `npm start`: makes a fresh clone able to run, then starts test camera, reference cloud and agent (scripts/start/main.ts). */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BUILD, build } from './build.mjs';
import { setUpOrExit } from './setup.mjs';

await setUpOrExit();
await build();
await (await import(pathToFileURL(join(BUILD, 'scripts', 'portal', 'page.js')).href)).ensurePage();
// esbuild's helper process has done its work; otherwise it would stay for as long as this runs.
await (await import('esbuild')).stop();
await import(pathToFileURL(join(BUILD, 'scripts', 'start', 'main.js')).href);
