import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import type { Log } from '../kernel/log.js';
import type { Spake, SpakeAnswer, SpakeSlot } from './ports.js';
import { refusal } from './refusals.js';
import type { SpakeReply, SpakeTask } from './spake-task.js';

/** Computations at once, the one that runs included. Six can come within a second of a press: three tries per way without a wait. */
const MOST_SLOTS = 8;
/** Pairing happens once in a recorder's life: its thread need not stay (some 5 MB). */
const IDLE_MS = 60_000;
/** Far beyond the slowest recorder: then the thread hangs. */
const COMPUTE_MS = 20_000;
/** A computation needs less than half of this. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 };

/** What a SPAKE2+ thread is made of. `entry`: its script; by default the one beside this file, in the bundle as in the checkout. */
export interface WorkerSpakeParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly entry?: URL;
}

/** SPAKE2+ in a thread of its own, which is started with the first exchange and ended after a minute without one. One computation at a time. */
export class WorkerSpake implements Spake {
  readonly #parts: WorkerSpakeParts;
  readonly #entry: URL;
  readonly #queue = new KeyedQueue();
  #slots = 0;
  #worker: Worker | undefined;
  #idle: Timer | undefined;
  #isStopped = false;

  constructor(parts: WorkerSpakeParts) {
    this.#parts = parts;
    this.#entry = parts.entry ?? threadEntry(import.meta.url);
  }

  /** Whether the thread is there. */
  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  reserve(): SpakeSlot {
    if (this.#slots >= MOST_SLOTS) throw refusal('busy');
    this.#slots += 1;
    let isHeld = true;
    return {
      respond: (ids, verifier, shareP) => this.#queue.run('spake', () => this.#compute({ ids, verifier, shareP })),
      release: () => {
        if (isHeld) this.#slots -= 1;
        isHeld = false;
      },
    };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#end();
  }

  async #compute(task: SpakeTask): Promise<SpakeAnswer> {
    if (this.#isStopped) throw refusal('failed', { cause: 'the agent stops' });
    this.#idle?.cancel();
    this.#worker ??= this.#begin();
    const reply = await this.#ask(this.#worker, task);
    if (this.#worker !== undefined) this.#idle = this.#parts.clock.after(IDLE_MS, () => void this.#end(), true);
    if ('answer' in reply) return reply.answer;
    if ('refused' in reply) throw new AgentError(reply.refused);
    throw refusal('failed', { cause: reply.broken });
  }

  /** Nothing of the agent's environment or flags goes along: the thread needs none of it. */
  #begin(): Worker {
    const worker = new Worker(this.#entry, { name: 'pairing', env: {}, execArgv: [], resourceLimits: LIMITS });
    // The thread may end at any time; between two computations nobody else listens.
    worker.on('error', (error) => this.#parts.log.warn('the pairing thread failed', { error }));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    worker.unref();
    return worker;
  }

  /** Settles for sure: by the thread's answer, its end, or the deadline (then the thread is ended and the next exchange gets a new one). */
  #ask(worker: Worker, task: SpakeTask): Promise<SpakeReply> {
    return new Promise((resolve) => {
      const done = (reply: SpakeReply): void => {
        deadline.cancel();
        worker.off('message', done);
        worker.off('exit', onExit);
        worker.unref();
        resolve(reply);
      };
      const onExit = (): void => done({ broken: 'the pairing thread ended' });
      const deadline = this.#parts.clock.after(COMPUTE_MS, () => void this.#end(), true);
      worker.on('message', done);
      worker.on('exit', onExit);
      worker.ref();
      worker.postMessage(task);
    });
  }

  async #end(): Promise<void> {
    this.#idle?.cancel();
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

/** In the bundle (`.mjs`) the thread is an entry of its own beside the others; in the checkout it is the neighbouring file. */
function threadEntry(here: string): URL {
  return new URL(here.endsWith('.mjs') ? './pairing-worker.mjs' : './worker-thread.js', here);
}
