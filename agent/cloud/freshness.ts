import { COMMAND_MAX_AGE_MS } from '../contract/command.js';

/** A sender that reckons the recorder's uptime cannot be ahead of it; clocks drift, so a little is let through. */
export const COMMAND_MAX_AHEAD_MS = 30_000;

/**
 * Whether a command that says it was made at `atMs` may be carried out when the recorder is up for `upMs`: it holds from 30 s before to 30 s
 * after that moment, and at no other time. That is what lets its number be forgotten later.
 */
export function judgeAge(atMs: number, upMs: number): 'fresh' | 'too_old' | 'ahead' {
  if (upMs - atMs > COMMAND_MAX_AGE_MS) return 'too_old';
  return atMs - upMs > COMMAND_MAX_AHEAD_MS ? 'ahead' : 'fresh';
}
