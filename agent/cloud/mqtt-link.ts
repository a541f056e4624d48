import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { IClientOptions, MqttClient } from 'mqtt';
import { type BackoffPlan, backoffMs, CLOUD_BACKOFF } from '../kernel/backoff.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import type { CloudLink, ConnectFacts } from './link.js';

/** How to reach the broker. `connectFacts` is asked anew for every connection: a proof is good once. `caFile` undefined: the system’s CAs. */
export interface MqttLinkParts {
  readonly url: string;
  readonly clientId: string;
  readonly caFile: string | undefined;
  readonly subscription: string;
  readonly connectFacts: () => Promise<ConnectFacts>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Default: the storm-safe plan, or a quick one when the broker is on this machine (there is no herd to drain). */
  readonly backoff?: BackoffPlan;
}

const LOCAL_BACKOFF: BackoffPlan = { firstMs: 500, baseMs: 1_000, capMs: 5_000 };
/** A connection must last this long before its failures are forgotten. */
const STABLE_MS = 60_000;
const KEEPALIVE_S = 60;
/** A broker that takes the connection but does not acknowledge within this time is not there: the connection is given up. */
const ANSWER_MS = 30_000;
/** How long a good-bye may take; after that the connection is dropped. */
const GOODBYE_MS = 1_000;

/**
 * MQTT 3.1.1 through mqtt.js, used as a pipe: one client object per connection, made with fresh credentials, never reconnected by itself
 * (its own reconnect swaps stores and loses queued messages: measured, 3 of 3). Waiting follows the plan that a million agents need.
 */
export class MqttLink implements CloudLink, Service {
  readonly name = 'cloud-link';
  readonly #parts: MqttLinkParts;
  readonly #messages = new Set<(topic: string, payload: Uint8Array) => void>();
  readonly #onlines = new Set<(isOnline: boolean) => void>();
  readonly #unacknowledged = new Set<(error: AgentError) => void>();
  #client: MqttClient | undefined;
  #isOnline = false;
  #isStopped = false;
  #attempt = 0;
  #onlineSinceMs = 0;
  #timer: Timer | undefined;

  constructor(parts: MqttLinkParts) {
    this.#parts = parts;
  }

  get isOnline(): boolean {
    return this.#isOnline;
  }

  /** Does not wait for the connection: a recorder without internet starts all the same. */
  async start(): Promise<void> {
    void this.#connect();
  }

  onMessage(listener: (topic: string, payload: Uint8Array) => void): () => void {
    this.#messages.add(listener);
    return () => this.#messages.delete(listener);
  }

  onOnline(listener: (isOnline: boolean) => void): () => void {
    this.#onlines.add(listener);
    return () => this.#onlines.delete(listener);
  }

