#!/usr/bin/env node
/**
 * The `sightline` command: the recorder agent and its sub-commands (agent/main.ts). On a recorder it runs the bundle
 * (`dist/agent.mjs`); in a checkout it runs the sources, built into `.build/` when they changed. The agent runs in this very process:
 * signals, descriptors and the exit code are its own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');

/** The built agent of a checkout. Building is another process's work: esbuild's own helper must not live as long as the agent. */
async function fromSources() {
  const { setUpOrExit } = await import('./setup.mjs');
  await setUpOrExit();
  const { BUILD, staleSources } = await import('./build.mjs');
  if (staleSources().length > 0) {
    const { status } = spawnSync(process.execPath, [join(here, 'build.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) process.exit(status ?? 1);
  }
  process.setSourceMapsEnabled(true);
  return join(BUILD, 'agent', 'main.js');
}

const isCheckout = existsSync(join(root, 'agent', 'main.ts'));
const bundle = join(root, 'dist', 'agent.mjs');
if (!isCheckout && !existsSync(bundle)) {
  process.stderr.write(`There is no agent in ${root}: neither agent/main.ts nor dist/agent.mjs. Install Sightline again.\n`);
  process.exit(1);
}
await import(pathToFileURL(isCheckout ? await fromSources() : bundle).href);
