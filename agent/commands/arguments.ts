import { join, resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AgentError } from '../kernel/errors.js';

/** Options every command has. */
export const COMMON = { state: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;

/**
 * Reads options; unknown ones are named. @throws AgentError cli.usage
 */
export function readArguments<T extends NonNullable<ParseArgsConfig['options']>>(command: string, args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options: { ...COMMON, ...options }, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    const say = cause instanceof Error ? (cause.message.split('. ')[0] ?? cause.message) : String(cause);
    throw new AgentError({ code: 'cli.usage', say: `${say}.`, fix: `See sightline ${command} --help.`, cause });
  }
}

/** The state folder: --state, else SIGHTLINE_STATE, else the packaged place. */
export function stateFolder(option: string | undefined, environment: NodeJS.ProcessEnv): string {
  return resolve(option ?? environment.SIGHTLINE_STATE ?? '/var/lib/sightline');
}

/** The control socket of the agent that runs with this folder. */
export function controlPath(folder: string): string {
  return join(folder, 'agent.sock');
}
