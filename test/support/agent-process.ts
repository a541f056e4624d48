import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SiteFile } from '../../agent/contract/site-file.js';
import { ROOT } from '../../scripts/root.js';

/** The bundle that the runner made; a test file that is run by hand starts the file-by-file build. */
export const AGENT_ENTRY = process.env.SIGHTLINE_TEST_AGENT ?? join(ROOT, '.build', 'agent', 'main.js');

/** The agent as its own process, with a state folder that the test owns. */
export interface AgentProcess {
  readonly pid: number;
  readonly serial: string;
  readonly isPaired: boolean;
  /** The verification code, nine characters; undefined when the recorder has an owner. */
  readonly code: string | undefined;
  /** Milliseconds from spawn to the ready line. */
  readonly readyMs: number;
  /** Log lines so far (JSON). */
  readonly log: readonly string[];
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL: as when the power goes. */
  kill(): Promise<void>;
}

/** How the process is started. */
export interface AgentStart {
  /** Another program than the built agent, such as a bundle. */
  readonly entry?: string;
  /** In place of `--warm`. */
  readonly args?: readonly string[];
  /** For Node itself, such as `--import` of something that watches from inside. */
  readonly node?: readonly string[];
  /** Beside this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Working folder. */
  readonly cwd?: string;
  /** In place of the hooks of this repository. */
  readonly hooks?: string;
}

/** Starts it and resolves when it is ready. */
export async function startAgent(folder: string, site: Omit<SiteFile, 'v'>, options: AgentStart = {}): Promise<AgentProcess> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Tests run side by side and the door's port is one for all: who needs the door gives it one of its own.
  const siteFile = join(folder, 'site.json');
  await writeFile(siteFile, JSON.stringify({ v: 1, lan: { isOn: false }, ...site }), { mode: 0o600 });
  const entry = options.entry ?? AGENT_ENTRY;
  const flags = [
    '--state',
    folder,
    '--site-file',
    siteFile,
    '--hooks-folder',
    options.hooks ?? join(ROOT, 'firmware-hooks'),
    '--new-code',
    '--ready-line',
    '--with-parent',
  ];
  const startedMs = performance.now();
  const words = ['--max-semi-space-size=1', ...(options.node ?? []), entry, 'run', ...flags, ...(options.args ?? ['--warm'])];
  const child = spawn(process.execPath, words, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const log: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
  const ready = await readyLine(child, log);
  const label = ready.label as { code: string } | null;
  return {
    pid: child.pid ?? 0,
    serial: String(ready.serial),
    isPaired: ready.isPaired === true,
    code: label?.code.replaceAll('-', ''),
    readyMs: performance.now() - startedMs,
    log,
    stop: () => end(child, 'SIGTERM'),
    kill: async () => void (await end(child, 'SIGKILL')),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const closed = once(child, 'close');
  child.kill(signal);
  await closed;
  return child.exitCode;
}

function readyLine(child: ChildProcess, log: readonly string[]): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) return reject(new RangeError('no stdout'));
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Record<string, unknown>));
    child.once('close', (code) => reject(new RangeError(`the agent ended with ${code}: ${log.at(-1) ?? ''}`)));
  });
}
