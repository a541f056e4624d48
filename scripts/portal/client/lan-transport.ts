import { DOOR_PATHS, StreamMessage, StreamOpened, type TopicChange } from '../../../agent/contract/door.js';
import { MAX_MESSAGE_BYTES } from '../../../agent/contract/guard.js';
import { parseShape } from '../../../agent/contract/shapes.js';
import { fromBase64url, utf8 } from '../../../agent/contract/text.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import { readLines } from './read-lines.js';
import type { RelayTransport } from './transport.js';

/** Where the door is; the rest is for tests. */
export interface LanTransportOptions {
  /** `https://192.168.1.50:8443`; default the page's own. */
  readonly origin?: string | undefined;
  /** The browser's own by default. */
  readonly fetch?: typeof fetch | undefined;
  /** 0 up to 1; spreads reconnects. */
  readonly random?: (() => number) | undefined;
  /** The door is taken for gone when nothing came for this long; two and a half of its signs of life. */
  readonly silenceMs?: number | undefined;
}

const ANSWER_MS = 10_000;
const SILENCE_MS = 40_000;
/** Back-off of reconnects, full jitter: a person waits in front of this app, and the recorder is in the same house. */
const BACKOFF_FIRST_MS = 300;
const BACKOFF_MAX_MS = 8_000;

function offline(cause?: unknown): AgentError {
  return new AgentError({
    code: 'client.offline',
    say: 'This app has no connection to the recorder.',
    fix: 'Check that this device is in the recorder’s network; the app connects by itself when it is back.',
    retryable: true,
    cause,
  });
}

/** The door's Retry-After; a few waits refill what a page full of questions needs. */
const BUSY_MS = 1_000;
const MOST_TRIES = 4;
const REFUSED = { code: 'client.refused', say: 'The recorder does not take this here.', fix: 'Reload the page.' };
const BUSY = { code: 'client.too_many', say: 'The recorder is asked too much at once.', fix: 'Wait a few seconds.', retryable: true };
const TOO_LARGE = { code: 'client.too_large', say: 'The message is too large to be sent.', fix: 'Change fewer things at once.' };

/** What the door said instead of yes. A stream that it does not know any more means that the connection is over. */
function refusal(status: number): AgentError {
  if (status === 410) return offline();
  if (status === 413) return new AgentError(TOO_LARGE);
  return new AgentError(status === 429 || status === 503 ? BUSY : { ...REFUSED, detail: { status } });
}

/** Rejects when the signal fires first. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(offline());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** A signal that also fires after `ms`; `done` puts the timer away. */
function limited(parent: AbortSignal, ms: number): { readonly signal: AbortSignal; done(): void } {
  const own = new AbortController();
  const fire = (): void => own.abort();
  const timer = setTimeout(fire, ms);
  parent.addEventListener('abort', fire);
  if (parent.aborted) fire();
  return {
    signal: own.signal,
    done: () => {
      clearTimeout(timer);
      parent.removeEventListener('abort', fire);
    },
  };
}

/**
 * RelayTransport over the door of one recorder on the local network (agent/contract/door.ts), so that everything which works through the relay
 * works without it. Connects at once and again whenever it must. A letter never waits: `retain` means nothing here, the recorder is there.
 */
export class LanTransport implements RelayTransport {
  readonly way = 'lan' as const;
  readonly #options: LanTransportOptions;
  readonly #topics = new Set<string>();
  readonly #messageListeners = new Set<(topic: string, payload: Uint8Array) => void>();
  readonly #onlineListeners = new Set<(isOnline: boolean) => void>();
  /** Name of the stream that is open. */
  #stream = '';
  #connection = new AbortController();
  #isOnline = false;
  #isClosed = false;
  #wake: () => void = () => undefined;

  constructor(options: LanTransportOptions = {}) {
    this.#options = options;
    void this.#run();
  }

  get isOnline(): boolean {
    return this.#isOnline;
  }

  async subscribe(topic: string): Promise<void> {
    await this.#whenOnline();
    await this.#change({ add: [topic], remove: [] });
    this.#topics.add(topic);
  }

