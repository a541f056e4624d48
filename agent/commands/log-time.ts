import { AgentError } from '../kernel/errors.js';

/** An instant as people type it, UTC ms; undefined when none was typed. @throws AgentError cli.usage */
export function readTime(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw new AgentError({
    code: 'cli.usage',
    say: `${option} "${text}" is no time.`,
    fix: 'Write it like 2026-11-24 or 2026-11-24T10:00:00Z.',
  });
}
