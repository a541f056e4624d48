import { createHash } from 'node:crypto';
import {
  type AuthChallenge,
  basicAuthorization,
  createDigest,
  type DigestSession,
  makeCnonce,
  offersBasic,
  pickDigest,
} from '../digest.js';
import { type DriverClock, DriverError, type Login } from '../port.js';
import type { CertificatePin } from './pinned-agent.js';

/** After so many refusals nothing is sent any more: cameras lock the account, often for half an hour. */
const MAX_REFUSALS = 3;
const LOCK_MS = 5 * 60_000;

/** How a camera wants to be told who asks. */
export type AuthMethod = 'wsse' | 'digest' | 'basic';

/**
 * What is remembered of one camera address for as long as the agent runs, whoever connects to it: the way it authenticates, its
 * certificate, and the refusals, which must survive a new connection or the breaker would be none.
 */
export class CameraAccess {
  readonly pin: CertificatePin = { fingerprint: undefined };
  method: AuthMethod = 'wsse';
  /** Whether the Content-Type names the SOAP action: some cameras insist on it, some refuse it. */
  isActionNamed = true;
  /** Whether an answer has shown that the camera takes it so. */
  isActionSettled = false;
  /** By which clock tokens are dated: the time the camera says, its HTTP date, or ours. */
  clockChoice: 'said' | 'date' | 'ours' = 'said';
  readonly #clock: DriverClock;
  #digest: DigestSession | undefined;
  /** For plain GET and POST (snapshots, images): cameras keep nonces of their web server apart. */
  #web: DigestSession | 'basic' | undefined;
  #login = '';
  #refusals = 0;
  #lockedUntilMs = 0;

  constructor(clock: DriverClock) {
    this.#clock = clock;
  }

  /** Another login than before starts with a clean slate; asking without one changes nothing. Only a hash is kept. */
  useLogin(login: Login | undefined): void {
    if (login === undefined) return;
    const text = `${login.user}\0${login.password.reveal()}\0${login.mayBasic === true}`;
    const hash = createHash('sha256').update(text).digest('base64');
    if (hash === this.#login) return;
    this.#login = hash;
    this.#digest = undefined;
    this.#web = undefined;
    this.#refusals = 0;
    this.#lockedUntilMs = 0;
  }

  /** Whether the breaker is open. */
  get isLocked(): boolean {
    return this.#lockedUntilMs > this.#clock.monotonicMs();
  }

  /** Throws `camera.locked_out` while the breaker is open. */
  assertOpen(): void {
    const waitMs = this.#lockedUntilMs - this.#clock.monotonicMs();
    if (waitMs <= 0) return;
    throw new DriverError('camera.locked_out', 'too many refusals, waiting before the next try', { detail: { waitMs: Math.ceil(waitMs) } });
  }

  accepted(): void {
    this.#refusals = 0;
  }

  /** Counts a refusal; the error tells how many tries are left before we stop by ourselves. */
  refused(error: DriverError): DriverError {
    this.#refusals += 1;
    const triesLeft = Math.max(0, MAX_REFUSALS - this.#refusals);
    if (triesLeft === 0) {
      this.#lockedUntilMs = this.#clock.monotonicMs() + LOCK_MS;
      // After the pause there is one try, not three.
      this.#refusals = MAX_REFUSALS - 1;
    }
    return new DriverError(error.code, error.message, { cause: error, detail: { ...error.detail, triesLeft } });
  }

  /** The refusal as it is, or as one of ours: the device would take nothing but the password itself, and that is not for everybody. */
  worded(error: DriverError, challenges: readonly AuthChallenge[], login: Login, isTls: boolean): DriverError {
    const isWithheld = isTls && login.mayBasic !== true && offersBasic(challenges) && pickDigest(challenges) === undefined;
    if (!isWithheld) return error;
    const detail = { ...error.detail, isPasswordWithheld: true };
    return new DriverError('camera.unauthorized', 'the device wants the password itself', { cause: error, detail });
  }

  /**
   * Takes up what a refusing answer offers; true when the request is worth sending again in another way or with a fresh nonce.
   */
  takeUp(challenges: readonly AuthChallenge[], login: Login, isTls: boolean, wasDigestSent: boolean): boolean {
    const digest = pickDigest(challenges);
    if (digest !== undefined) {
      if (wasDigestSent && !digest.isStale) return false;
      this.#digest = createDigest(digest, login, makeCnonce());
      this.method = 'digest';
      return true;
    }
    if (isTls && login.mayBasic === true && offersBasic(challenges) && this.method !== 'basic') {
      this.method = 'basic';
      return true;
    }
    if (challenges.length === 0 && this.method !== 'wsse') {
      // Some cameras offer Digest once and then want the token inside the message after all.
      this.method = 'wsse';
      return true;
    }
    return false;
  }

  /** Authorization header for the next request; empty for WS-Security or when no challenge has been seen yet. */
  authorization(method: string, path: string, login: Login, body: string): Readonly<Record<string, string>> {
    // Whoever connects with a login that may not be told gains nothing from another that was.
    if (this.method === 'basic') return login.mayBasic === true ? { Authorization: basicAuthorization(login) } : {};
    if (this.method !== 'digest' || this.#digest === undefined) return {};
    return { Authorization: this.#digest.authorize(method, path, Buffer.from(body, 'utf8')) };
  }

  /** The same for plain HTTP beside SOAP; empty until a challenge was seen. */
  webAuthorization(method: string, path: string, login: Login): Readonly<Record<string, string>> {
    if (this.#web === undefined) return {};
    if (this.#web === 'basic') return login.mayBasic === true ? { Authorization: basicAuthorization(login) } : {};
    return { Authorization: this.#web.authorize(method, path) };
  }

  /** What plain HTTP answered 401 with; true when the request is worth sending (again) with an answer to it. */
  takeUpWeb(challenges: readonly AuthChallenge[], login: Login, isTls: boolean, wasSent: boolean): boolean {
    const digest = pickDigest(challenges);
    if (digest !== undefined && (!wasSent || digest.isStale)) {
      this.#web = createDigest(digest, login, makeCnonce());
      return true;
    }
    if (digest === undefined && isTls && login.mayBasic === true && offersBasic(challenges) && this.#web !== 'basic') {
      this.#web = 'basic';
      return true;
    }
    this.#web = undefined;
    return false;
  }
}
