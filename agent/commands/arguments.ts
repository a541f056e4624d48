import { join, resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { ControlSource } from '../contract/control.js';
import { AgentError } from '../kernel/errors.js';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Options every command has. */
export const COMMON = { state: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;

/** Who asks: `--source button` is for the vendor's button daemon, which runs these commands (firmware-hooks/PROTOCOL.md). */
export const SOURCE = { source: { type: 'string' } } as const;

/**
 * Reads options; unknown ones are named. @throws AgentError cli.usage
 */
export function readArguments<T extends Options>(command: string, args: readonly string[], options: T) {
  return parsed(command, () => parseArgs({ args: [...args], options: { ...COMMON, ...options }, strict: true, allowPositionals: false }))
    .values;
}

/**
 * Reads options and ids. An id may begin with a dash (base64url): what is no known option and looks like an id is one.
 * @throws AgentError cli.usage
 */
export function readWithIds<T extends Options>(command: string, args: readonly string[], options: T) {
  const ids = args.filter((word, at) => isId(word) && !isValue(args, at, { ...COMMON, ...options }));
  const rest = args.filter((word) => !ids.includes(word));
  const { values, positionals } = parsed(command, () =>
    parseArgs({ args: rest, options: { ...COMMON, ...options }, strict: true, allowPositionals: true }),
  );
  return { values, ids: [...new Set([...positionals, ...ids])] };
}

/** Reads options and words, in their order. @throws AgentError cli.usage */
export function readWithWords<T extends Options>(command: string, args: readonly string[], options: T) {
  const { values, positionals } = parsed(command, () =>
    parseArgs({ args: [...args], options: { ...COMMON, ...options }, strict: true, allowPositionals: true }),
  );
  return { values, words: positionals };
}

/** @throws AgentError cli.usage */
export function readSource(text: string | undefined): ControlSource {
  if (text === undefined || text === 'local') return 'local';
  if (text === 'button') return text;
  throw new AgentError({ code: 'cli.usage', say: `"${text}" is no source.`, fix: 'Use local or button.' });
}

/** The state folder: --state, else SIGHTLINE_STATE, else the packaged place. */
export function stateFolder(option: string | undefined, environment: NodeJS.ProcessEnv): string {
  return resolve(option ?? environment.SIGHTLINE_STATE ?? '/var/lib/sightline');
}

/** The control socket of the agent that runs with this folder. */
export function controlPath(folder: string): string {
  return join(folder, 'agent.sock');
}

/** One dash, then at least three more characters of which one is no small letter: no option of ours is written so. */
function isId(word: string): boolean {
  return /^-[A-Za-z0-9_][A-Za-z0-9_-]{2,}$/.test(word) && !/^-[a-z]+$/.test(word);
}

function isValue(args: readonly string[], at: number, options: Options): boolean {
  const before = /^--([a-z-]+)$/.exec(args[at - 1] ?? '')?.[1];
  return before !== undefined && options[before]?.type === 'string';
}

function parsed<T>(command: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const say = cause instanceof Error ? (cause.message.split('. ')[0] ?? cause.message) : String(cause);
    throw new AgentError({ code: 'cli.usage', say: `${say}.`, fix: `See sightline ${command} --help.`, cause });
  }
}
