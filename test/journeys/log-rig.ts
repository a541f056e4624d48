import { spawnSync } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { topics } from '../../agent/contract/topics.js';
import { ROOT } from '../../scripts/root.js';
import { commandLine } from '../support/command-line.js';
import { MqttTransport } from '../support/mqtt-transport.js';
import { TENANT } from '../support/people.js';
import { type Ended, runBuilt } from '../support/run-built.js';
import { until } from '../support/until.js';

/** One row as `log show --json` prints it. */
export interface ShownRow {
  readonly seq: number;
  readonly action: string;
  readonly phase: string;
  readonly source: string;
  readonly object?: string;
  readonly result?: string;
  readonly code?: string;
  readonly sessionId?: string;
  readonly bytes?: number;
  readonly actor: { readonly kind: string; readonly ref?: string };
  readonly person: { readonly name: string; readonly email: string } | null;
  readonly isPersonErased: boolean;
  readonly change: { readonly before?: Record<string, unknown>; readonly after?: Record<string, unknown> } | null;
}

/** Runs the program on a state folder, as somebody at the recorder does. */
export const sightline = (state: string, ...words: string[]): Promise<Ended> => runBuilt(['agent/main.js', ...words, '--state', state]);

/** The same without the program: for the many cases of one, and for looking at what came of something else. */
export const inProcess = (state: string, ...words: string[]): Promise<Ended> => commandLine(...words, '--state', state);

/** What a command answers with `--json`, without the program. */
export async function asJson<T>(state: string, ...words: string[]): Promise<T> {
  const { stdout, stderr } = await inProcess(state, ...words, '--json');
  if (stdout === '') throw new RangeError(stderr);
  return JSON.parse(stdout) as T;
}

/** Rows of one action or area, oldest first. */
export async function rowsOf(state: string, ...filters: string[]): Promise<ShownRow[]> {
  const { stdout } = await inProcess(state, 'log', 'show', '--json', '--limit', '100000', ...filters);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ShownRow);
}

/** What scripts/verify-log.mjs says of an export. */
export interface FileVerdict {
  readonly isOk: boolean;
  readonly rows: number;
  readonly size: number;
  readonly signedSize: number;
  readonly people: number;
  readonly problem: { readonly kind: string; readonly seq: number } | null;
}

const VERIFIER = join(ROOT, 'scripts', 'verify-log.mjs');

/** What scripts/verify-log.mjs, run as a program, says of an exported file. */
export function verifyFile(file: string, witness?: string): FileVerdict {
  const words = [VERIFIER, file, '--json', ...(witness === undefined ? [] : ['--checkpoint', witness])];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 1e8 });
  if (stdout === '') throw new RangeError(stderr);
  return JSON.parse(stdout) as FileVerdict;
}

/** The same by the function that the program is made of. */
export async function verifyLines(file: string, witness?: string): Promise<FileVerdict> {
  const { verifyLog } = (await import(pathToFileURL(VERIFIER).href)) as {
    verifyLog(lines: AsyncIterable<string>, witness?: string): Promise<FileVerdict>;
  };
  const handle = await open(file);
  try {
    return await verifyLog(handle.readLines({ encoding: 'utf8' }), witness);
  } finally {
    await handle.close();
  }
}

/** The checkpoint that the relay keeps of this recorder, once it speaks of `size` rows. */
export async function keptAtRelay(url: string, serial: string, size: number): Promise<string> {
  const transport = new MqttTransport(url);
  try {
    await transport.whenOnline();
    let kept = '';
    transport.onMessage((_topic, payload) => {
      kept = Buffer.from(payload).toString();
    });
    await transport.subscribe(topics.checkpoint({ tenant: TENANT, serial }));
    return await until(`the relay knows ${size} rows`, () => (sizeOf(kept) >= size ? kept : undefined));
  } finally {
    await transport.close();
  }
}

function sizeOf(checkpoint: string): number {
  const [, payload] = checkpoint.split('.');
  return payload === undefined ? 0 : (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { size: number }).size;
}

/** Lines of a JSON Lines file. */
export async function linesOf<T>(file: string): Promise<T[]> {
  return (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}