  async unsubscribe(topic: string): Promise<void> {
    if (this.#topics.delete(topic) && this.#isOnline) await this.#change({ add: [], remove: [topic] });
  }

  async publish(topic: string, payload: string): Promise<void> {
    if (!this.#isOnline) throw offline();
    if (utf8(payload).length > MAX_MESSAGE_BYTES) throw new AgentError(TOO_LARGE);
    await this.#post(`/${topic}`, 'text/plain', payload);
  }

  onMessage(listener: (topic: string, payload: Uint8Array) => void): () => void {
    this.#messageListeners.add(listener);
    return () => this.#messageListeners.delete(listener);
  }

  onOnline(listener: (isOnline: boolean) => void): () => void {
    this.#onlineListeners.add(listener);
    return () => this.#onlineListeners.delete(listener);
  }

  /** Tries again now; for the browser's `online` event. */
  retryNow(): void {
    this.#wake();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    this.#connection.abort();
    this.#setOnline(false);
    return Promise.resolve();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#isClosed) {
      this.#connection = new AbortController();
      try {
        await this.#connectOnce(this.#connection, () => {
          failures = 0;
        });
      } catch {
        // Told by isOnline; the reason is always "not connected".
      }
      this.#connection.abort();
      this.#setOnline(false);
      if (this.#isClosed) return;
      const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures);
      failures += 1;
      await this.#sleep(ceiling * (this.#options.random ?? Math.random)());
    }
  }

  /** Opens the stream, asks again for every topic, and stays until the stream ends. */
  async #connectOnce(connection: AbortController, onOpen: () => void): Promise<void> {
    const lines = await this.#openLines(connection);
    const first = await lines.next();
    if (first.done === true) throw offline();
    this.#stream = parseShape(StreamOpened, JSON.parse(first.value)).stream;
    const reading = this.#read(lines);
    // Also when the next step fails: then nobody waits for it.
    reading.catch(() => undefined);
    if (this.#topics.size > 0) await this.#change({ add: [...this.#topics], remove: [] });
    onOpen();
    this.#setOnline(true);
    await reading;
  }

  async #openLines(connection: AbortController): Promise<AsyncGenerator<string>> {
    // For the head of the answer; the silence of the stream is watched by its reader.
    const timer = setTimeout(() => connection.abort(), ANSWER_MS);
    try {
      const response = await this.#fetch(DOOR_PATHS.events, { signal: connection.signal });
      if (!response.ok || response.body === null) throw refusal(response.status);
      return readLines(response.body, this.#options.silenceMs ?? SILENCE_MS, () => connection.abort());
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(lines: AsyncGenerator<string>): Promise<void> {
    for await (const line of lines) {
      if (line === '') continue;
      const { topic, payload } = parseShape(StreamMessage, JSON.parse(line));
      for (const listener of [...this.#messageListeners]) listener(topic, fromBase64url(payload));
    }
  }

  #change(change: TopicChange): Promise<void> {
    return this.#post(`${DOOR_PATHS.events}/${this.#stream}`, 'application/json', JSON.stringify(change));
  }

  #fetch(path: string, init: RequestInit): Promise<Response> {
    const { origin = '', fetch: own } = this.#options;
    return (own ?? fetch)(`${origin}${path}`, {
      ...init,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
    });
  }

  /** Resolves when the door took it. No answer ends the connection, which is what it means; "too many at once" means what it says: wait a little. */
  async #post(path: string, type: string, body: string): Promise<void> {
    const connection = this.#connection;
    const { signal, done } = limited(connection.signal, ANSWER_MS);
    try {
      for (let tries = 1; ; tries += 1) {
        const response = await this.#fetch(path, { method: 'POST', headers: { 'content-type': type }, body, signal });
        if (response.ok) return;
        if (response.status !== 429 || tries === MOST_TRIES) throw refusal(response.status);
        // Not all of those that were turned away come again at the same moment.
        await pause(BUSY_MS * (1 + (this.#options.random ?? Math.random)()), signal);
      }
    } catch (error) {
      const told = error instanceof AgentError ? error : offline(error);
      if (told.code === 'client.offline') connection.abort();
      throw told;
    } finally {
      done();
    }
  }

  #setOnline(isOnline: boolean): void {
    if (this.#isOnline === isOnline) return;
    this.#isOnline = isOnline;
    for (const listener of [...this.#onlineListeners]) listener(isOnline);
  }

  #whenOnline(): Promise<void> {
    if (this.#isOnline) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        stop();
        end();
      };
      const timer = setTimeout(() => settle(() => reject(offline())), ANSWER_MS);
      const stop = this.onOnline((isOnline) => isOnline && settle(resolve));
    });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
