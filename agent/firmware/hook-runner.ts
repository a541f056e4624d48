import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../kernel/clock.js';
import { AgentError, rootMessage } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import type { Log } from '../kernel/log.js';
import { redactText } from '../kernel/redact.js';
import { findHook } from './hook-file.js';
import { HOOK_LIMITS_MS, type HookName } from './hook-limits.js';
import { HookOutput } from './hook-output.js';
import { type AnswerSchema, type HookProgress, type HookResult, outcomeOfExit } from './hook-result.js';

const PROTOCOL_VERSION = 1;
const REQUEST_BYTES = 65_536;
const STDERR_BYTES = 65_536;
const TERM_GRACE_MS = 5_000;
/** After the hook ended, for what is left in the pipes. */
const DRAIN_MS = 1_000;
/** All a hook finds in its environment. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } as const;

/** What the runner is made of. */
export interface HookRunnerParts {
  /** Absolute path of the installed hooks. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** One call of a hook. */
export interface HookCall<Answer> {
  /** The hook's own input, per PROTOCOL.md; secrets are allowed here and nowhere else. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** A strict schema of the answer. */
  readonly answer: AnswerSchema<Answer>;
  /** The same id for a repeated call makes the hook repeat its answer instead of its act. Default: a new one. */
  readonly requestId?: string;
  readonly onProgress?: (progress: HookProgress) => void;
  readonly signal?: AbortSignal;
}

interface Ended {
  readonly exitCode: number | null;
  readonly said: unknown;
  /** Why we ended it or could not start it; undefined when it ended by itself. */
  readonly stoppedFor: string | undefined;
}

/**
 * Runs firmware hooks: no shell, no arguments, cleared environment, input on stdin, own process group that is ended with it. Calls
 * of the same hook wait for each other.
 */
export class HookRunner {
  readonly #parts: HookRunnerParts;
  readonly #queue = new KeyedQueue();

  constructor(parts: HookRunnerParts) {
    this.#parts = parts;
  }

  /** Never rejects for what a hook does or is. Rejects with AgentError `hook.bad_request` when the input is over 64 KiB. */
  run<Answer>(name: HookName, call: HookCall<Answer>): Promise<HookResult<Answer>> {
    return this.#queue.run(name, () => this.#run(name, call));
  }

  async #run<Answer>(name: HookName, call: HookCall<Answer>): Promise<HookResult<Answer>> {
    const { clock, folder, log } = this.#parts;
    const request = requestText(name, call);
    const startedMs = clock.monotonicMs();
    const since = (): number => Math.round(clock.monotonicMs() - startedMs);
    let path: string | undefined;
    try {
      path = await findHook(folder, name);
    } catch (error) {
      log.warn('a hook is not run', { hook: name, error });
      return { outcome: 'failed', reason: error instanceof AgentError ? error.say : rootMessage(error), durationMs: since() };
    }
    if (path === undefined) return { outcome: 'unsupported', reason: `This device has no hook ${name}.`, durationMs: since() };
    if (call.signal?.aborted === true) return { outcome: 'failed', reason: 'It was cancelled before it began.', durationMs: since() };
    const ended = await this.#watch(name, path, request, call);
    const result = judge(ended, call.answer, since());
    const facts = { hook: name, outcome: result.outcome, durationMs: result.durationMs };
    if (result.outcome === 'failed') log.warn('a hook failed', { ...facts, reason: result.reason });
    else log.debug('a hook ended', facts);
    return result;
  }

