import { scryptAsync } from '@noble/hashes/scrypt.js';
import { parseGuarded } from '../../../agent/contract/guard.js';
import { type Signer, signStatement, thumbprint, verifyStatement } from '../../../agent/contract/jws.js';
import {
  closeBox,
  DeviceBox,
  deviceMac,
  KEY_DERIVATION,
  type OwnerBox,
  openBox,
  PAIRING_CONTEXT,
  PairAnswer,
  PairProof,
  type PairRequest,
} from '../../../agent/contract/pairing.js';
import { type PublicJwk, parseShape } from '../../../agent/contract/shapes.js';
import { newScalar, proverFinish, proverShare, type SharedKeys, sameBytes, splitPasswordKey } from '../../../agent/contract/spake2plus.js';
import type { Consent, Operator, Person } from '../../../agent/contract/statements.js';
import { fromBase64url, newId, toBase64url, utf8 } from '../../../agent/contract/text.js';
import { type TopicScope, topics } from '../../../agent/contract/topics.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import { signConsent } from './consent.js';
import { pairingRefusal } from './pairing-refusal.js';
import type { RelayTransport } from './transport.js';

/** Which recorder is paired, over what, with which code. */
export interface PairParts {
  readonly transport: RelayTransport;
  readonly scope: TopicScope;
  /** Nine characters, already read by readCode. */
  readonly code: string;
  /** 80 bytes from code and salt; default scrypt in plain JavaScript (about 0.3 s). */
  readonly derive?: (code: string, salt: Uint8Array) => Promise<Uint8Array>;
}

/** Who becomes the owner: their key, what they called the site, themselves and the device that holds the key, and as what they come. */
export interface OwnerPart {
  readonly owner: Signer;
  readonly ownerKey: PublicJwk;
  readonly deviceName: string;
  readonly site: string;
  readonly person: Person;
  readonly role: Consent['role'];
}

/** What the recorder told of itself under the exchange's key. `recorderAt` is its clock, ms since 1970. */
export interface Paired {
  readonly deviceKey: PublicJwk;
  readonly sealKey: PublicJwk;
  readonly epoch: number;
  readonly boot: string;
  readonly recorderAt: number;
}

/** The code was right and the recorder knows it too; nothing is installed until `finish`. */
export interface PairingAttempt {
  /** `own`: this key becomes the owner's first; `join`: one more device of the owner that the recorder has. */
  readonly purpose: 'own' | 'join';
  /**
   * With whom the recorder says it is connected; null: with nobody. It was told before the two sides had proven anything, so it is only good
   * for showing and agreeing to: the recorder refuses a consent that names another one.
   */
  readonly operator: Operator | null;
  /** Thumbprint of the recorder's key, proven by the code: known before the recorder knows the owner's, should its last answer be lost. */
  readonly deviceKey: string;
  /** Signs the consent, proves both sides to each other and makes this key the owner's. */
  finish(part: OwnerPart): Promise<Paired>;
  cancel(): void;
}

const derivePassword = (code: string, salt: Uint8Array): Promise<Uint8Array> =>
  scryptAsync(utf8(code), salt, { N: KEY_DERIVATION.N, r: KEY_DERIVATION.r, p: KEY_DERIVATION.p, dkLen: 80 });

/**
 * The app's half of pairing over a relay that may be hostile. Resolves once the recorder has proven that it knows the code's verifier.
 * Rejects with pairing.wrong_code (detail.left: tries that remain), pairing.closed | locked | wait | bad_message, client.timeout.
 */
export async function pair(parts: PairParts): Promise<PairingAttempt> {
  const channel = new PairChannel(parts.transport, parts.scope);
  try {
    await channel.open();
    const app = newId();
    const params = await channel.ask({ t: 'pair.hello', v: 1, sid: channel.sid, app }, 'pair.params');
    const key = await (parts.derive ?? derivePassword)(parts.code, fromBase64url(params.salt));
    const { w0, w1 } = splitPasswordKey(key);
    const x = newScalar(globalThis.crypto.getRandomValues(new Uint8Array(48)));
    const shareP = toBase64url(proverShare(w0, x));
    const response = await channel.ask({ t: 'pair.start', v: 1, sid: channel.sid, app, shareP }, 'pair.resp');
    const ids = { context: PAIRING_CONTEXT, prover: app, verifier: parts.scope.serial };
    const keys = proverFinish(ids, w0, w1, x, fromBase64url(response.shareV));
    if (!sameBytes(keys.confirmVerifier, fromBase64url(response.confirmV))) throw wrongCode(response.left);
    const { device } = response;
    const isBound = sameBytes(fromBase64url(response.deviceMac), fromBase64url(await deviceMac(keys.shared, channel.sid, device)));
    if (!isBound) throw notProven();
    const { purpose, operator } = params;
    const method = parts.transport.way === 'lan' ? 'code-lan' : 'code-relay';
    return {
      purpose,
      operator,
      deviceKey: device,
      finish: (part) =>
        finish(channel, { serial: parts.scope.serial, method, operator, device }, keys, part).finally(() => channel.close()),
      cancel: () => channel.close(),
    };
  } catch (error) {
    channel.close();
    throw error;
  }
}

