/** Who may call what: WS-Security, HTTP Digest and Basic, as an orderly camera takes them and as the quirks have it. */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { type Account, type DigestVerifier, isSameText } from './http-digest.js';
import { type AccessClass, mayCall } from './operation.js';
import type { CameraQuirks } from './quirks.js';
import { SoapFault, type SoapRequest } from './soap.js';
import type { TokenVerifier } from './wsse.js';
import { child } from './xml.js';

/** An answer that is no SOAP. */
export class HttpProblem extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | undefined;

  constructor(status: number, headers: Readonly<Record<string, string | string[]>> = {}, body?: string) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** What the gate needs of the camera. */
export interface GateParts {
  readonly quirks: () => CameraQuirks;
  readonly accounts: () => readonly Account[];
  readonly digest: DigestVerifier;
  readonly tokens: TokenVerifier;
  /** A clock in ms that does not jump. */
  readonly now: () => number;
  readonly counters: { failedLogins: number; lockedLogins: number; clearPasswords: number };
  /** Basic is the only way in. */
  readonly basicOnly: boolean;
}

const NOT_AUTHORIZED = ['ter:NotAuthorized'];
const HTML_401 = '<html><head><title>401</title></head><body>Document Error: Unauthorized</body></html>';
const refused = (): SoapFault => new SoapFault('Sender', NOT_AUTHORIZED, 'Sender not authorized');

/** Lets requests in or throws what they are answered with. */
export class LoginGate {
  readonly #parts: GateParts;
  #failures = 0;
  #lockedUntil = 0;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** One SOAP request; `text` is its envelope as it came. */
  check(request: IncomingMessage, soap: SoapRequest, text: string, access: AccessClass): void {
    const quirks = this.#parts.quirks();
    const needsLogin = access !== 'PRE_AUTH' || (quirks.timeNeedsLogin && soap.operation === 'GetSystemDateAndTime');
    if (!needsLogin) return;
    const account = this.#account(request, soap, text, quirks);
    if (!mayCall(account.level, access)) throw new SoapFault('Sender', NOT_AUTHORIZED, 'This user may not do this');
  }

  /** The snapshot and the upload, behind the way of login that the camera has for them. */
  checkPlain(request: IncomingMessage): void {
    const { quirks, accounts } = this.#parts;
    if (this.#parts.basicOnly) this.#needBasic(request);
    else if (quirks().snapshotLogin === 'query') {
      const query = new URL(request.url ?? '/', 'http://camera').searchParams;
      const found = accounts().some((one) => one.user === query.get('usr') && one.password === query.get('pwd'));
      if (!found) throw new HttpProblem(401);
    } else if (quirks().snapshotLogin === 'basic') {
      this.#needBasic(request);
    } else this.#digestAccount(request);
  }

  #account(request: IncomingMessage, soap: SoapRequest, text: string, quirks: CameraQuirks): Account {
    if (this.#parts.basicOnly) return this.#needBasic(request);
    const hasToken = child(soap.header, 'Security') !== undefined;
    if (quirks.digestOnly && hasToken) throw this.#challenge(false, HTML_401);
    if (quirks.unprefixedSecurityOnly && hasToken && !/<Security[\s>]/.test(text)) throw refused();
    if (this.#isLocked(hasToken || request.headers.authorization !== undefined)) throw refused();
    const token = this.#parts.tokens.verify(soap.header);
    if (token.kind === 'refused') throw this.#failed(refused());
    if (token.kind === 'ok') {
      this.#failures = 0;
      if (quirks.tokenOnly || request.headers.authorization === undefined) return token.account;
    }
    if (quirks.tokenOnly) throw refused();
    return this.#digestAccount(request);
  }

  #digestAccount(request: IncomingMessage): Account {
    const found = this.#parts.digest.verify(request.headers.authorization ?? '', request.method ?? '', request.url ?? '');
    if (found === 'stale') throw this.#challenge(true);
    if (found === undefined) {
      const problem = this.#challenge(false, this.#parts.quirks().digestOnly ? HTML_401 : undefined);
      throw request.headers.authorization === undefined ? problem : this.#failed(problem);
    }
    this.#failures = 0;
    return found;
  }

  #needBasic(request: IncomingMessage): Account {
    const found = this.#basicAccount(request);
    if (found !== undefined) return found;
    throw new HttpProblem(401, { 'WWW-Authenticate': 'Basic realm="camera"' });
  }

  #basicAccount(request: IncomingMessage): Account | undefined {
    const encoded = /^Basic +([\w+/=]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (encoded !== undefined && !(request.socket instanceof TLSSocket)) this.#parts.counters.clearPasswords += 1;
    const plain = Buffer.from(encoded ?? '', 'base64').toString('utf8');
    return this.#parts.accounts().find((one) => isSameText(plain, `${one.user}:${one.password}`));
  }

  #challenge(isStale: boolean, body?: string): HttpProblem {
    const type = body === undefined ? {} : { 'Content-Type': 'text/html' };
    return new HttpProblem(401, { 'WWW-Authenticate': [...this.#parts.digest.challenges(isStale)], ...type }, body);
  }

  #failed<Problem extends Error>(problem: Problem): Problem {
    const { lockOut } = this.#parts.quirks();
    this.#parts.counters.failedLogins += 1;
    this.#failures += 1;
    if (lockOut !== undefined && this.#failures >= lockOut.afterFailures) this.#lockedUntil = this.#parts.now() + lockOut.forMs;
    return problem;
  }

  #isLocked(isLogin: boolean): boolean {
    const isLocked = this.#parts.now() < this.#lockedUntil;
    if (isLocked && isLogin) this.#parts.counters.lockedLogins += 1;
    return isLocked;
  }
}
