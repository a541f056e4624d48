import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { AgentError } from '../../agent/kernel/errors.js';

/** One of the processes that `npm start` consists of. */
export interface PartOptions {
  readonly name: string;
  readonly argv: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Each line of stderr. */
  readonly onLog?: (line: string) => void;
  /** Each line of stdout after the first. */
  readonly onLine?: (line: string) => void;
}

const READY_MS = 30_000;
const STOP_MS = 8_000;

/** A running part: started when its first line of stdout (JSON) was read. */
export class Part {
  readonly name: string;
  readonly ready: Readonly<Record<string, unknown>>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(name: string, ready: Record<string, unknown>, child: ChildProcess, ended: Promise<void>) {
    this.name = name;
    this.ready = ready;
    this.#child = child;
    this.#ended = ended;
  }

  /** Rejects with start.part_failed: what the part itself said in its last line of stderr. */
  static async start(options: PartOptions): Promise<Part> {
    // A group of its own: Ctrl-C reaches only the parent, which stops its parts in order.
    const child = spawn(process.execPath, options.argv, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...options.environment },
    });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    let lastWords = '';
    createInterface({ input: child.stderr }).on('line', (line) => {
      lastWords = line;
      options.onLog?.(line);
    });
    try {
      const ready = await firstLine(child, options, () => lastWords);
      return new Part(options.name, ready, child, ended);
    } catch (error) {
      child.kill('SIGKILL');
      await ended;
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Called when it ends without having been asked to. */
  onEnd(listener: () => void): void {
    void this.#ended.then(listener);
  }

  /** Asks it to end, and makes it end when it does not. Resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    this.#child.kill('SIGTERM');
    await this.#ended;
    clearTimeout(timer);
  }
}

function firstLine(child: ChildProcess, options: PartOptions, lastWords: () => string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const fail = (say: string): void => reject(new AgentError({ code: 'start.part_failed', say, fix: '' }));
    const timer = setTimeout(() => fail(`The ${options.name} did not start within ${READY_MS / 1000} s.`), READY_MS);
    let isReady = false;
    if (child.stdout === null) return fail(`The ${options.name} has no output.`);
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (isReady) return options.onLine?.(line);
      isReady = true;
      clearTimeout(timer);
      try {
        resolve(JSON.parse(line) as Record<string, unknown>);
      } catch {
        fail(`The ${options.name} began with "${line.slice(0, 100)}".`);
      }
    });
    child.once('error', (error) => fail(`The ${options.name} cannot be started: ${error.message}.`));
    child.once('close', () => {
      clearTimeout(timer);
      fail(lastWords() || `The ${options.name} ended at once.`);
    });
  });
}
