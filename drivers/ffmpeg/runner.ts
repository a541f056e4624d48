import { type ChildProcess, spawn } from 'node:child_process';
import { type DriverClock, DriverError, type DriverLog } from '../port.js';
import { allowedArguments } from './allowed.js';

const STDERR_BYTES = 8_192;

/** What every run needs. */
export interface FfmpegParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
  /** Program to run; default `ffmpeg` from the system's own folders. */
  readonly program?: string;
}

/** One run: arguments, what goes into its stdin, limits. */
export interface FfmpegRun {
  /** Checked again here against the list of allowed.ts. */
  readonly argv: readonly string[];
  readonly input: Uint8Array;
  readonly deadlineMs: number;
  readonly maxOutputBytes: number;
  readonly signal: AbortSignal;
}

/**
 * Runs ffmpeg once and resolves with its output. The child is ours: no shell, killed (SIGKILL) on deadline, abort or too much output,
 * and always waited for. Rejects with `ffmpeg.unavailable`, `ffmpeg.failed` or `driver.aborted`.
 */
export async function runFfmpeg(parts: FfmpegParts, run: FfmpegRun): Promise<Buffer> {
  const argv = allowedArguments(run.argv);
  if (run.signal.aborted) throw new DriverError('driver.aborted', 'The work was cancelled before it began.');
  const child = spawnFfmpeg(parts, argv);
  let failure: DriverError | undefined;
  const kill = (why: DriverError): void => {
    failure ??= why;
    child.kill('SIGKILL');
  };
  const deadline = parts.clock.after(run.deadlineMs, () => {
    kill(new DriverError('ffmpeg.failed', `ffmpeg did not end within ${run.deadlineMs / 1000} s.`));
  });
  const onAbort = (): void => kill(new DriverError('driver.aborted', 'The work was cancelled.'));
  run.signal.addEventListener('abort', onAbort, { once: true });
  const chunks = collect(child, run.maxOutputBytes, () => kill(new DriverError('ffmpeg.failed', 'ffmpeg gave more than was asked.')));
  const complaint = readStderr(child);
  child.stdin?.on('error', () => undefined); // it may end before it has read everything
  child.stdin?.end(run.input);
  const code = await ended(child, (error) => {
    failure ??= unavailable(error);
  });
  deadline.cancel();
  run.signal.removeEventListener('abort', onAbort);
  if (failure === undefined && code === 0) return Buffer.concat(chunks);
  parts.log.warn('ffmpeg did not do it', { code, said: complaint() });
  throw failure ?? new DriverError('ffmpeg.failed', 'ffmpeg ended with an error.', { detail: { code, said: complaint() } });
}

/** The folders a program is looked for in. */
export const PROGRAM_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin'] as const;

/** Starts the child with pipes only: no shell, nothing of our environment. `argv` must have been checked. */
export function spawnFfmpeg(parts: FfmpegParts, argv: readonly string[]): ChildProcess {
  return spawn(parts.program ?? 'ffmpeg', [...argv], {
    cwd: '/',
    env: { PATH: PROGRAM_FOLDERS.join(':'), LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Resolves when the child is gone and its pipes are read. */
export function ended(child: ChildProcess, onError: (error: NodeJS.ErrnoException) => void): Promise<number | null> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      onError(error);
      // A program that never started has no exit; close follows on its own only for those that did.
      if (child.pid === undefined) resolve(null);
    });
    child.on('close', (code) => resolve(code));
  });
}

function collect(child: ChildProcess, maxBytes: number, onTooMuch: () => void): readonly Buffer[] {
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) onTooMuch();
    else chunks.push(chunk);
  });
  return chunks;
}

/** The beginning of what it complains about, without logins. */
export function readStderr(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(0, STDERR_BYTES);
  });
  return () => text.replace(/:\/\/[^\s/@]*@/g, '://[secret]@').trim();
}

/** Why it could not be started, as a DriverError. */
export function unavailable(error: NodeJS.ErrnoException): DriverError {
  const isMissing = error.code === 'ENOENT';
  const say = isMissing ? 'ffmpeg is not installed on this recorder.' : 'ffmpeg cannot be started on this recorder.';
  return new DriverError('ffmpeg.unavailable', say, { cause: error });
}
