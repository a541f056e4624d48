import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../scripts/root.js';
import { AGENT_ENTRY } from './agent-process.js';

/** How a program ended and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LIMIT_MS = 30_000;

/** Runs a built file of this repository (`agent/main.js`) to its end; `under` is put before it, such as `['unshare', '--net', '--']`. */
export function runBuilt(argv: readonly [string, ...string[]], under: readonly string[] = []): Promise<Ended> {
  const [file, ...rest] = argv;
  const entry = file === 'agent/main.js' ? AGENT_ENTRY : join(ROOT, '.build', file);
  const [program = '', ...words] = [...under, process.execPath, entry, ...rest];
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text;
      });
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, ...said });
    });
  });
}

/** A namespace of the kernel for one program: as root directly, else as root of a user namespace. */
export const inNamespace = (...kinds: readonly ('--net' | '--mount')[]): readonly string[] => [
  'unshare',
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  ...kinds,
  '--',
];

/** Runs what follows with `folder` mounted read-only: the one way to refuse root a write. */
export const withReadOnly = (folder: string): readonly string[] => [
  ...inNamespace('--mount'),
  'sh',
  '-c',
  'mount -t tmpfs -o ro none "$0" && exec "$@"',
  folder,
];
