import { AgentError } from '../kernel/errors.js';
import { EXIT } from './command.js';

const USAGE: ReadonlySet<string> = new Set(['cli.usage', 'cli.ambiguous', 'cli.unconfirmed']);
const UNREACHABLE: ReadonlySet<string> = new Set([
  'control.not_running',
  'control.not_allowed',
  'control.no_answer',
  'control.cut_off',
  'control.starting',
]);

/** The exit code that a thrown value ends the program with. */
export function exitCodeOf(thrown: unknown): number {
  if (!(thrown instanceof AgentError)) return EXIT.failed;
  if (USAGE.has(thrown.code)) return EXIT.usage;
  if (UNREACHABLE.has(thrown.code)) return EXIT.unreachable;
  if (thrown.code === 'control.not_stored') return EXIT.partly;
  return /^(pairing|permissions)\./.test(thrown.code) ? EXIT.refused : EXIT.failed;
}

/** What a failed command prints, for people: what happened, what to do, the code last. */
export function errorText(thrown: unknown): string {
  if (thrown instanceof AgentError) return `${thrown.say} ${thrown.fix} (${thrown.code})\n`;
  return `The program failed: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`;
}

/** The same for a machine, with `--json`: `{"error":{"code","say","fix"}}`. */
export function errorJson(thrown: unknown): string {
  const { code, say, fix } =
    thrown instanceof AgentError ? thrown : { code: 'cli.failed', say: errorText(thrown).trim(), fix: 'Please report it.' };
  return `${JSON.stringify({ error: { code, say, fix } })}\n`;
}
