import { KEY_DERIVATION, PAIRING_CONTEXT, type PairAnswer, type PairRequest } from '../contract/pairing.js';
import { type SharedKeys, sameBytes, type Verifier } from '../contract/spake2plus.js';
import { toBase64url } from '../contract/text.js';
import { asAgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import { deviceBox, deviceNamed, exactBytes, readClaim } from './claim.js';
import { armedCode, type CodeMemory, disarmed, type KeptCode, makeCode, NO_CODE } from './code-file.js';
import { Exchanges } from './exchanges.js';
import type { PairingOrigin, PairingParts, SpakeSlot } from './ports.js';
import { refusal } from './refusals.js';
import { charge, mayTry, NO_FAILS, type PairingWay, type Purpose, refund, type TryFacts, triesLeft, windowLeftMs } from './window.js';

/** A refused knock is told for the log once in this time, per way and reason. */
const REFUSAL_PERIOD_MS = 15 * 60_000;
const WAYS: readonly PairingWay[] = ['relay', 'lan'];

/** What a press led to: the printed label counts again (`code` null), or a new code does, which is to be shown once. */
export interface Pressed {
  readonly armed: 'label' | 'once';
  /** Nine characters. */
  readonly code: string | null;
}

/** `newCode`: one that is shown once, although there is a label. `keepsTries`: for a start without a press; a power cut must not buy tries. */
export interface PressOptions {
  readonly newCode?: boolean;
  readonly keepsTries?: boolean;
}

/** A try that was charged: with which verifier and slot it goes on, and under which press. */
interface Charged {
  readonly verifier: Verifier;
  readonly slot: SpakeSlot;
  readonly left: number;
  readonly generation: number;
}

/**
 * The recorder's half of pairing. What changes code or count runs one after another, so that tries cannot overtake the count; the long
 * computation runs beside that, elsewhere.
 */
export class PairingService {
  readonly #parts: PairingParts;
  readonly #queue = new KeyedQueue();
  readonly #exchanges = new Exchanges();
  readonly #refusalsToldMs = new Map<string, number>();
  readonly #lastTryMs: Record<PairingWay, number>;
  #memory: CodeMemory = NO_CODE;
  #openedMs: number | undefined;
  /** Epoch in which the window for joining was opened. */
  #joinEpoch = 0;
  /** Rises with every change of the code: what was begun under another code leads to nothing. */
  #generation = 0;

  constructor(parts: PairingParts) {
    this.#parts = parts;
    const now = parts.clock.monotonicMs();
    this.#lastTryMs = { relay: now, lan: now };
  }

  /** Reads what is kept of the codes. A recorder without owner opens its window at power-on; a code that can mean nothing any more dies. */
  async start(): Promise<void> {
    const { codeFile, isOwned, log } = this.#parts;
    const onDamaged = (cause: unknown): void =>
      log.error('what was kept of the verification code is damaged: a printed label counts no more', { error: cause });
    this.#memory = await codeFile.load(onDamaged);
    // Left armed by a power cut in the moment of success, or by a window for joining: neither goes on after a start.
    const isLeftOver = this.#memory.armed !== 'none' && (isOwned() || this.#memory.purpose === 'join');
    if (isLeftOver) await this.#settle(disarmed(this.#memory)).catch((error: unknown) => this.#couldNotForget(error));
    if (!isOwned()) this.#openedMs = this.#parts.clock.monotonicMs();
  }

  /** Ends the computation; what is asked from now on is refused. */
  stop(): Promise<void> {
    return this.#parts.spake.stop();
  }

  /**
   * Someone stands at the recorder: the window opens for 15 minutes and tries begin anew. The printed label counts again, or a new code is made.
   * @throws AgentError pairing.owned
   */
  press(options: PressOptions = {}): Promise<Pressed> {
    return this.#queue.run('pairing', async () => {
      if (this.#parts.isOwned()) throw refusal('owned');
      const before = this.#memory;
      const tries = options.keepsTries === true ? before.tries : NO_FAILS;
      if (before.label !== null && options.newCode !== true) {
        await this.#arm({ label: before.label, once: null, armed: 'label', purpose: 'own', tries });
        return { armed: 'label', code: null };
      }
      const { code, kept } = await makeCode();
      await this.#arm({ label: before.label, once: kept, armed: 'once', purpose: 'own', tries });
      return { armed: 'once', code };
    });
  }

  /**
   * For an owned recorder and its console only: for 15 minutes, whoever has the code that is returned (nine characters, to be shown once) adds
   * one device to the owner's. @throws AgentError pairing.not_owned
   */
  openJoin(): Promise<string> {
    return this.#queue.run('pairing', async () => {
      if (!this.#parts.isOwned()) throw refusal('not_owned');
      const epoch = this.#parts.epoch();
      const { code, kept } = await makeCode();
      await this.#arm({ label: this.#memory.label, once: kept, armed: 'once', purpose: 'join', tries: NO_FAILS });
      this.#joinEpoch = epoch;
      return code;
    });
  }

  /**
   * The factory label: its code (nine characters) exists in this answer only and is never shown again. It counts at once, and again after every
   * press. `again`: although there is a label, which is worthless from then on. @throws AgentError pairing.owned | label_exists
   */
  makeLabel(options: { readonly again?: boolean } = {}): Promise<string> {
    return this.#queue.run('pairing', async () => {
      if (this.#parts.isOwned()) throw refusal('owned');
      if (this.#memory.label !== null && options.again !== true) throw refusal('label_exists');
      const { code, kept } = await makeCode();
      await this.#arm({ label: kept, once: null, armed: 'label', purpose: 'own', tries: NO_FAILS });
      return code;
    });
  }

  /** After a hand-over or reset: no code counts until the next press. Rejects when that could not be stored; it holds until the next start anyway. */
  retire(): Promise<void> {
    return this.#queue.run('pairing', () => this.#settle(disarmed(this.#memory)));
  }

  /** Whether a try may begin now or after a wait, on either way. */
  get isOpen(): boolean {
    return this.#leftMs() !== undefined;
  }

  /** Whole seconds until the window closes if nobody tries, on the way that stays open longer; 0 when it is shut. */
  get openForS(): number {
    return Math.ceil((this.#leftMs() ?? 0) / 1000);
  }

  /** What the code that counts is good for; only of meaning while `isOpen`. */
  get purpose(): Purpose {
    return this.#memory.purpose;
  }

  /** Which code counts: the printed one, one that was shown once, or none. */
  get armed(): CodeMemory['armed'] {
    return this.#memory.armed;
  }

  /** Never rejects: whatever goes wrong is an answer. `remote`: keyed hash of the asker's address where it is known, for the operation log. */
  async handle(request: PairRequest, way: PairingWay, remote?: string): Promise<PairAnswer> {
    const from = { way, remote };
    try {
      if (request.t === 'pair.hello') return this.#params(request.sid, from);
      if (request.t === 'pair.start') return await this.#respond(request, from);
      return await this.#queue.run('pairing', () => this.#finish(request, from));
    } catch (error) {
      return this.#errorAnswer(request.sid, way, error);
    }
  }

  #params(sid: string, from: PairingOrigin): PairAnswer {
    const code = this.#permitted(from);
    const { purpose, tries } = this.#memory;
    const { operator } = this.#parts;
    const left = triesLeft(tries, from.way);
    return { t: 'pair.params', v: 1, sid, salt: toBase64url(code.salt), kdf: KEY_DERIVATION, left, purpose, operator };
  }

  async #respond(request: Extract<PairRequest, { t: 'pair.start' }>, from: PairingOrigin): Promise<PairAnswer> {
    const { verifier, slot, left, generation } = await this.#queue.run('pairing', () => this.#charge(from));
    try {
      const ids = { context: PAIRING_CONTEXT, prover: request.app, verifier: this.#parts.serial };
      const { shareV, keys } = await slot.respond(ids, verifier, exactBytes(request.shareP));
      const { sid } = request;
      const named = await deviceNamed(this.#parts, { keys, sid });
      if (generation !== this.#generation) throw refusal('closed');
      this.#exchanges.remember(from.way, sid, { keys, startedMs: this.#parts.clock.monotonicMs() });
      return { t: 'pair.resp', v: 1, sid, shareV: toBase64url(shareV), confirmV: toBase64url(keys.confirmVerifier), ...named, left };
    } finally {
      slot.release();
    }
  }

  /** Charged and on the disk before anything is computed: the answer already lets the asker test one code. A full house charges nothing. */
  async #charge(from: PairingOrigin): Promise<Charged> {
    const { way } = from;
    const { verifier } = this.#permitted(from);
    const slot = this.#parts.spake.reserve();
    try {
      this.#memory = { ...this.#memory, tries: charge(this.#memory.tries, way) };
      this.#lastTryMs[way] = this.#parts.clock.monotonicMs();
      await this.#parts.codeFile.save(this.#memory);
    } catch (error) {
      slot.release();
      throw error;
    }
    this.#parts.onTry({ ...from, result: 'failed', code: 'pairing.tried' });
    return { verifier, slot, left: triesLeft(this.#memory.tries, way), generation: this.#generation };
  }

  async #finish(request: Extract<PairRequest, { t: 'pair.fin' }>, from: PairingOrigin): Promise<PairAnswer> {
    const { sid } = request;
    const { way } = from;
    const { purpose } = this.#memory;
    const keys = this.#exchanges.take(way, sid, this.#parts.clock.monotonicMs());
    if (purpose === 'own' && this.#parts.isOwned()) throw refusal('owned');
    if (keys === undefined) throw refusal('closed');
    if (!sameBytes(keys.confirmProver, exactBytes(request.confirmP))) throw refusal('wrong_code');
    try {
      await this.#accept(keys, request, from, purpose);
    } catch (error) {
      await this.#giveBack(way);
      throw error;
    }
    // From here on the owner is installed, whatever else fails: the app must hear so.
    await this.#settle(disarmed(this.#memory)).catch((error: unknown) => this.#couldNotForget(error));
    return { t: 'pair.done', v: 1, sid, box: await deviceBox(this.#parts, { keys, sid, way }) };
  }

  async #accept(keys: SharedKeys, request: Extract<PairRequest, { t: 'pair.fin' }>, from: PairingOrigin, purpose: Purpose): Promise<void> {
    const owner = await readClaim(this.#parts, { keys, sid: request.sid, way: from.way }, request.box);
    const { key, kid, deviceName, consent } = owner;
    if (purpose === 'own') await this.#parts.install(owner, from);
    else await this.#parts.join({ key, kid, deviceName, by: consent.by, epoch: this.#joinEpoch }, from);
  }

  /** Whoever proved the code did not guess: the try that led to nothing (another text, a full disk) is not counted. */
  async #giveBack(way: PairingWay): Promise<void> {
    this.#memory = { ...this.#memory, tries: refund(this.#memory.tries, way) };
    await this.#parts.codeFile.save(this.#memory).catch((error: unknown) => {
      this.#parts.log.warn('a try that was no guess stays counted', { error });
    });
  }

  /** A code counts from now on, and the window is open. On the disk first: a code that a power cut forgets must not have been shown. */
  async #arm(next: CodeMemory): Promise<void> {
    await this.#parts.codeFile.save(next);
    this.#memory = next;
    this.#generation += 1;
    this.#exchanges.clear();
    this.#openedMs = this.#parts.clock.monotonicMs();
  }

  /** No code counts from now on, whether or not it can be stored: what is left over on the disk dies with the next start. */
  async #settle(next: CodeMemory): Promise<void> {
    this.#memory = next;
    this.#generation += 1;
    this.#exchanges.clear();
    this.#openedMs = undefined;
    await this.#parts.codeFile.save(next);
  }

  #couldNotForget(error: unknown): void {
    this.#parts.log.error('the used verification code could not be taken off the disk; it counts no more all the same', { error });
  }

  /** The code that counts, when a try may begin now. @throws AgentError pairing.closed | locked | wait | owned */
  #permitted(from: PairingOrigin): KeptCode {
    const verdict = mayTry(this.#memory.tries, this.#facts(from.way));
    if (!verdict.may) {
      this.#tellRefusal(from, `pairing.${verdict.code}`);
      throw refusal(verdict.code, { retryS: verdict.retryS });
    }
    const code = armedCode(this.#memory);
    if (code === null) throw refusal('closed');
    return code;
  }

  /** Anybody may knock as often as he likes; the log of acts must not be filled by it. */
  #tellRefusal(from: PairingOrigin, code: string): void {
    const { way } = from;
    const nowMs = this.#parts.clock.monotonicMs();
    const toldMs = this.#refusalsToldMs.get(`${way} ${code}`);
    if (toldMs !== undefined && nowMs - toldMs < REFUSAL_PERIOD_MS) return;
    this.#refusalsToldMs.set(`${way} ${code}`, nowMs);
    this.#parts.onTry({ ...from, result: 'refused', code });
  }

  #leftMs(): number | undefined {
    const { tries } = this.#memory;
    const left = WAYS.flatMap((way) => {
      const facts = this.#facts(way);
      const verdict = mayTry(tries, facts);
      return verdict.may || verdict.code === 'wait' ? (windowLeftMs(tries, facts) ?? []) : [];
    });
    return left.length === 0 ? undefined : Math.max(...left);
  }

  #facts(way: PairingWay): TryFacts {
    const nowMs = this.#parts.clock.monotonicMs();
    return {
      way,
      purpose: this.#memory.purpose,
      isOwned: this.#parts.isOwned(),
      hasCode: armedCode(this.#memory) !== null,
      openForMs: this.#openedMs === undefined ? undefined : nowMs - this.#openedMs,
      sinceLastTryMs: nowMs - this.#lastTryMs[way],
    };
  }

  #errorAnswer(sid: string, way: PairingWay, thrown: unknown): PairAnswer {
    const error = asAgentError(thrown, refusal('failed'));
    if (error.code === 'pairing.failed') this.#parts.log.error('pairing failed', { error: thrown });
    else this.#parts.log.warn('pairing refused', { reason: error.code, way });
    const retryS = typeof error.detail.retryS === 'number' ? error.detail.retryS : 0;
    const left = armedCode(this.#memory) === null ? 0 : triesLeft(this.#memory.tries, way);
    return { t: 'pair.err', v: 1, sid, code: error.code, say: error.say, fix: error.fix, retryS, left };
  }
}
