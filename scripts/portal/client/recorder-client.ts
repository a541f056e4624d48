import { type Command, CommandEvent, Result } from '../../../agent/contract/command.js';
import { claimedKid, signStatement, thumbprint, unverifiedPayload, verifyStatement } from '../../../agent/contract/jws.js';
import { type AnswerOf, type ArgsOf, OPERATIONS, type OperationName } from '../../../agent/contract/operations.js';
import { openSealed, seal } from '../../../agent/contract/seal.js';
import { PublicJwk, parseShape } from '../../../agent/contract/shapes.js';
import { Status } from '../../../agent/contract/statements.js';
import { fromUtf8, newId, sha256Text } from '../../../agent/contract/text.js';
import { type TopicScope, topics } from '../../../agent/contract/topics.js';
import { AgentError, asAgentError } from '../../../agent/kernel/errors.js';
import type { Identity } from './identity.js';
import { holdTopic } from './shared-topic.js';
import type { RelayTransport } from './transport.js';
import { Uptime } from './uptime.js';

/** Which recorder is spoken to, over what, and as whom. */
export interface RecorderClientParts {
  readonly transport: RelayTransport;
  readonly scope: TopicScope;
  readonly identity: Identity;
  /** Thumbprint of the recorder's key that was learnt at pairing or from the owner's grant; null takes the first one seen. */
  readonly deviceKey: string | null;
}

/** How long to wait for the answer, and who hears of what comes after it. */
export interface CallOptions {
  /** Default 15 s. */
  readonly timeoutMs?: number;
  /** Called for what happens later to this command; the subscription then lasts until `close()` or the event. */
  readonly onEvent?: (event: CommandEvent['event'], body: unknown) => void;
  /** Called for every piece of a picture, all of which come before the answer or with it. */
  readonly onPiece?: (body: unknown) => void;
}

interface Waiting {
  readonly replyKey: CryptoKey;
  readonly commandHash: string;
  settle(result: Result): void;
  onEvent?: ((event: CommandEvent['event'], body: unknown) => void) | undefined;
  onPiece?: ((body: unknown) => void) | undefined;
  isAnswered: boolean;
  /** What came later in the story but earlier on the wire: a picture may end while its answer is being written down. */
  early?: CommandEvent;
}

const DEFAULT_TIMEOUT_MS = 15_000;
/** Refusals after which a fresh status must come before the second try: the recorder restarted, or has another key for letters. */
const NEEDS_STATUS: ReadonlySet<string> = new Set(['command.stale_boot', 'seal.broken']);
/** Refusals that a second try answers: another window of this app was quicker, or its reckoning of the recorder's uptime was off. */
const RETRY_ONCE: ReadonlySet<string> = new Set([...NEEDS_STATUS, 'command.replayed', 'command.too_old', 'command.ahead']);

/**
 * One recorder as an app sees it over the relay: its verified status, and questions that are signed, sealed, and answered by a letter that
 * only this app can open and only this recorder can have signed.
 */
export class RecorderClient {
  readonly #parts: RecorderClientParts;
  readonly #waiting = new Map<string, Waiting>();
  readonly #statusListeners = new Set<(status: Status) => void>();
  readonly #ends: (() => void)[] = [];
  readonly #uptime = new Uptime();
  #pinned: string | null;
  #status: Status | undefined;
  /** One of another start that claims to be earlier: replayed by the relay, or of a recorder whose clock was set back. */
  #earlier: Status | undefined;
  #lastN = 0;
  /** For the next question, made while there is time: whoever holds a button waits for no key. */
  #spare: Promise<ReplyKeys> | undefined;

  constructor(parts: RecorderClientParts) {
    this.#parts = parts;
    this.#pinned = parts.deviceKey;
  }

  /** The newest status whose signature was checked against the recorder's key. */
  get status(): Status | undefined {
    return this.#status;
  }

