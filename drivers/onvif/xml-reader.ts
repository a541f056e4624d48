import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { type DriverClock, DriverError } from '../port.js';
import { parseXml } from './soap.js';
import { guardXml } from './xml.js';

/** Longer answers are parsed beside the event loop: they would stop everything else for longer than a frame of video. */
const LARGE_CHARS = 64 * 1024;
/**
 * Longest parse of one answer once the thread runs. The worst that guardXml lets through takes 0.2 s of a fast core: a slow recorder that is busy
 * with video needs ten times that, and its largest cameras must not be unreadable for it.
 */
const PARSE_MS = 3_000;
/** Longest start of the thread on the slowest recorder. */
const START_MS = 5_000;
/** Large answers come in bursts (the profiles of a recorder with 64 channels); between them the thread need not stay. */
const IDLE_MS = 5_000;
const LIMITS = { maxOldGenerationSizeMb: 24, maxYoungGenerationSizeMb: 4, stackSizeMb: 2 };

/** Runs in the thread: node-onvif's parser and nothing else. It gets the path because a thread made of text knows no neighbours. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const soap = require(workerData.parser);
parentPort.on('message', (text) => {
  soap.parse(text).then(
    (made) => parentPort.postMessage({ json: JSON.stringify(made) }),
    (error) => parentPort.postMessage({ broken: String(error).slice(0, 300) }),
  );
});
parentPort.postMessage('ready');
`;

const parserPath = (): string => createRequire(import.meta.url).resolve('node-onvif/lib/modules/soap.js');

/** Reads answers of cameras. */
export interface XmlReader {
  /** As soap.ts `parseXml`, whatever the length. Throws `camera.bad_answer`, or the signal's reason. */
  parse(text: string, signal: AbortSignal): Promise<unknown>;
}

type Reply = 'ready' | { readonly json: string } | { readonly broken: string };

const broken = (why: string): DriverError => new DriverError('camera.bad_answer', `the answer cannot be read: ${why}`);

/** The thread, started with the first large answer and ended when none comes. One answer at a time. */
class ParseThread {
  readonly #clock: DriverClock;
  #worker: Worker | undefined;
  #isReady = false;
  #idle: { cancel(): void } | undefined;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(clock: DriverClock) {
    this.#clock = clock;
  }

  parse(text: string, signal: AbortSignal): Promise<unknown> {
    const turn = this.#tail.then(() => this.#parse(text, signal));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async #parse(text: string, signal: AbortSignal): Promise<unknown> {
    if (signal.aborted) throw signal.reason;
    this.#idle?.cancel();
    const worker = this.#worker ?? this.#begin();
    try {
      const reply = await this.#ask(worker, text, signal);
      if ('broken' in reply) throw new DriverError('camera.bad_answer', 'the answer is not well-formed XML', { detail: reply });
      return JSON.parse(reply.json) as unknown;
    } finally {
      if (this.#worker !== undefined) this.#idle = this.#clock.after(IDLE_MS, () => this.#end(), true);
    }
  }

  #begin(): Worker {
    const workerData = { parser: parserPath() };
    const worker = new Worker(THREAD, { eval: true, name: 'onvif-xml', env: {}, execArgv: [], resourceLimits: LIMITS, workerData });
    this.#worker = worker;
    this.#isReady = false;
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    worker.unref();
    return worker;
  }

  /** Settles for sure: by the reply, the thread's end, the time limit or the signal; after the last two the thread is ended. */
  #ask(worker: Worker, text: string, signal: AbortSignal): Promise<Exclude<Reply, 'ready'>> {
    return new Promise((resolve, reject) => {
      let limit = this.#clock.after(START_MS, () => giveUp(broken('no thread to read it')), true);
      const settle = (): void => {
        limit.cancel();
        worker.off('message', onMessage);
        worker.off('exit', onExit);
        signal.removeEventListener('abort', onAbort);
        worker.unref();
      };
      const giveUp = (error: unknown): void => {
        settle();
        this.#end();
        reject(error);
      };
      const begin = (): void => {
        limit.cancel();
        limit = this.#clock.after(PARSE_MS, () => giveUp(broken('it takes too long')), true);
        worker.postMessage(text);
      };
      const onMessage = (reply: Reply): void => {
        if (reply === 'ready') {
          this.#isReady = true;
          begin();
          return;
        }
        settle();
        resolve(reply);
      };
      const onExit = (): void => giveUp(broken('its reader ended'));
      const onAbort = (): void => giveUp(signal.reason);
      worker.ref();
      worker.on('message', onMessage);
      worker.once('exit', onExit);
      signal.addEventListener('abort', onAbort, { once: true });
      if (this.#isReady) begin();
    });
  }

  #end(): void {
    this.#idle?.cancel();
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.terminate().catch(() => undefined);
  }
}

/** A reader for all cameras of one connector; its thread, if any, never keeps the process alive. */
export function createXmlReader(clock: DriverClock): XmlReader {
  const thread = new ParseThread(clock);
  return {
    async parse(text, signal) {
      if (text.length <= LARGE_CHARS) return parseXml(text);
      guardXml(text);
      return thread.parse(text, signal);
    },
  };
}
