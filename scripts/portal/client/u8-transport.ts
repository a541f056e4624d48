import { mqtt_v4, type U8Client, type U8Result } from 'u8-mqtt/esm/web/basic-v4.js';
import { newId, utf8 } from '../../../agent/contract/text.js';
import { AgentError, asAgentError } from '../../../agent/kernel/errors.js';
import { PacketSocket } from './packet-joiner.js';
import type { RelayTransport } from './transport.js';

/** Where the relay is; the rest is for tests. */
export interface U8TransportOptions {
  /** ws:// or wss:// address of the relay. */
  readonly url: string;
  /** A WebSocket of the subprotocol `mqtt`; the browser's own by default. */
  readonly openSocket?: ((url: string) => WebSocket) | undefined;
  /** 0 up to 1; spreads reconnects. */
  readonly random?: (() => number) | undefined;
}

const ANSWER_MS = 10_000;
const PING_EVERY_MS = 25_000;
/** Back-off of reconnects, full jitter: a person waits in front of this app, so it stays short. */
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;

function offline(cause?: unknown): AgentError {
  return new AgentError({
    code: 'client.offline',
    say: 'This app has no connection to the service.',
    fix: 'Check this device’s internet connection; the app connects by itself when it is back.',
    retryable: true,
    cause,
  });
}

function refused(topic: string): AgentError {
  return new AgentError({
    code: 'client.refused',
    say: 'The service does not let this app read there.',
    fix: 'Check the serial number of the recorder.',
    detail: { topic },
  });
}

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(offline()), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** One connection, from its start to its end; the next one is a new object. */
class Link {
  readonly #socket: WebSocket;
  readonly #client: U8Client;
  readonly #failed: Promise<never>;
  #fail: (error: AgentError) => void = () => undefined;
  #ping: ReturnType<typeof setInterval> | undefined;

  constructor(socket: WebSocket, onMessage: (topic: string, payload: Uint8Array) => void) {
    this.#socket = socket;
    this.#failed = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => undefined);
    this.#client = mqtt_v4({
      on_mqtt_type: { mqtt_publish: ({ topic, payload }) => onMessage(topic, payload) },
      // Its own ping does not notice that no answer came; ours does.
      keep_alive: 0,
      log_conn: () => undefined,
      on_live: () => undefined,
      on_error: () => this.end(),
      on_disconnect: () => this.end(),
    });
    this.#client.with_websock(new PacketSocket(socket));
    // Before the handshake is over the library does not look at errors.
    socket.addEventListener('error', () => this.end());
    socket.addEventListener('close', () => this.end());
  }

  async open(clientId: string): Promise<void> {
    await this.#answered(this.#client.connect({ client_id: clientId, username: 'app', keep_alive: 60, flags: { clean_start: true } }));
    this.#ping = setInterval(() => this.#answered(this.#client.ping()).catch(() => this.end()), PING_EVERY_MS);
  }

  async subscribe(topic: string): Promise<void> {
    const [packet] = await this.#answered(this.#client.subscribe({ topics: [[topic, { qos: 0 }]] }));
    if (Number(packet?.answers?.[0] ?? 128) >= 128) throw refused(topic);
  }

  async unsubscribe(topic: string): Promise<void> {
    await this.#answered(this.#client.unsubscribe(topic));
  }

  async publish(topic: string, payload: string, isRetained: boolean): Promise<void> {
    await this.#answered(this.#client.pub({ topic, payload, qos: 1, ...(isRetained ? { retain: 1 } : {}) }));
  }

  /** Rejects when the connection ends. */
  get whileOpen(): Promise<never> {
    return this.#failed;
  }

  end(): void {
    clearInterval(this.#ping);
    this.#fail(offline());
    if (this.#socket.readyState < 2) this.#socket.close();
  }

  /** The library forgets a question when no answer comes; here silence ends the connection, which is what it means. */
  async #answered(asked: Promise<U8Result>): Promise<U8Result> {
    try {
      const result = await within(Promise.race([asked, this.#failed]), ANSWER_MS);
      if (result[0] === undefined) throw offline();
      return result;
    } catch (error) {
      this.end();
      throw asAgentError(error, { code: 'client.offline', say: 'The service refused this app.', fix: 'Reload the page.', retryable: true });
    }
  }
}

/** RelayTransport over MQTT 3.1.1 in a WebSocket (u8-mqtt, 5 kB; mqtt.js is 105). Connects at once and again whenever it must. */
export class U8Transport implements RelayTransport {
  readonly #options: U8TransportOptions;
  readonly #clientId = `app-${newId()}`;
  readonly #topics = new Set<string>();
  readonly #messageListeners = new Set<(topic: string, payload: Uint8Array) => void>();
  readonly #onlineListeners = new Set<(isOnline: boolean) => void>();
  #link: Link | undefined;
  #isOnline = false;
  #isClosed = false;
  #wake: () => void = () => undefined;

  constructor(options: U8TransportOptions) {
    this.#options = options;
    void this.#run();
  }

  get isOnline(): boolean {
    return this.#isOnline;
  }

  async subscribe(topic: string): Promise<void> {
    const link = await this.#whenOnline();
    await link.subscribe(topic);
    this.#topics.add(topic);
  }

  async unsubscribe(topic: string): Promise<void> {
    if (this.#topics.delete(topic) && this.#isOnline) await this.#link?.unsubscribe(topic);
  }

  async publish(topic: string, payload: string, options: { readonly retain?: boolean } = {}): Promise<void> {
    if (!this.#isOnline || this.#link === undefined) throw offline();
    if (utf8(payload).length > 65_000) {
      throw new AgentError({ code: 'client.too_large', say: 'The message is too large to be sent.', fix: 'Change fewer things at once.' });
    }
    await this.#link.publish(topic, payload, options.retain === true);
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
    this.#link?.end();
    this.#setOnline(false);
    return Promise.resolve();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#isClosed) {
      try {
        await this.#connectOnce(() => {
          failures = 0;
        });
      } catch {
        // Told by isOnline; the reason is always "not connected".
      }
      this.#setOnline(false);
      if (this.#isClosed) return;
      const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** failures);
      failures += 1;
      await this.#sleep(ceiling * (this.#options.random ?? Math.random)());
    }
  }

  /** Connects, subscribes again to everything, and stays until the connection ends (then it rejects). */
  async #connectOnce(onOpen: () => void): Promise<void> {
    const open = this.#options.openSocket ?? ((url: string) => new WebSocket(url, ['mqtt']));
    const link = new Link(open(this.#options.url), (topic, payload) => {
      for (const listener of [...this.#messageListeners]) listener(topic, payload);
    });
    this.#link = link;
    await link.open(this.#clientId);
    for (const topic of this.#topics) await link.subscribe(topic);
    onOpen();
    this.#setOnline(true);
    await link.whileOpen;
  }

  #setOnline(isOnline: boolean): void {
    if (this.#isOnline === isOnline) return;
    this.#isOnline = isOnline;
    for (const listener of [...this.#onlineListeners]) listener(isOnline);
  }

  #whenOnline(): Promise<Link> {
    if (this.#isOnline && this.#link !== undefined) return Promise.resolve(this.#link);
    const stop: (() => void)[] = [];
    const online = new Promise<Link>((resolve) => {
      stop.push(this.onOnline((isOnline) => isOnline && this.#link !== undefined && resolve(this.#link)));
    });
    return within(online, ANSWER_MS).finally(() => {
      for (const end of stop) end();
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
