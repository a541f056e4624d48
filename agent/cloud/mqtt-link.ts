import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { IClientOptions, MqttClient } from 'mqtt';
import { MAX_MESSAGE_BYTES } from '../contract/guard.js';
import { type BackoffPlan, backoffMs, CLOUD_BACKOFF } from '../kernel/backoff.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { InFlight } from './in-flight.js';
import type { ClientCertificate, ClientIdentity, CloudLink, ConnectFacts, PublishOptions } from './link.js';
import { isNotWanted, isOtherVersion, offline, publishError, tooLarge } from './mqtt-answers.js';
import { PacketMeter } from './packet-meter.js';
import { SentBytes } from './sent-bytes.js';
import { type Takeover, TakeoverWatch } from './takeover-policy.js';

/** How to reach the broker. `connectFacts` is asked anew for every connection: a proof is good once. `caFile` undefined: the system’s CAs. */
export interface MqttLinkParts {
  readonly url: string;
  readonly clientId: string;
  readonly caFile: string | undefined;
  readonly subscription: string;
  readonly connectFacts: () => Promise<ConnectFacts>;
  /** Client certificates, for brokers that ask for one; name and password are sent all the same. */
  readonly identity?: ClientIdentity;
  /**
   * Somebody else connected with this recorder's identity: a clone. At most once in 15 minutes. `told` needs a broker that speaks MQTT 5 and
   * says so; with MQTT 3.1.1 it cannot be told, only suspected (takeover-policy.ts).
   */
  readonly onTakenOver?: (how: Takeover) => void;
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
/** Messages on their way at once, in both directions; a broker may allow us fewer. */
const WINDOW = 20;
/**
 * What is larger than a message of the contract but below this is read and left alone: a mere mistake, kept at the broker, must not end every
 * connection. A broker that announces more is broken or means harm.
 */
const MOST_PACKET_BYTES = 1_048_576;

/** One connection, or the attempt to make one, and what became of it. */
interface Connection {
  readonly client: MqttClient;
  readonly certificate: ClientCertificate | undefined;
  window: InFlight;
  onlineSinceMs: number | undefined;
  /** Reason of the broker's DISCONNECT. */
  reason: number | undefined;
  error: Error | undefined;
  /** We gave it up. */
  isOurs: boolean;
}

/**
 * MQTT through mqtt.js, used as a pipe: one client object per connection, made with fresh credentials, never reconnected by itself (its own
 * reconnect swaps stores and loses queued messages: measured, 3 of 3). Waiting follows the plan that a million agents need. MQTT 5 first; a
 * broker that refuses it is spoken to in 3.1.1 until the next start. Nothing rests on MQTT 5, it only makes refusals and a clone known.
 */
export class MqttLink implements CloudLink, Service {
  readonly name = 'cloud-link';
  readonly #parts: MqttLinkParts;
  readonly #messages = new Set<(topic: string, payload: Uint8Array) => void>();
  readonly #onlines = new Set<(isOnline: boolean) => void>();
  readonly #unacknowledged = new Set<(error: Error) => void>();
  readonly #takeovers = new TakeoverWatch();
  #version: 5 | 4 = 5;
  #connection: Connection | undefined;
  #isOnline = false;
  #isStopped = false;
  /** Rises with every start: an attempt of before a stop must not go on beside the new one. */
  #run = 0;
  #isHurried = false;
  #attempt = 0;
  #timer: Timer | undefined;
  readonly #sent = new SentBytes();

  constructor(parts: MqttLinkParts) {
    this.#parts = parts;
  }

  get isOnline(): boolean {
    return this.#isOnline;
  }

  /**
   * Bytes handed to the network since the start, all that MQTT adds included. Without what TLS adds, and without connections over WebSocket, whose
   * stream does not count.
   */
  get sentBytes(): number {
    return this.#sent.total;
  }

