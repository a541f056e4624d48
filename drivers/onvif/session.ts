import { randomBytes } from 'node:crypto';
import { parseChallenges } from '../digest.js';
import { type DriverClock, DriverError, type Login } from '../port.js';
import type { CameraAccess } from './access.js';
import type { Reached } from './address.js';
import { isAboutAction, readAnswer } from './answer.js';
import { CameraClock, type OpenAnswer } from './camera-clock.js';
import { buildEnvelope } from './soap.js';
import type { HttpAnswer, HttpRequest, HttpTransport } from './transport.js';
import { usernameToken } from './wsse.js';
import type { XmlReader } from './xml-reader.js';

/** One operation. */
export interface OnvifCall {
  /** Path and query on the reached host. */
  readonly path: string;
  /** Namespace of the service, as in the SOAP action. */
  readonly service: string;
  readonly name: string;
  readonly body: string;
  /** The rest is of services.ts, AskExtras. */
  readonly action?: string | undefined;
  readonly header?: string | undefined;
  readonly isRepeatable?: boolean | undefined;
  readonly isLongPoll?: boolean | undefined;
  readonly onText?: ((xml: string) => void) | undefined;
}

/** What a session is made with; `access` and `reader` outlive it. */
export interface SessionParts {
  readonly clock: DriverClock;
  readonly reached: Reached;
  readonly login: Login | undefined;
  readonly access: CameraAccess;
  readonly transport: HttpTransport;
  readonly reader: XmlReader;
}

/** More rounds than any camera needs: token, challenge, fresh nonce, other clock twice. */
const MAX_ROUNDS = 5;
/** Sent twice, these do harm or lose something; they get a connection of their own instead of a second sending. */
const ONCE =
  /^(?:Create|Add|Start|Subscribe|Find|RelativeMove|SendAuxiliaryCommand|SetPreset$|PullMessages|GetRecordingSearchResults|SystemReboot)/;

interface Outcome {
  readonly answer: HttpAnswer;
  readonly hadDigest: boolean;
  readonly content: unknown;
  readonly error: DriverError | undefined;
}

