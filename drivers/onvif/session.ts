import { randomBytes } from 'node:crypto';
import { parseChallenges } from '../digest.js';
import { type DriverClock, DriverError, type Login } from '../port.js';
import type { CameraAccess } from './access.js';
import type { Reached } from './address.js';
import { faultError, readFault } from './fault.js';
import { buildEnvelope, parseXml } from './soap.js';
import type { HttpAnswer, HttpTransport } from './transport.js';
import { usernameToken } from './wsse.js';

/** One operation. All that are used may be sent twice without harm, so a broken kept connection is answered by sending again. */
export interface OnvifCall {
  /** Path and query on the reached host. */
  readonly path: string;
  /** Namespace of the service, as in the SOAP action. */
  readonly service: string;
  readonly name: string;
  readonly body: string;
}

/** What a session is made with; `access` outlives it. */
export interface SessionParts {
  readonly clock: DriverClock;
  readonly reached: Reached;
  readonly login: Login | undefined;
  readonly access: CameraAccess;
  readonly transport: HttpTransport;
}

/** Answer to a call without login: either content or refusal is there. */
export interface OpenAnswer {
  readonly content: unknown;
  readonly refusal: DriverError | undefined;
  /** HTTP date of the answer, ms since 1970. */
  readonly dateAt: number | undefined;
}

interface Sent {
  readonly answer: HttpAnswer;
  readonly hadDigest: boolean;
}

/** More rounds than any camera needs: token, challenge, fresh nonce, other clock. */
const MAX_ROUNDS = 4;

/** Speaks ONVIF to one camera: authentication negotiated and remembered, faults typed. */
export class OnvifSession {
  /** Camera's clock minus ours in ms: WS-Security is judged by the camera's clock. */
  offsetMs = 0;
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    parts.access.useLogin(parts.login);
  }

  get hasLogin(): boolean {
    return this.#parts.login !== undefined;
  }

  close(): void {
    this.#parts.transport.close();
  }

  /** Content of the `<Name>Response` element. Throws DriverError. */
  async call(call: OnvifCall, signal: AbortSignal): Promise<unknown> {
    const { access, login } = this.#parts;
    if (login === undefined) return this.#read(call, (await this.#send(call, undefined, signal)).answer);
    access.assertOpen();
    for (let round = 1; ; round += 1) {
      const { answer, hadDigest } = await this.#send(call, login, signal);
      try {
        const content = await this.#read(call, answer);
        access.accepted();
        return content;
      } catch (error) {
        if (!(error instanceof DriverError) || error.code !== 'camera.unauthorized') throw error;
        const isTls = this.#parts.reached.scheme === 'https:';
        const isWorthIt = access.takeUp(parseChallenges(answer.challenges), login, isTls, hadDigest);
        if (!isWorthIt || round >= MAX_ROUNDS) throw access.refused(error);
      }
    }
  }

  /** Without login: what every camera should answer to anyone. Hands out the HTTP date too, a refused caller's only clock. */
  async callOpenly(call: OnvifCall, signal: AbortSignal): Promise<OpenAnswer> {
    const { answer } = await this.#send(call, undefined, signal);
    try {
      return { content: await this.#read(call, answer), refusal: undefined, dateAt: answer.dateAt };
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'camera.unauthorized') throw error;
      return { content: undefined, refusal: error, dateAt: answer.dateAt };
    }
  }

  /** Once more when a kept connection turned out to be dead: cameras close them without saying so. */
  async #send(call: OnvifCall, login: Login | undefined, signal: AbortSignal): Promise<Sent> {
    try {
      return await this.#sendOnce(call, login, signal);
    } catch (error) {
      if (!(error instanceof DriverError) || error.detail.isStale !== true) throw error;
      return this.#sendOnce(call, login, signal);
    }
  }

  async #sendOnce(call: OnvifCall, login: Login | undefined, signal: AbortSignal): Promise<Sent> {
    const { access, clock, transport } = this.#parts;
    const isToken = login !== undefined && access.method === 'wsse';
    // Made anew for every sending, the second one included: cameras refuse a nonce that they have seen.
    const security = isToken ? usernameToken(login, clock.now() + this.offsetMs, randomBytes(16)) : '';
    const body = buildEnvelope(call.body, security);
    const authorization = login === undefined || isToken ? {} : access.authorization('POST', call.path, login, body);
    const headers = { 'Content-Type': `application/soap+xml; charset=utf-8; action="${call.service}/${call.name}"`, ...authorization };
    const answer = await transport.post({ path: call.path, body, headers, signal });
    return { answer, hadDigest: access.method === 'digest' && 'Authorization' in headers };
  }

  async #read(call: OnvifCall, answer: HttpAnswer): Promise<unknown> {
    const trimmed = answer.body.trimStart();
    const facts = { http: answer.status, operation: call.name };
    if (!trimmed.startsWith('<') || /^<(!doctype )?html/i.test(trimmed)) throw notSoap(answer, facts);
    const envelope = await parseXml(answer.body);
    const fault = readFault(envelope);
    if (fault !== undefined) throw faultError(fault, answer.status);
    const body = (envelope as { Body?: unknown } | null)?.Body;
    if (body === undefined) throw new DriverError('camera.not_onvif', 'the answer is XML, but not SOAP', { detail: facts });
    if (answer.status === 401) throw new DriverError('camera.unauthorized', 'the camera answered 401', { detail: facts });
    const name = `${call.name}Response`;
    if (typeof body !== 'object' || body === null || !(name in body)) {
      throw new DriverError('camera.bad_answer', `the answer holds no ${name}`, { detail: facts });
    }
    // An element without content parses as an empty text: here it is an answer without fields.
    const content = (body as Record<string, unknown>)[name];
    return content === '' ? {} : content;
  }
}

function notSoap(answer: HttpAnswer, detail: Readonly<Record<string, unknown>>): DriverError {
  if (answer.status === 401 || answer.status === 403) {
    return new DriverError('camera.unauthorized', `the camera answered ${answer.status}`, { detail });
  }
  if (answer.body.trim() === '' && answer.status < 300) return new DriverError('camera.bad_answer', 'the answer is empty', { detail });
  if (answer.status >= 500) return new DriverError('camera.bad_answer', `the camera answered ${answer.status}`, { detail });
  return new DriverError('camera.not_onvif', `the answer is not ONVIF (HTTP ${answer.status})`, { detail });
}
