import { MAX_MESSAGE_BYTES, parseGuarded } from '../contract/guard.js';
import { PairRequest } from '../contract/pairing.js';
import { parseShape } from '../contract/shapes.js';
import { fromUtf8 } from '../contract/text.js';
import { readDownTopic, type TopicScope } from '../contract/topics.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { type Log, RateLimitedLog } from '../kernel/log.js';
import type { Origin } from './call.js';
import { DoorRates } from './door-rates.js';

/** Where messages go once they are known to be of a kind and size that may be looked at. Handlers answer by themselves, to where it came from. */
export interface RouterParts {
  readonly scope: TopicScope;
  /** A sealed command; `id` from the topic. */
  readonly onCommand: (id: string, letter: string, from: Origin) => Promise<void>;
  readonly onPair: (sid: string, request: PairRequest, from: Origin) => Promise<void>;
  /** withdraw+jws: a withdrawal that was left at the relay, or handed in on site. */
  readonly onWithdraw: (statement: string, from: Origin) => Promise<void>;
  /** cancel+jws: badges that an organisation calls back. */
  readonly onCancel: (statement: string, from: Origin) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const DOT = 0x2e;
/** Parts of a signed statement (RFC 7515, section 7.1) and of a sealed letter (RFC 7516, section 7.1). */
const SIGNED_PARTS = 3;
const SEALED_PARTS = 5;

/** What was refused since the start, by code: for health and for tests. */
export type RefusalCounts = Readonly<Record<string, number>>;

/** The door for everything that comes from the relay or the local network: kind, size, rate and form are judged here; trust behind it. */
export class Router {
  readonly #parts: RouterParts;
  readonly #log: RateLimitedLog;
  readonly #counts = new Map<string, number>();
  readonly #rates = new DoorRates();

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#log = new RateLimitedLog(parts.log, parts.clock);
  }

  get refusals(): RefusalCounts {
    return Object.fromEntries(this.#counts);
  }

  /** One more refusal of this code; for those who judge behind this door. */
  count(code: string): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
  }

  /** Never throws or rejects. */
  async receive(topic: string, payload: Uint8Array, from: Origin): Promise<void> {
    try {
      await this.#route(topic, payload, from);
    } catch (error) {
      const code = error instanceof AgentError ? error.code : 'message.failed';
      this.count(code);
      this.#log.warn(code, 'a message was refused', { source: from.source, error });
    }
  }

  async #route(topic: string, payload: Uint8Array, from: Origin): Promise<void> {
    const to = readDownTopic(this.#parts.scope, topic);
    if (to === undefined) throw refuse('message.unknown_topic', 'The message came on a topic that means nothing here.');
    // Clearing a retained message sends an empty one to everybody.
    if (payload.length === 0) return;
    if (payload.length > MAX_MESSAGE_BYTES) throw refuse('message.too_large', `The message is larger than ${MAX_MESSAGE_BYTES} bytes.`);
    if (!this.#rates.take(to.kind, payload.length, from, this.#parts.clock.monotonicMs()))
      throw refuse('message.too_many', 'Too many messages at once.');
    if (to.kind === 'withdraw') return this.#parts.onWithdraw(this.#text(payload, SIGNED_PARTS), from);
    if (to.kind === 'cancel') return this.#parts.onCancel(this.#text(payload, SIGNED_PARTS), from);
    if (to.kind === 'cmd') return this.#parts.onCommand(to.id, this.#text(payload, SEALED_PARTS), from);
    const request = parseShape(PairRequest, parseGuarded(payload));
    if (request.sid !== to.id) throw refuse('message.invalid', 'The pairing message is for another session than its topic.');
    return this.#parts.onPair(to.id, request, from);
  }

  /** Not more parts than such a text has: whoever splits one of nothing but dots makes sixty thousand of it, and stands still over it. */
  #text(payload: Uint8Array, parts: number): string {
    let dots = 0;
    for (const byte of payload) if (byte === DOT) dots += 1;
    if (dots >= parts) throw refuse('message.malformed', 'The message has more parts than a letter or a statement has.');
    try {
      return fromUtf8(payload);
    } catch {
      throw refuse('message.malformed', 'The message is not UTF-8.');
    }
  }
}

function refuse(code: string, say: string): AgentError {
  return new AgentError({ code, say, fix: 'Send messages as the contract of this version describes them.' });
}
