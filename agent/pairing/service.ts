import { consentTextHash } from '../contract/consent-text.js';
import { parseGuarded } from '../contract/guard.js';
import { signStatement, thumbprint, verifyStatement } from '../contract/jws.js';
import {
  closeBox,
  type DeviceBox,
  KEY_DERIVATION,
  OwnerBox,
  openBox,
  PAIRING_CONTEXT,
  type PairAnswer,
  PairProof,
  type PairRequest,
} from '../contract/pairing.js';
import { parseShape } from '../contract/shapes.js';
import { newScalar, type SharedKeys, sameBytes, verifierRespond } from '../contract/spake2plus.js';
import { Consent } from '../contract/statements.js';
import { fromBase64url, toBase64url } from '../contract/text.js';
import { AgentError, asAgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import { type CodeMemory, makeCode } from './code-file.js';
import type { NewOwner, PairingParts } from './ports.js';
import { charge, mayTry, NO_FAILS, type PairingWay, triesLeft } from './window.js';

interface Exchange {
  readonly keys: SharedKeys;
  readonly way: PairingWay;
  readonly startedMs: number;
}

/** Longest time between the right code and the accepted consent: people read. */
const EXCHANGE_MS = 10 * 60_000;
const MOST_EXCHANGES = 8;
/** A refused knock is told for the log once in this time, per way and reason. */
const REFUSAL_PERIOD_MS = 15 * 60_000;

/** The recorder's half of pairing. Answers requests one after another, so that tries cannot overtake the count. */
export class PairingService {
  readonly #parts: PairingParts;
  readonly #queue = new KeyedQueue();
  readonly #exchanges = new Map<string, Exchange>();
  readonly #refusalsToldMs = new Map<string, number>();
  readonly #lastTryMs: Record<PairingWay, number>;
  #memory: CodeMemory | undefined;
  #openedMs: number | undefined;

  constructor(parts: PairingParts) {
    this.#parts = parts;
    const now = parts.clock.monotonicMs();
    this.#lastTryMs = { relay: now, lan: now };
  }

  /** Reads what is kept of the code. A recorder without owner opens its window at power-on. */
  async start(): Promise<void> {
    this.#memory = await this.#parts.codeFile.load();
    if (!this.#parts.isOwned()) this.#openedMs = this.#parts.clock.monotonicMs();
  }

  /**
   * Someone stands at the recorder: the window opens for 15 minutes, tries begin anew, and a new code is made, which is returned to be shown
   * once. `keepsTries` is for a start without a press: a power cut must not buy tries.
   * @throws AgentError pairing.owned
   */
  async press(keepsTries = false): Promise<string> {
    if (this.#parts.isOwned()) throw refusal('owned');
    const { code, memory } = await makeCode(keepsTries ? (this.#memory?.tries ?? NO_FAILS) : NO_FAILS);
    await this.#parts.codeFile.save(memory);
    this.#memory = memory;
    this.#exchanges.clear();
    this.#openedMs = this.#parts.clock.monotonicMs();
    return code;
  }

  get isOpen(): boolean {
    const openFor = this.#openForMs();
    return mayTry(NO_FAILS, this.#facts('relay', Number.POSITIVE_INFINITY, openFor)).may;
  }

  /** Never rejects: whatever goes wrong is an answer. */
  handle(request: PairRequest, way: PairingWay): Promise<PairAnswer> {
    return this.#queue
      .run('pairing', () => this.#answer(request, way))
      .catch((error: unknown) => this.#errorAnswer(request.sid, way, error));
  }

  async #answer(request: PairRequest, way: PairingWay): Promise<PairAnswer> {
    if (request.t === 'pair.hello') return this.#params(request.sid, way);
    if (request.t === 'pair.start') return this.#respond(request, way);
    return this.#finish(request, way);
  }

  #params(sid: string, way: PairingWay): PairAnswer {
    const memory = this.#permitted(way);
    return { t: 'pair.params', v: 1, sid, salt: toBase64url(memory.salt), kdf: KEY_DERIVATION, left: triesLeft(memory.tries, way) };
  }

  async #respond(request: Extract<PairRequest, { t: 'pair.start' }>, way: PairingWay): Promise<PairAnswer> {
    const memory = this.#permitted(way);
    // Charged and on the disk before anything leaves: the answer already lets the asker test one code.
    const charged: CodeMemory = { ...memory, tries: charge(memory.tries, way) };
    this.#memory = charged;
    this.#lastTryMs[way] = this.#parts.clock.monotonicMs();
    await this.#parts.codeFile.save(charged);
    const ids = { context: PAIRING_CONTEXT, prover: request.app, verifier: this.#parts.serial };
    const y = newScalar(globalThis.crypto.getRandomValues(new Uint8Array(48)));
    const { shareV, keys } = verifierRespond(ids, memory.verifier, y, fromBase64url(request.shareP));
    this.#remember(request.sid, { keys, way, startedMs: this.#parts.clock.monotonicMs() });
    this.#parts.onTry({ way, result: 'failed', code: 'pairing.tried' });
    const left = triesLeft(charged.tries, way);
    return { t: 'pair.resp', v: 1, sid: request.sid, shareV: toBase64url(shareV), confirmV: toBase64url(keys.confirmVerifier), left };
  }

  async #finish(request: Extract<PairRequest, { t: 'pair.fin' }>, way: PairingWay): Promise<PairAnswer> {
    const exchange = this.#exchanges.get(request.sid);
    this.#exchanges.delete(request.sid);
    if (this.#parts.isOwned()) throw refusal('owned');
    const isCurrent = exchange !== undefined && exchange.way === way && this.#parts.clock.monotonicMs() - exchange.startedMs < EXCHANGE_MS;
    if (!isCurrent) throw refusal('closed');
    if (!sameBytes(exchange.keys.confirmProver, fromBase64url(request.confirmP))) throw refusal('wrong_code');
    const owner = await this.#readOwner(exchange.keys, request.sid, request.box);
    await this.#parts.install(owner, way);
    await this.#parts.codeFile.forget();
    this.#memory = undefined;
    this.#openedMs = undefined;
    this.#exchanges.clear();
    return { t: 'pair.done', v: 1, sid: request.sid, box: await this.#deviceBox(exchange.keys, request.sid) };
  }

  /** What the app sealed, believed only after the same key signed the transcript and the consent for this recorder and this text. */
  async #readOwner(keys: SharedKeys, sid: string, box: string): Promise<NewOwner> {
    const content = parseShape(OwnerBox, parseGuarded(await openBox(keys.shared, 'owner', sid, box)));
    const proof = await verifyStatement(content.proof, 'pair+jws', content.owner, PairProof);
    const consent = await verifyStatement(content.consent, 'consent+jws', content.owner, Consent);
    const { serial } = this.#parts;
    const isProven = proof.role === 'owner' && proof.dev === serial && proof.transcript === toBase64url(keys.transcriptHash);
    if (!isProven || consent.dev !== serial) throw refusal('bad_message');
    if (consent.text !== (await consentTextHash())) throw refusal('other_text');
    return { key: content.owner, kid: await thumbprint(content.owner), site: content.site, consent, consentStatement: content.consent };
  }

  async #deviceBox(keys: SharedKeys, sid: string): Promise<string> {
    const { signer, serial, deviceKey, sealKey, boot, clock } = this.#parts;
    const proof: PairProof = { v: 1, role: 'device', dev: serial, transcript: toBase64url(keys.transcriptHash) };
    const content: DeviceBox = {
      device: deviceKey,
      seal: sealKey,
      boot,
      epoch: this.#parts.epoch(),
      at: clock.now(),
      proof: await signStatement('pair+jws', proof, signer),
    };
    return closeBox(keys.shared, 'device', sid, content);
  }

  /** The code's memory when a try may begin now. @throws AgentError pairing.closed | locked | wait | owned */
  #permitted(way: PairingWay): CodeMemory {
    const since = this.#parts.clock.monotonicMs() - this.#lastTryMs[way];
    const verdict = mayTry(this.#memory?.tries ?? NO_FAILS, this.#facts(way, since, this.#openForMs()));
    if (!verdict.may) {
      this.#tellRefusal(way, `pairing.${verdict.code}`);
      throw refusal(verdict.code, verdict.retryS);
    }
    if (this.#memory === undefined) throw refusal('closed');
    return this.#memory;
  }

  /** Anybody may knock as often as he likes; the log of acts must not be filled by it. */
  #tellRefusal(way: PairingWay, code: string): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const toldMs = this.#refusalsToldMs.get(`${way} ${code}`);
    if (toldMs !== undefined && nowMs - toldMs < REFUSAL_PERIOD_MS) return;
    this.#refusalsToldMs.set(`${way} ${code}`, nowMs);
    this.#parts.onTry({ way, result: 'refused', code });
  }

  #facts(way: PairingWay, sinceLastTryMs: number, openForMs: number | undefined) {
    return { way, isOwned: this.#parts.isOwned(), hasCode: this.#memory !== undefined, openForMs, sinceLastTryMs };
  }

  #openForMs(): number | undefined {
    return this.#openedMs === undefined ? undefined : this.#parts.clock.monotonicMs() - this.#openedMs;
  }

  #remember(sid: string, exchange: Exchange): void {
    if (this.#exchanges.size >= MOST_EXCHANGES) this.#exchanges.delete(this.#exchanges.keys().next().value ?? '');
    this.#exchanges.set(sid, exchange);
  }

  #errorAnswer(sid: string, way: PairingWay, thrown: unknown): PairAnswer {
    const error = asAgentError(thrown, {
      code: 'pairing.failed',
      say: 'The recorder could not finish pairing.',
      fix: 'Try again; if it stays so, restart the recorder.',
      retryable: true,
    });
    if (error.code === 'pairing.failed') this.#parts.log.error('pairing failed', { error });
    else this.#parts.log.warn('pairing refused', { reason: error.code, way });
    const left = this.#memory === undefined ? 0 : triesLeft(this.#memory.tries, way);
    const retryS = typeof error.detail.retryS === 'number' ? error.detail.retryS : 0;
    return { t: 'pair.err', v: 1, sid, code: error.code, say: error.say, fix: error.fix, retryS, left };
  }
}

const REFUSALS: Record<string, readonly [say: string, fix: string]> = {
  owned: ['This recorder has an owner.', 'Ask the owner for permission, or for a hand-over.'],
  closed: ['The recorder is not waiting for pairing.', 'Press its button for 3 seconds (or restart it), then pair within 15 minutes.'],
  locked: ['Too many wrong codes.', 'Press the recorder’s button for 3 seconds, then try again with the code from the label.'],
  wait: ['Too many wrong codes in a row.', 'Wait, then try again with the code from the label.'],
  wrong_code: ['This is not the code of this recorder.', 'Compare it with the label.'],
  bad_message: ['The pairing message does not fit this exchange.', 'Start pairing again.'],
  other_text: ['The consent was given to another text than this recorder knows.', 'Update the app or the recorder, then pair again.'],
};

function refusal(name: string, retryS = 0): AgentError {
  const [say, fix] = REFUSALS[name] ?? ['Pairing was refused.', 'Start pairing again.'];
  const wait = retryS > 0 ? ` ${retryS} seconds to wait.` : '';
  return new AgentError({ code: `pairing.${name}`, say: say + wait, fix, retryable: retryS > 0, detail: { retryS } });
}