  /** Subscribes to the recorder's status; it arrives by itself (retained). Rejects when the relay refuses or is not reached. */
  async start(): Promise<void> {
    this.#ends.push(this.#parts.transport.onMessage((topic, payload) => void this.#receive(topic, payload)));
    const { ready, release } = holdTopic(this.#parts.transport, topics.status(this.#parts.scope));
    this.#ends.push(release);
    await ready;
  }

  onStatus(listener: (status: Status) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  /**
   * Asks the recorder. Rejects with the recorder's own refusal (its code, sentence and next step), or with
   * client.unreachable | client.timeout | client.bad_answer.
   */
  async call<Name extends OperationName>(op: Name, args: ArgsOf<Name>, options: CallOptions = {}): Promise<AnswerOf<Name>> {
    const status = this.#status ?? (await this.#newStatus(undefined));
    try {
      return await this.#callOnce(status, op, args, options);
    } catch (error) {
      if (!(error instanceof AgentError) || !RETRY_ONCE.has(error.code)) throw error;
      if (typeof error.detail.up === 'number') this.#uptime.correct(error.detail.up, performance.now());
      // Newer than the one that was used: it may have come before the refusal.
      const newer = NEEDS_STATUS.has(error.code) ? await this.#newStatus(status, error.code === 'command.stale_boot') : status;
      return await this.#callOnce(newer, op, args, options);
    }
  }

  /** Ends all waiting; the transport stays open (it belongs to the caller). */
  close(): void {
    for (const end of this.#ends.splice(0)) end();
    for (const topic of [...this.#waiting.keys()]) this.#forget(topic);
    this.#statusListeners.clear();
  }

  async #callOnce<Name extends OperationName>(status: Status, op: Name, args: ArgsOf<Name>, options: CallOptions): Promise<AnswerOf<Name>> {
    const { scope, identity } = this.#parts;
    if (status.state === 'offline') throw unreachable('The recorder is switched off or has no connection.');
    const taken = this.#spare ?? makeReplyKeys();
    // Before anything is waited for: two questions at once must not share a pair.
    this.#spare = undefined;
    const reply = await taken;
    const cam = 'cam' in args && typeof args.cam === 'string' ? args.cam : null;
    const credentials = await identity.credentials(op, cam);
    this.#lastN = Math.max(this.#lastN + 1, Date.now());
    const command: Command = {
      v: 1,
      dev: scope.serial,
      boot: status.boot,
      at: this.#uptime.at(performance.now()),
      n: this.#lastN,
      id: newId(),
      op,
      args,
      grant: credentials.grant,
      badge: credentials.badge,
      reply: reply.jwk,
    };
    const signed = await signStatement('cmd+jws', command, identity.signer);
    const letter = await seal(signed, status.seal);
    if (this.#spare === undefined) {
      this.#spare = makeReplyKeys();
      // It is told to the question that wants it.
      this.#spare.catch(() => undefined);
    }
    const result = await this.#exchange(command.id, letter, { replyKey: reply.key, commandHash: await sha256Text(signed) }, options);
    return readAnswer(op, result);
  }

  async #exchange(id: string, letter: string, keys: { replyKey: CryptoKey; commandHash: string }, options: CallOptions): Promise<Result> {
    const { transport, scope } = this.#parts;
    const topic = topics.reply(scope, id);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answered = new Promise<Result>((settle, fail) => {
      this.#waiting.set(topic, { ...keys, settle, onEvent: options.onEvent, onPiece: options.onPiece, isAnswered: false });
      timer = setTimeout(() => fail(timeout()), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    });
    answered.catch(() => undefined);
    let isKept = false;
    try {
      const listening = transport.subscribe(topic);
      // A relay takes one client's packets in their order, so it listens before the recorder can answer. At the door they are two requests, and the
      // answer may be there before anybody listens.
      if (transport.way === 'lan') await listening;
      await Promise.all([listening, transport.publish(topics.command(scope, id), letter)]);
      const result = await answered;
      isKept = options.onEvent !== undefined && result.error === null;
      return result;
    } catch (error) {
      throw asAgentError(error, {
        code: 'client.unreachable',
        say: 'The message could not be sent.',
        fix: 'Check the internet connection and try again.',
        retryable: true,
      });
    } finally {
      clearTimeout(timer);
      if (!isKept) this.#forget(topic);
    }
  }

  #forget(topic: string): void {
    this.#waiting.delete(topic);
    if (this.#parts.transport.isOnline) this.#parts.transport.unsubscribe(topic).catch(() => undefined);
  }

  /** The next status that is not `known`; the retained one comes within a round trip. */
  #newStatus(known: Status | undefined, isStartOver = false): Promise<Status> {
    // The recorder itself said that this start is over, so the other one is not a replay of what was before it.
    if (isStartOver && this.#status === known && this.#earlier !== undefined) this.#take(this.#earlier);
    if (this.#status !== undefined && this.#status !== known) return Promise.resolve(this.#status);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        stop();
        if (this.#status !== undefined) resolve(this.#status);
        else reject(unreachable('Nothing is known of this recorder.'));
      }, 3_000);
      const stop = this.onStatus((status) => {
        clearTimeout(timer);
        stop();
        resolve(status);
      });
    });
  }

  async #receive(topic: string, payload: Uint8Array): Promise<void> {
    try {
      if (topic === topics.status(this.#parts.scope)) await this.#receiveStatus(fromUtf8(payload));
      else await this.#receiveReply(topic, fromUtf8(payload));
    } catch {
      // The relay may send anything. What is not a true letter from this recorder counts as not sent: the call then times out.
    }
  }

  async #receiveStatus(token: string): Promise<void> {
    const key = parseShape(PublicJwk, (unverifiedPayload(token) as { key?: unknown }).key);
    const print = await thumbprint(key);
    if (this.#pinned !== null && print !== this.#pinned) return;
    const status = await verifyStatement(token, 'status+jws', key, Status);
    if (status.dev !== this.#parts.scope.serial) return;
    // The first one counts only after it was checked; another may have been first meanwhile.
    this.#pinned ??= print;
    if (print !== this.#pinned) return;
    // The will is signed when the link comes up, so it is older than what it ends; within one boot newer ones win otherwise.
    const old = this.#status;
    const isEarlier = old?.state === 'online' && status.state === 'online' && old.boot !== status.boot && status.at < old.at;
    if (isEarlier) this.#earlier = status;
    else this.#take(status);
  }

  #take(status: Status): void {
    this.#earlier = undefined;
    this.#uptime.learn(status.boot, status.up, performance.now());
    this.#status = status;
    for (const listener of [...this.#statusListeners]) listener(status);
  }

  async #receiveReply(topic: string, payload: string): Promise<void> {
    const waiting = this.#waiting.get(topic);
    const key = this.#status?.key;
    if (waiting === undefined || key === undefined) return;
    const statement = await openSealed(payload, waiting.replyKey);
    if (isEvent(statement)) {
      const event = await verifyStatement(statement, 'event+jws', key, CommandEvent);
      if (event.cmd !== waiting.commandHash) return;
      if (event.event === 'cameras.picture') waiting.onPiece?.(event.body);
      else if (waiting.isAnswered) this.#tell(topic, waiting, event);
      else waiting.early = event;
      return;
    }
    const result = await verifyStatement(statement, 'result+jws', key, Result);
    if (result.cmd !== waiting.commandHash || result.dev !== this.#parts.scope.serial) return;
    waiting.isAnswered = true;
    waiting.settle(result);
    if (waiting.early !== undefined) this.#tell(topic, waiting, waiting.early);
  }

  #tell(topic: string, waiting: Waiting, { event, body }: CommandEvent): void {
    waiting.onEvent?.(event, body);
    this.#forget(topic);
  }
}

/** What one answer is sealed to. */
interface ReplyKeys {
  readonly key: CryptoKey;
  readonly jwk: PublicJwk;
}

/** A new pair per question: an answer can be read by who asked for it, and by nobody who later gets hold of this app's keys. */
async function makeReplyKeys(): Promise<ReplyKeys> {
  const { subtle } = globalThis.crypto;
  const { privateKey, publicKey } = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits', 'deriveKey']);
  const { kty, crv, x, y } = await subtle.exportKey('jwk', publicKey);
  return { key: privateKey, jwk: parseShape(PublicJwk, { kty, crv, x, y }) };
}

function isEvent(statement: string): boolean {
  try {
    claimedKid(statement, 'event+jws');
    return true;
  } catch {
    return false;
  }
}

function readAnswer<Name extends OperationName>(op: Name, result: Result): AnswerOf<Name> {
  if (result.error !== null) {
    const { code, say, fix, retryable, detail } = result.error;
    throw new AgentError({ code, say, fix, retryable, ...(detail === undefined ? {} : { detail }) });
  }
  const shape = OPERATIONS[op].answer as Parameters<typeof parseShape>[0];
  return parseShape(shape, result.body, 'client.bad_answer') as AnswerOf<Name>;
}

function unreachable(say: string): AgentError {
  return new AgentError({
    code: 'client.unreachable',
    say,
    fix: 'Check the recorder’s power and network; it comes back by itself.',
    retryable: true,
  });
}

function timeout(): AgentError {
  return new AgentError({
    code: 'client.timeout',
    say: 'The recorder did not answer in time.',
    fix: 'Try again; if it stays so, look whether the recorder is switched on.',
    retryable: true,
  });
}