/** Speaks ONVIF to one camera: authentication negotiated and remembered, faults typed. */
export class OnvifSession {
  /** Of the camera, for dating tokens. */
  readonly time: CameraClock;
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.time = new CameraClock(parts.clock, parts.access, parts.reached.path);
    parts.access.useLogin(parts.login);
  }

  get hasLogin(): boolean {
    return this.#parts.login !== undefined;
  }

  close(): void {
    this.#parts.transport.close();
  }

  /** Asks the camera for its time; resolves with its offset to ours in ms. */
  askTime(signal: AbortSignal): Promise<number> {
    return this.time.ask(this, signal);
  }

  /** Content of the `<Name>Response` element. Throws DriverError. */
  async call(call: OnvifCall, signal: AbortSignal): Promise<unknown> {
    const { access, login, clock } = this.#parts;
    if (login !== undefined) access.assertOpen();
    for (let round = 1; ; round += 1) {
      const before = this.time.tokenAt() - clock.now();
      const { error, content, answer, hadDigest } = await this.#exchange(call, login, signal);
      if (error === undefined) {
        if (login !== undefined) access.accepted();
        return content;
      }
      if (error.code !== 'camera.unauthorized' || login === undefined) throw error;
      const isTls = this.#parts.reached.scheme === 'https:';
      const challenges = parseChallenges(answer.challenges);
      if (round < MAX_ROUNDS && access.takeUp(challenges, login, isTls, hadDigest)) continue;
      const refused = access.refused(access.worded(error, challenges, login, isTls));
      // The camera's time itself is asked without a token first: asking it again from here would go round in circles.
      const isTime = call.name === 'GetSystemDateAndTime';
      const mayBeTime = access.method === 'wsse' && !access.isLocked && !isTime && round < MAX_ROUNDS;
      if (!mayBeTime || !(await this.time.another(this, before, signal))) throw refused;
    }
  }

  /** Without login: what every camera should answer to anyone. Hands out the HTTP date too, a refused caller's only clock. */
  async callOpenly(call: OnvifCall, signal: AbortSignal): Promise<OpenAnswer> {
    const { error, content, answer } = await this.#exchange(call, undefined, signal);
    const isRefusal = error === undefined || ['camera.unauthorized', 'camera.unsupported', 'camera.refused'].includes(error.code);
    if (!isRefusal) throw error;
    return { content, refusal: error, dateAt: answer.dateAt };
  }

  /** Plain HTTP with the login, answering a challenge once; resolves with any status but 401. */
  async fetch(request: HttpRequest): Promise<HttpAnswer> {
    const { access, login, reached, transport } = this.#parts;
    if (login !== undefined) access.assertOpen();
    const isOnce = typeof request.body === 'object' && !(request.body instanceof Uint8Array);
    for (let round = 1; ; round += 1) {
      const authorization = login === undefined ? {} : access.webAuthorization(request.method, request.path, login);
      const wasSent = 'Authorization' in authorization;
      const answer = await transport.send({ ...request, lane: 'own', headers: { ...request.headers, ...authorization } });
      if (answer.status !== 401) {
        if (wasSent) access.accepted();
        return answer;
      }
      const isTls = reached.scheme === 'https:';
      const challenges = parseChallenges(answer.challenges);
      const isWorthIt = login !== undefined && access.takeUpWeb(challenges, login, isTls, wasSent);
      if (isWorthIt && !isOnce && round < 3) continue;
      const bare = new DriverError('camera.unauthorized', 'the camera answered 401', { detail: { http: 401 } });
      const error = login === undefined ? bare : access.worded(bare, challenges, login, isTls);
      throw wasSent ? access.refused(error) : error;
    }
  }

  /** One operation sent and read; once more without (or with) the action in its Content-Type while that is not settled. */
  async #exchange(call: OnvifCall, login: Login | undefined, signal: AbortSignal): Promise<Outcome> {
    const { access } = this.#parts;
    const first = await this.#send(call, login, signal);
    if (access.isActionSettled) return first;
    if (first.error === undefined || !isAboutAction(first.error)) {
      access.isActionSettled = first.error === undefined || first.error.detail.fault !== undefined;
      return first;
    }
    access.isActionNamed = !access.isActionNamed;
    const second = await this.#send(call, login, signal);
    if (second.error === undefined || !isAboutAction(second.error)) {
      access.isActionSettled = true;
      return second;
    }
    access.isActionNamed = !access.isActionNamed;
    return first;
  }

  async #send(call: OnvifCall, login: Login | undefined, signal: AbortSignal): Promise<Outcome> {
    const { answer, hadDigest } = await this.#post(call, login, signal);
    try {
      const content = await readAnswer(call.name, answer, this.#parts.reader, signal);
      call.onText?.(answer.bytes.toString('utf8'));
      return { answer, hadDigest, content, error: undefined };
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      return { answer, hadDigest, content: undefined, error };
    }
  }

  /** Once more when a kept connection turned out to be dead: cameras close them without saying so. */
  async #post(call: OnvifCall, login: Login | undefined, signal: AbortSignal): Promise<Pick<Outcome, 'answer' | 'hadDigest'>> {
    const isOnce = call.isLongPoll === true || !(call.isRepeatable ?? !ONCE.test(call.name));
    try {
      return await this.#postOnce(call, login, signal, isOnce ? 'own' : 'usual');
    } catch (error) {
      if (!(error instanceof DriverError) || error.detail.isStale !== true) throw error;
      return this.#postOnce(call, login, signal, 'own');
    }
  }

  async #postOnce(call: OnvifCall, login: Login | undefined, signal: AbortSignal, lane: 'usual' | 'own') {
    const { access, transport } = this.#parts;
    const isToken = login !== undefined && access.method === 'wsse';
    // Made anew for every sending, the second one included: cameras refuse a nonce that they have seen.
    const security = isToken ? usernameToken(login, this.time.tokenAt(), randomBytes(16)) : '';
    const body = buildEnvelope(call.body, security + (call.header ?? ''));
    const authorization = login === undefined || isToken ? {} : access.authorization('POST', call.path, login, body);
    const action = access.isActionNamed ? `; action="${call.action ?? `${call.service}/${call.name}`}"` : '';
    const headers = { 'Content-Type': `application/soap+xml; charset=utf-8${action}`, ...authorization };
    const answer = await transport.send({ method: 'POST', path: call.path, body, headers, signal, lane });
    return { answer, hadDigest: access.method === 'digest' && 'Authorization' in headers };
  }
}
