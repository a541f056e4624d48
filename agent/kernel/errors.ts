/**
 * The one error type of the agent. An error first answers "may this be tried again", carries a code that never changes its
 * meaning (`area.reason`), and two sentences for a person: what happened, and what to do next.
 */
export interface AgentErrorParts {
  /** Stable, `area.reason`, never reused for another meaning. */
  readonly code: string;
  /** What happened, in a person's words. */
  readonly say: string;
  /** What the person can do next. */
  readonly fix: string;
  /** True when the same request may succeed later without anyone changing anything. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** Facts for a machine or the log (numbers, ids); never secrets. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Thrown everywhere in the agent; `message` is `code: say`. */
export class AgentError extends Error {
  readonly code: string;
  readonly say: string;
  readonly fix: string;
  readonly retryable: boolean;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(parts: AgentErrorParts) {
    super(`${parts.code}: ${parts.say}`, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'AgentError';
    this.code = parts.code;
    this.say = parts.say;
    this.fix = parts.fix;
    this.retryable = parts.retryable ?? false;
    this.detail = parts.detail ?? {};
  }
}

/** Any thrown value as an AgentError; what is not one already becomes `code` with the given sentences and the value as cause. */
export function asAgentError(thrown: unknown, otherwise: Omit<AgentErrorParts, 'cause'>): AgentError {
  return thrown instanceof AgentError ? thrown : new AgentError({ ...otherwise, cause: thrown });
}

/** The innermost message of a chain of causes, for a log line. */
export function rootMessage(thrown: unknown): string {
  let at: unknown = thrown;
  while (at instanceof Error && at.cause !== undefined) at = at.cause;
  return at instanceof Error ? at.message : String(at);
}
