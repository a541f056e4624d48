import mqtt, { type MqttClient } from 'mqtt';
import { newId } from '../../agent/contract/text.js';
import { AgentError } from '../../agent/kernel/errors.js';
import type { RelayTransport } from '../../scripts/portal/client/transport.js';

function offline(cause?: unknown): AgentError {
  return new AgentError({
    code: 'client.offline',
    say: 'This app has no connection to the service.',
    fix: 'Check this device’s internet connection.',
    retryable: true,
    cause,
  });
}

/** The app's way to the relay, in Node: RelayTransport over mqtt.js, by TCP (mqtt://) or WebSocket (ws://). Reconnects after 200 ms. */
export class MqttTransport implements RelayTransport {
  readonly #client: MqttClient;
  readonly #onlineListeners = new Set<(isOnline: boolean) => void>();
  #isOnline = false;

  constructor(url: string, login: { readonly username?: string; readonly password?: string } = {}) {
    this.#client = mqtt.connect(url, {
      protocolVersion: 4,
      clientId: `app-${newId()}`,
      username: login.username ?? 'app',
      ...(login.password === undefined ? {} : { password: login.password }),
      clean: true,
      reconnectPeriod: 200,
      connectTimeout: 5_000,
      resubscribe: true,
    });
    this.#client.on('connect', () => this.#setOnline(true));
    this.#client.on('close', () => this.#setOnline(false));
    // Told by isOnline; an error without a listener would end the process.
    this.#client.on('error', () => undefined);
  }

  get isOnline(): boolean {
    return this.#isOnline;
  }

  /** Resolves when connected; rejects after 10 s. */
  async whenOnline(): Promise<void> {
    if (this.#isOnline) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(offline()), 10_000);
      const stop = this.onOnline(() => {
        clearTimeout(timer);
        stop();
        resolve();
      });
    });
  }

  async subscribe(topic: string): Promise<void> {
    await this.whenOnline();
    const [granted] = await this.#client.subscribeAsync(topic, { qos: 0 }).catch((error: unknown) => Promise.reject(offline(error)));
    if (granted === undefined || granted.qos >= 128) {
      throw new AgentError({
        code: 'client.refused',
        say: 'The service does not let this app read there.',
        fix: 'Check the serial number.',
      });
    }
  }

  async unsubscribe(topic: string): Promise<void> {
    if (this.#isOnline) await this.#client.unsubscribeAsync(topic);
  }

  async publish(topic: string, payload: string, options: { readonly retain?: boolean } = {}): Promise<void> {
    if (!this.#isOnline) throw offline();
    const stop: (() => void)[] = [];
    // The library would send it again after a reconnect; an app is told at once instead.
    const broken = new Promise<never>((_resolve, reject) => stop.push(this.onOnline(() => reject(offline()))));
    try {
      await Promise.race([this.#client.publishAsync(topic, payload, { qos: 1, retain: options.retain ?? false }), broken]);
    } catch (error) {
      throw error instanceof AgentError ? error : offline(error);
    } finally {
      for (const end of stop) end();
    }
  }

  onMessage(listener: (topic: string, payload: Uint8Array) => void): () => void {
    const hear = (topic: string, payload: Uint8Array): void => listener(topic, payload);
    this.#client.on('message', hear);
    return () => void this.#client.removeListener('message', hear);
  }

  onOnline(listener: (isOnline: boolean) => void): () => void {
    this.#onlineListeners.add(listener);
    return () => this.#onlineListeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#setOnline(false);
    await this.#client.endAsync(true);
  }

  #setOnline(isOnline: boolean): void {
    if (this.#isOnline === isOnline) return;
    this.#isOnline = isOnline;
    for (const listener of [...this.#onlineListeners]) listener(isOnline);
  }
}