  /** Does not wait for the connection: a recorder without internet starts all the same. May follow a `stop` that is done. */
  async start(): Promise<void> {
    this.#isStopped = false;
    this.#run += 1;
    void this.#connect();
  }

  /**
   * What the last attempts failed for may have changed (a certificate came): ends a wait between two connections, and follows an attempt that is
   * on its way and fails with another one at once. Does nothing while connected.
   */
  retryNow(): void {
    if (this.#timer === undefined) {
      this.#isHurried = !this.#isOnline;
      return;
    }
    this.#timer.cancel();
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

  publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || !this.#isOnline) return Promise.reject(offline());
    const bytes = typeof payload === 'string' ? payload : Buffer.from(payload);
    return connection.window.run(() => this.#send(connection, topic, bytes, options));
  }

  async #send(connection: Connection, topic: string, bytes: string | Buffer, { retain = false, mayShow }: PublishOptions): Promise<void> {
    if (this.#connection !== connection) throw offline();
    mayShow?.();
    return new Promise((resolve, reject) => {
      this.#unacknowledged.add(reject);
      const deadline = this.#answerDeadline(connection);
      connection.client.publish(topic, bytes, { qos: 1, retain }, (error) => {
        deadline.cancel();
        this.#unacknowledged.delete(reject);
        if (error === undefined || error === null) resolve();
        else reject(publishError(error));
      });
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    const client = this.#connection?.client;
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
    this.#timer = undefined;
    const run = this.#run;
    if (this.#isStopped) return;
    const { log, url, identity } = this.#parts;
    try {
      // The default export is what Node and the bundle agree on: the package is CommonJS.
      const { default: mqtt } = await import('mqtt');
      // With a certificate mqtt.js makes TLS out of mqtt:// by itself.
      const certificate = isTls(url) ? identity?.current() : undefined;
      const options = await this.#options(certificate);
      if (this.#isStopped || run !== this.#run) return;
      const client = mqtt.connect(url, options);
      const window = new InFlight(WINDOW);
      this.#listen({ client, certificate, window, onlineSinceMs: undefined, reason: undefined, error: undefined, isOurs: false });
    } catch (error) {
      log.error('the cloud link could not be set up', { error });
      if (run === this.#run) this.#retryLater(0);
    }
  }

  async #options(certificate: ClientCertificate | undefined): Promise<IClientOptions> {
    const { clientId, caFile } = this.#parts;
    const facts = await this.#parts.connectFacts();
    return {
      protocolVersion: this.#version,
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
      // No session expiry: a clean session in MQTT 5 as well.
      ...(this.#version === 5 ? { properties: { receiveMaximum: WINDOW, maximumPacketSize: MAX_MESSAGE_BYTES } } : {}),
      ...(caFile === undefined ? {} : { ca: await readFile(caFile) }),
      ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
      will: { topic: facts.will.topic, payload: Buffer.from(facts.will.payload), qos: 1, retain: true },
    };
  }

  /** A broker may overlook the limit that it was told, and 3.1.1 has none; mqtt.js would collect up to 256 MB for a length that somebody made up. */
  #watchSizes({ stream }: MqttClient): void {
    const meter = new PacketMeter(MOST_PACKET_BYTES);
    stream.on('data', (chunk: Uint8Array) => {
      if (!stream.destroyed && !meter.accept(chunk)) stream.destroy(tooLarge());
    });
  }

  #listen(connection: Connection): void {
    const { log, subscription, identity } = this.#parts;
    const { client } = connection;
    this.#connection = connection;
    this.#sent.watch(client.stream);
    this.#watchSizes(client);
    client.on('connect', ({ properties }) => {
      connection.window = new InFlight(Math.min(WINDOW, properties?.receiveMaximum ?? WINDOW));
      const deadline = this.#answerDeadline(connection);
      client.subscribe(subscription, { qos: 1 }, (error, granted) => {
        deadline.cancel();
        const isRefused = granted?.some((one) => one.qos >= 128) ?? false;
        if ((error === undefined || error === null) && !isRefused) this.#setOnline(connection);
        else {
          log.error('the broker refused the subscription', { error });
          connection.isOurs = true;
          client.end(true);
        }
      });
    });
    client.on('message', (topic, payload) => {
      for (const listener of [...this.#messages]) listener(topic, payload);
    });
    client.on('disconnect', ({ reasonCode }) => {
      connection.reason = reasonCode ?? 0;
      log.warn('the broker ends the connection', { reason: connection.reason });
    });
    client.on('error', (error) => {
      connection.error = error;
      log.warn('cloud link', { error: error.message, attempt: this.#attempt });
    });
    client.on('close', () => {
      if (this.#connection !== connection) return;
      client.end(true);
      this.#setOffline();
      if (isNotWanted(connection.error)) identity?.refused(connection.certificate);
      this.#afterEnd(connection);
    });
  }

  /** What the end of a connection means for the next one. */
  #afterEnd({ error, reason, onlineSinceMs, isOurs }: Connection): void {
    const { clock, log, onTakenOver } = this.#parts;
    if (this.#version === 5 && isOtherVersion(error)) {
      log.info('the broker does not speak MQTT 5: 3.1.1 from here on');
      this.#version = 4;
      void this.#connect();
      return;
    }
    const nowMs = clock.monotonicMs();
    const onlineMs = onlineSinceMs === undefined ? undefined : nowMs - onlineSinceMs;
    const isSilent = !isOurs && error === undefined && reason === undefined;
    const { alarm, waitMs } = this.#takeovers.ended({ onlineMs, reason, isSilent }, nowMs);
    if (alarm !== undefined) {
      log.warn('somebody else connects with this recorder’s identity', { how: alarm });
      onTakenOver?.(alarm);
    }
    this.#retryLater(waitMs);
  }

  /** Ends the connection when the broker owes an answer for too long; what was not acknowledged is then known not to have arrived. */
  #answerDeadline(connection: Connection): Timer {
    return this.#parts.clock.after(
      ANSWER_MS,
      () => {
        this.#parts.log.warn('the broker does not answer: connecting again');
        connection.isOurs = true;
        connection.client.end(true);
      },
      true,
    );
  }

  #setOnline(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#isOnline = true;
    this.#isHurried = false;
    connection.onlineSinceMs = this.#parts.clock.monotonicMs();
    this.#parts.log.info('cloud link is up', { url: this.#parts.url, protocol: this.#version === 5 ? 'MQTT 5' : 'MQTT 3.1.1' });
    this.#parts.identity?.accepted(connection.certificate);
    for (const listener of [...this.#onlines]) listener(true);
  }

  #setOffline(): void {
    const wasOnline = this.#isOnline;
    const sinceMs = this.#connection?.onlineSinceMs ?? 0;
    this.#connection = undefined;
    this.#isOnline = false;
    for (const reject of [...this.#unacknowledged]) reject(offline());
    this.#unacknowledged.clear();
    if (!wasOnline) return;
    if (this.#parts.clock.monotonicMs() - sinceMs > STABLE_MS) this.#attempt = 0;
    this.#parts.log.info('cloud link is down');
    for (const listener of [...this.#onlines]) listener(false);
  }

  #retryLater(atLeastMs: number): void {
    if (this.#isStopped) return;
    const plan = this.#parts.backoff ?? (isLocal(this.#parts.url) ? LOCAL_BACKOFF : CLOUD_BACKOFF);
    const waitMs = atLeastMs + (this.#isHurried ? 0 : backoffMs(plan, this.#attempt, this.#parts.random));
    this.#isHurried = false;
    this.#attempt += 1;
    this.#timer = this.#parts.clock.after(waitMs, () => void this.#connect(), true);
  }
}

function isTls(url: string): boolean {
  return /^(?:mqtts|wss):/.test(url);
}

function isLocal(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