  publish(topic: string, payload: string | Uint8Array, options: { readonly retain?: boolean } = {}): Promise<void> {
    const client = this.#client;
    if (client === undefined || !this.#isOnline) return Promise.reject(offline());
    return new Promise((resolve, reject) => {
      this.#unacknowledged.add(reject);
      const bytes = typeof payload === 'string' ? payload : Buffer.from(payload);
      const deadline = this.#answerDeadline(client);
      client.publish(topic, bytes, { qos: 1, retain: options.retain ?? false }, (error) => {
        deadline.cancel();
        this.#unacknowledged.delete(reject);
        if (error === undefined || error === null) resolve();
        else reject(offline(error));
      });
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    const client = this.#client;
    this.#setOffline();
    if (client !== undefined) await this.#sayGoodbye(client);
  }

  /** A clean DISCONNECT: the broker must not publish the will for an agent that said good-bye itself. */
  #sayGoodbye(client: MqttClient): Promise<void> {
    return new Promise((resolve) => {
      const deadline = this.#parts.clock.after(GOODBYE_MS, () => client.stream.destroy(), true);
      client.once('close', () => {
        deadline.cancel();
        resolve();
      });
      client.end(false);
    });
  }

  async #connect(): Promise<void> {
    if (this.#isStopped) return;
    const { log, url } = this.#parts;
    try {
      // The default export is what Node and the bundle agree on: the package is CommonJS.
      const { default: mqtt } = await import('mqtt');
      const options = await this.#options();
      if (this.#isStopped) return;
      this.#listen(mqtt.connect(url, options));
    } catch (error) {
      log.error('the cloud link could not be set up', { error });
      this.#retryLater();
    }
  }

  async #options(): Promise<IClientOptions> {
    const { clientId, caFile } = this.#parts;
    const facts = await this.#parts.connectFacts();
    return {
      protocolVersion: 4,
      clientId,
      username: facts.username,
      password: facts.password,
      // Nothing waits at the broker: a movement that was ordered ten minutes ago must not happen now. Withdrawals are retained.
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: 15_000,
      keepalive: KEEPALIVE_S,
      resubscribe: false,
      queueQoSZero: false,
      ...(caFile === undefined ? {} : { ca: await readFile(caFile) }),
      will: { topic: facts.will.topic, payload: Buffer.from(facts.will.payload), qos: 1, retain: true },
    };
  }

  #listen(client: MqttClient): void {
    const { log, subscription } = this.#parts;
    this.#client = client;
    client.on('connect', () => {
      const deadline = this.#answerDeadline(client);
      client.subscribe(subscription, { qos: 1 }, (error, granted) => {
        deadline.cancel();
        const isRefused = granted?.some((one) => one.qos === 128) ?? false;
        if ((error === undefined || error === null) && !isRefused) this.#setOnline(client);
        else {
          log.error('the broker refused the subscription', { error });
          client.end(true);
        }
      });
    });
    client.on('message', (topic, payload) => {
      for (const listener of [...this.#messages]) listener(topic, payload);
    });
    client.on('error', (error) => log.warn('cloud link', { error: error.message, attempt: this.#attempt }));
    client.on('close', () => {
      if (this.#client !== client) return;
      client.end(true);
      this.#setOffline();
      this.#retryLater();
    });
  }

  /** Ends the connection when the broker owes an answer for too long; what was not acknowledged is then known not to have arrived. */
  #answerDeadline(client: MqttClient): Timer {
    return this.#parts.clock.after(
      ANSWER_MS,
      () => {
        this.#parts.log.warn('the broker does not answer: connecting again');
        client.end(true);
      },
      true,
    );
  }

  #setOnline(client: MqttClient): void {
    if (this.#client !== client) return;
    this.#isOnline = true;
    this.#onlineSinceMs = this.#parts.clock.monotonicMs();
    this.#parts.log.info('cloud link is up', { url: this.#parts.url });
    for (const listener of [...this.#onlines]) listener(true);
  }

  #setOffline(): void {
    const wasOnline = this.#isOnline;
    this.#client = undefined;
    this.#isOnline = false;
    for (const reject of [...this.#unacknowledged]) reject(offline());
    this.#unacknowledged.clear();
    if (!wasOnline) return;
    if (this.#parts.clock.monotonicMs() - this.#onlineSinceMs > STABLE_MS) this.#attempt = 0;
    this.#parts.log.info('cloud link is down');
    for (const listener of [...this.#onlines]) listener(false);
  }

  #retryLater(): void {
    if (this.#isStopped) return;
    const plan = this.#parts.backoff ?? (isLocal(this.#parts.url) ? LOCAL_BACKOFF : CLOUD_BACKOFF);
    const waitMs = backoffMs(plan, this.#attempt, this.#parts.random);
    this.#attempt += 1;
    this.#timer = this.#parts.clock.after(waitMs, () => void this.#connect(), true);
  }
}

function isLocal(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function offline(cause?: unknown): AgentError {
  return new AgentError({
    code: 'cloud.offline',
    say: 'There is no connection to the cloud.',
    fix: 'The recorder goes on by itself and connects again; check its internet connection if this lasts.',
    retryable: true,
    cause,
  });
}