interface Proven {
  readonly serial: string;
  readonly method: Consent['method'];
  readonly operator: Operator | null;
  readonly device: string;
}

async function finish(channel: PairChannel, proven: Proven, keys: SharedKeys, part: OwnerPart): Promise<Paired> {
  const { serial, method, operator } = proven;
  const transcript = toBase64url(keys.transcriptHash);
  const consent = await signConsent({ serial, method, operator, person: part.person, role: part.role, at: Date.now() }, part.owner);
  const box: OwnerBox = {
    owner: part.ownerKey,
    deviceName: part.deviceName,
    site: part.site,
    consent,
    proof: await signStatement('pair+jws', { v: 1, role: 'owner', dev: serial, transcript }, part.owner),
  };
  const sealed = await closeBox(keys.shared, 'owner', channel.sid, box);
  const done = await channel.ask(
    { t: 'pair.fin', v: 1, sid: channel.sid, confirmP: toBase64url(keys.confirmProver), box: sealed },
    'pair.done',
  );
  const device = parseShape(DeviceBox, parseGuarded(await openBox(keys.shared, 'device', channel.sid, done.box)));
  const proof = await verifyStatement(device.proof, 'pair+jws', device.device, PairProof);
  const isSame = (await thumbprint(device.device)) === proven.device;
  if (!isSame || proof.role !== 'device' || proof.transcript !== transcript || proof.dev !== serial) throw notProven();
  return { deviceKey: device.device, sealKey: device.seal, epoch: device.epoch, boot: device.boot, recorderAt: device.at };
}

type AnswerTo<Kind extends PairAnswer['t']> = Extract<PairAnswer, { t: Kind }>;

const HELLO_AGAIN_MS = 3_000;

/** One pairing session on its own pair of topics. */
class PairChannel {
  readonly sid = newId();
  readonly #transport: RelayTransport;
  readonly #scope: TopicScope;
  #stopListening: (() => void) | undefined;
  #waiting: ((answer: PairAnswer) => void) | undefined;

  constructor(transport: RelayTransport, scope: TopicScope) {
    this.#transport = transport;
    this.#scope = scope;
  }

  async open(): Promise<void> {
    const topic = topics.pairUp(this.#scope, this.sid);
    this.#stopListening = this.#transport.onMessage((at, payload) => {
      if (at !== topic) return;
      try {
        this.#waiting?.(parseShape(PairAnswer, parseGuarded(payload)));
      } catch {
        // Not an answer of a recorder: as if it had not come.
      }
    });
    await this.#transport.subscribe(topic);
  }

  async ask<Kind extends PairAnswer['t']>(request: PairRequest, expected: Kind): Promise<AnswerTo<Kind>> {
    const isHello = request.t === 'pair.hello';
    let timer: ReturnType<typeof setTimeout> | undefined;
    const answered = new Promise<PairAnswer>((resolve, reject) => {
      // A hello that was said twice is answered twice.
      this.#waiting = (answer) => void ((isHello || answer.t !== 'pair.params') && resolve(answer));
      timer = setTimeout(() => reject(noAnswer()), 15_000);
    });
    const send = (): Promise<void> => this.#transport.publish(topics.pairDown(this.#scope, this.sid), JSON.stringify(request));
    // A recorder that was switched on a moment ago may not be connected yet, and nothing waits for it at the relay. A hello costs no try.
    const again = isHello ? setInterval(() => void send().catch(() => undefined), HELLO_AGAIN_MS) : undefined;
    try {
      await Promise.all([send(), answered]);
      const answer = await answered;
      if (answer.t === 'pair.err') throw pairingRefusal(answer);
      if (answer.t !== expected || answer.sid !== this.sid) throw notProven();
      return answer as AnswerTo<Kind>;
    } finally {
      clearTimeout(timer);
      clearInterval(again);
      this.#waiting = undefined;
    }
  }

  close(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    if (this.#transport.isOnline) this.#transport.unsubscribe(topics.pairUp(this.#scope, this.sid)).catch(() => undefined);
  }
}

function wrongCode(left: number): AgentError {
  const tries = left === 1 ? '1 try' : `${left} tries`;
  return new AgentError({
    code: 'pairing.wrong_code',
    say: `This is not the code of this recorder. ${tries} left.`,
    fix: left > 0 ? 'Compare serial number and code with the label.' : 'Press the recorder’s button for 3 seconds, then try again.',
    detail: { left },
  });
}

function notProven(): AgentError {
  return new AgentError({
    code: 'pairing.bad_message',
    say: 'The recorder’s answer does not fit: somebody may sit in between.',
    fix: 'Start pairing again; if it happens again, pair from the recorder’s own network.',
  });
}

function noAnswer(): AgentError {
  return new AgentError({
    code: 'client.timeout',
    say: 'No recorder with this serial number answered.',
    fix: 'Check the serial number, and that the recorder is switched on and connected.',
    retryable: true,
  });
}