  #watch<Answer>(name: HookName, path: string, request: string, call: HookCall<Answer>): Promise<Ended> {
    const { clock } = this.#parts;
    return new Promise((resolve) => {
      // Its own group, so that what it starts ends with it.
      const child = spawn(path, [], { cwd: '/', detached: true, env: ENVIRONMENT, stdio: 'pipe' });
      const output = new HookOutput((progress) => call.onProgress?.(progress));
      let stoppedFor: string | undefined;
      let exitCode: number | null = null;
      let killTimer: { cancel(): void } | undefined;
      const stop = (why: string): void => {
        if (stoppedFor !== undefined) return;
        stoppedFor = why;
        signalGroup(child, 'SIGTERM');
        killTimer = clock.after(TERM_GRACE_MS, () => signalGroup(child, 'SIGKILL'));
      };
      const deadline = clock.after(HOOK_LIMITS_MS[name], () => stop(`It did not end within ${HOOK_LIMITS_MS[name] / 1000} s.`));
      const onAbort = (): void => stop('It was cancelled.');
      call.signal?.addEventListener('abort', onAbort, { once: true });
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        if (stoppedFor === undefined && !output.take(chunk)) stop('It said more than a hook may say.');
      });
      this.#logStderr(name, child);
      child.on('error', (error) => {
        stoppedFor ??= `It could not be started: ${error.message}`;
      });
      child.on('exit', (code) => {
        exitCode = code;
        deadline.cancel();
        killTimer?.cancel();
        signalGroup(child, 'SIGKILL');
        killTimer = clock.after(DRAIN_MS, () => destroyPipes(child));
      });
      child.on('close', () => {
        deadline.cancel();
        killTimer?.cancel();
        call.signal?.removeEventListener('abort', onAbort);
        resolve({ exitCode, said: output.end(), stoppedFor });
      });
      // A hook that does not read its input is not wrong: EPIPE is no news.
      child.stdin.on('error', () => undefined);
      child.stdin.end(request);
    });
  }

  #logStderr(name: HookName, child: ChildProcessWithoutNullStreams): void {
    let left = STDERR_BYTES;
    let rest = '';
    const say = (line: string): void => {
      if (line.trim() !== '') this.#parts.log.info('hook says', { hook: name, line });
    };
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      if (left <= 0) return;
      const lines = (rest + chunk.slice(0, left)).split('\n');
      left -= chunk.length;
      rest = lines.pop() ?? '';
      lines.forEach(say);
    });
    child.stderr.on('end', () => say(rest));
  }
}

function requestText<Answer>(name: HookName, call: HookCall<Answer>): string {
  const text = JSON.stringify({
    protocol: PROTOCOL_VERSION,
    hook: name,
    requestId: call.requestId ?? randomUUID(),
    input: call.input ?? {},
  });
  if (Buffer.byteLength(text) < REQUEST_BYTES) return `${text}\n`;
  throw new AgentError({
    code: 'hook.bad_request',
    say: `The input for the hook ${name} is larger than 64 KiB.`,
    fix: 'Hand large things over as files, not as input.',
    detail: { hook: name },
  });
}

function judge<Answer>(ended: Ended, schema: AnswerSchema<Answer>, durationMs: number): HookResult<Answer> {
  if (ended.stoppedFor !== undefined) return { outcome: 'failed', reason: ended.stoppedFor, durationMs };
  const outcome = outcomeOfExit(ended.exitCode);
  if (outcome !== 'ok') return { outcome, reason: reasonIn(ended.said) ?? `It ended with code ${ended.exitCode ?? 'none'}.`, durationMs };
  const answer = schema.safeParse(ended.said);
  if (answer.success) return { outcome: 'ok', answer: answer.data, durationMs };
  return { outcome: 'failed', reason: 'Its answer is not what the protocol says.', durationMs };
}

function reasonIn(said: unknown): string | undefined {
  const reason = (said as { reason?: unknown } | null | undefined)?.reason;
  return typeof reason === 'string' && reason !== '' ? redactText(reason.slice(0, 200)) : undefined;
}

function signalGroup(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: nobody is left in the group, which is what we want.
  }
}

function destroyPipes(child: ChildProcessWithoutNullStreams): void {
  child.stdout.destroy();
  child.stderr.destroy();
}
