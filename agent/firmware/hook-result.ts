/** How a hook ended, as its exit code says (firmware-hooks/PROTOCOL.md). */
export type HookOutcome = 'ok' | 'unsupported' | 'refused' | 'retry' | 'rolled-back' | 'failed';

/** What a hook may tell while it works. `percent` 0..100. */
export interface HookProgress {
  readonly percent: number;
  readonly stage: string;
}

/** The answer when it went well, else why not; never an exception for what a hook does. */
export type HookResult<Answer> =
  | { readonly outcome: 'ok'; readonly answer: Answer; readonly durationMs: number }
  | { readonly outcome: Exclude<HookOutcome, 'ok'>; readonly reason: string; readonly durationMs: number };

/** A strict zod schema fits; named by shape so that the runner knows no package. */
export interface AnswerSchema<Answer> {
  safeParse(value: unknown): { readonly success: true; readonly data: Answer } | { readonly success: false; readonly error: unknown };
}

/** Exit code to outcome; every other code is a failure. */
export function outcomeOfExit(code: number | null): HookOutcome {
  switch (code) {
    case 0:
      return 'ok';
    case 10:
      return 'unsupported';
    case 20:
      return 'refused';
    case 21:
      return 'retry';
    case 30:
      return 'rolled-back';
    default:
      return 'failed';
  }
}
