/** Runs one long command of the set-up: keeps all it says, shows that it is alive, and ends with us on Ctrl-C. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupFailure } from './failure.mjs';

const ALIVE_EVERY_MS = 15_000;

export const say = (line) => process.stderr.write(`${line}\n`);

/** The path of a program, or undefined when no folder of PATH has it. */
export function which(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      const path = join(folder, name);
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

function stopWith(child) {
  const stop = () => {
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      // Already gone.
    }
  };
  const handlers = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ].map(([name, code]) => {
    const handler = () => {
      stop();
      process.exit(code);
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  process.on('exit', stop);
  return () => {
    process.off('exit', stop);
    for (const off of handlers) off();
  };
}

/** `{code, output}`: stdout and stderr together. A line with the time gone by appears every 15 s. */
export async function runLong(command, args, { cwd, env = {}, what }) {
  const startedAt = performance.now();
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const release = stopWith(child);
  const timer = setInterval(() => {
    say(`  still ${what} (${Math.round((performance.now() - startedAt) / 1000)} s)`);
  }, ALIVE_EVERY_MS);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { code, output };
  } catch (error) {
    throw new SetupFailure(`"${command}" could not be started (${error.code ?? error.message}); it has to be on the PATH.`);
  } finally {
    clearInterval(timer);
    release();
  }
}
