import { Command } from '../../../../../agent/contract/command.js';
import { signStatement, unverifiedPayload } from '../../../../../agent/contract/jws.js';
import { openSealed, seal } from '../../../../../agent/contract/seal.js';
import { PublicJwk, parseShape } from '../../../../../agent/contract/shapes.js';
import type { Status } from '../../../../../agent/contract/statements.js';
import { newId, sha256Text, utf8 } from '../../../../../agent/contract/text.js';
import { topics } from '../../../../../agent/contract/topics.js';
import { newSigningKey, type SigningKey } from '../../../../../scripts/portal/client/keys.js';
import type { RelayTransport } from '../../../../../scripts/portal/client/transport.js';

/** What a recorder answers: a body, or a refusal. */
export type Reply = { readonly body: unknown } | { readonly code: string; readonly detail?: Record<string, unknown> };

/**
 * A recorder and the relay before it, in memory: opens letters and answers what `reply` says. The relay keeps what is to be kept, and its
 * `kept` can be set as a hostile one would.
 */
export class MemoryRecorder implements RelayTransport {
  readonly isOnline = true;
  way: 'relay' | 'lan' = 'relay';
  /** Holds up a subscription until it resolves. */
  beforeListening: (topic: string) => Promise<void> = () => Promise.resolve();
  readonly commands: Command[] = [];
  readonly published: { topic: string; payload: string; retain: boolean }[] = [];
  readonly kept = new Map<string, string>();
  readonly serial: string;
  readonly key: SigningKey;
  boot = newId();
  /** Its uptime by its own clock, ms. */
  up = 1_000;
  reply: (command: Command) => Reply = () => ({ body: { isDone: true } });
  readonly #sealKey: CryptoKeyPair;
  readonly #listeners = new Set<(topic: string, payload: Uint8Array) => void>();

  private constructor(serial: string, key: SigningKey, sealKey: CryptoKeyPair) {
    this.serial = serial;
    this.key = key;
    this.#sealKey = sealKey;
  }

  static async make(serial = 'SN4F2K7Q9D'): Promise<MemoryRecorder> {
    const sealKey = await globalThis.crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
    return new MemoryRecorder(serial, await newSigningKey(), sealKey);
  }

  get scope() {
    return { tenant: 'local', serial: this.serial };
  }

  async sealJwk(): Promise<PublicJwk> {
    const { kty, crv, x, y } = await globalThis.crypto.subtle.exportKey('jwk', this.#sealKey.publicKey);
    return parseShape(PublicJwk, { kty, crv, x, y });
  }

  /** Says how it is now, and has the relay keep it. */
  async tellStatus(changes: Partial<Status> = {}): Promise<void> {
    const status: Status = {
      v: 1,
      dev: this.serial,
      state: 'online',
      isPaired: true,
      boot: this.boot,
      up: this.up,
      version: '0.1.0',
      key: this.key.publicKey,
      seal: await this.sealJwk(),
      changes: { permissions: 0, cameras: 0, config: 0, security: 0 },
      at: Date.now(),
      ...changes,
    };
    this.say(topics.status(this.scope), await signStatement('status+jws', status, this.key.signer), true);
  }

  /** Puts a message on a topic, as the relay or whoever holds it can. */
  say(topic: string, payload: string, isKept = false): void {
    if (isKept) this.kept.set(topic, payload);
    for (const listener of this.#listeners) listener(topic, utf8(payload));
  }

  async subscribe(topic: string): Promise<void> {
    await this.beforeListening(topic);
    const kept = this.kept.get(topic);
    if (kept !== undefined) for (const listener of this.#listeners) listener(topic, utf8(kept));
  }

  unsubscribe(): Promise<void> {
    return Promise.resolve();
  }

  async publish(topic: string, payload: string, options: { readonly retain?: boolean } = {}): Promise<void> {
    this.published.push({ topic, payload, retain: options.retain === true });
    const id = topic.split('/').at(-1) ?? '';
    if (topic !== topics.command(this.scope, id)) return;
    const signed = await openSealed(payload, this.#sealKey.privateKey);
    const command = parseShape(Command, unverifiedPayload(signed));
    this.commands.push(command);
    const reply = this.reply(command);
    const refusal = 'code' in reply ? { code: reply.code, say: 'No.', fix: 'Again.', retryable: true, detail: reply.detail ?? {} } : null;
    const body = 'body' in reply ? reply.body : null;
    const result = { v: 1, dev: this.serial, cmd: await sha256Text(signed), body, error: refusal, log: null };
    this.say(topics.reply(this.scope, id), await seal(await signStatement('result+jws', result, this.key.signer), command.reply));
  }

  onMessage(listener: (topic: string, payload: Uint8Array) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onOnline(): () => void {
    return () => undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
