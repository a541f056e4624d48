/** What a hook says on stdout, read line by line. Pure apart from its own memory. */
import { parseGuarded } from '../contract/guard.js';
import type { HookProgress } from './hook-result.js';

/** Longest line, and so the largest answer. */
const LINE_BYTES = 65_536;
/** All lines together: half an hour of progress fits many times. */
const TOTAL_BYTES = 4_194_304;

/** Collects one hook's stdout: tells progress as it comes, keeps the last line. Text in, at most 64 KiB a line and 4 MiB in all. */
export class HookOutput {
  readonly #onProgress: (progress: HookProgress) => void;
  #rest = '';
  #lastLine = '';
  #totalBytes = 0;
  #isTooLarge = false;

  constructor(onProgress: (progress: HookProgress) => void) {
    this.#onProgress = onProgress;
  }

  /** Takes text as it comes; false once there is more than a hook may say. */
  take(chunk: string): boolean {
    this.#totalBytes += chunk.length;
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#totalBytes > TOTAL_BYTES || this.#rest.length > LINE_BYTES || lines.some((line) => line.length > LINE_BYTES)) {
      this.#isTooLarge = true;
      this.#rest = '';
      return false;
    }
    for (const line of lines) this.#line(line);
    return true;
  }

  /** The last line as JSON; undefined when it is none. To be asked once, at the end. */
  end(): unknown {
    if (this.#isTooLarge) return undefined;
    this.#line(this.#rest);
    return parse(this.#lastLine);
  }

  #line(line: string): void {
    const text = line.trim();
    if (text === '') return;
    const progress = asProgress(text);
    // Progress is never an answer: a hook that ends on one has not answered.
    this.#lastLine = progress === undefined ? text : '';
    if (progress !== undefined) this.#onProgress(progress);
  }
}

function asProgress(text: string): HookProgress | undefined {
  if (!text.startsWith('{"progress"')) return undefined;
  const value = parse(text) as { progress?: unknown; stage?: unknown } | undefined;
  if (typeof value?.progress !== 'number') return undefined;
  const stage = typeof value.stage === 'string' ? value.stage.slice(0, 80) : '';
  return { percent: Math.min(100, Math.max(0, value.progress)), stage };
}

function parse(text: string): unknown {
  try {
    // A key that is named twice, or nesting without end, is no answer.
    return parseGuarded(text, LINE_BYTES);
  } catch {
    return undefined;
  }
}
