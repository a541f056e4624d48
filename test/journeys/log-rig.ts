import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { topics } from '../../agent/contract/topics.js';
import { ROOT } from '../../scripts/root.js';
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

/** The same, for what it answers with `--json`. */
export async function asJson<T>(state: string, ...words: string[]): Promise<T> {
  const { stdout, stderr } = await sightline(state, ...words, '--json');
  if (stdout === '') throw new RangeError(stderr);
  return JSON.parse(stdout) as T;
}

/** Rows of one action or area, oldest first. */
export async function rowsOf(state: string, ...filters: string[]): Promise<ShownRow[]> {
  const { stdout } = await sightline(state, 'log', 'show', '--json', '--limit', '100000', ...filters);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ShownRow);
}

/** What scripts/verify-log.mjs says of an exported file. */
export function verifyFile(
  file: string,
  witness?: string,
): { isOk: boolean; rows: number; people: number; problem: { kind: string; seq: number } | null } {
  const words = [join(ROOT, 'scripts', 'verify-log.mjs'), file, '--json', ...(witness === undefined ? [] : ['--checkpoint', witness])];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 1e8 });
  if (stdout === '') throw new RangeError(stderr);
  return JSON.parse(stdout) as ReturnType<typeof verifyFile>;
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
