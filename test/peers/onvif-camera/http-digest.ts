/** The server's side of Digest authentication (RFC 7616, and RFC 2069 for RTSP), strict about what it accepts. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type DigestAlgorithm = 'MD5' | 'SHA-256';

/** Someone who may log in. The levels are those of ONVIF's default access policy. */
export interface Account {
  readonly user: string;
  readonly password: string;
  readonly level: 'Administrator' | 'Operator' | 'User';
}

const NONCE_LIFE_MS = 300_000;
const MAX_NONCES = 1000;

const hashName = (algorithm: DigestAlgorithm): string => (algorithm === 'MD5' ? 'md5' : 'sha256');

/** Compares in a time that does not depend on where the texts differ. */
export function isSameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8')];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The parameters of a Digest header, names in lower case, values unquoted; undefined when it is something else or broken. */
export function parseDigest(header: string): ReadonlyMap<string, string> | undefined {
  const body = /^Digest +(.*)$/i.exec(header)?.[1];
  if (body === undefined || header.length > 4096) return undefined;
  const found = new Map<string, string>();
  const pattern = /\s*([A-Za-z*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)/gy;
  let end = 0;
  for (let match = pattern.exec(body); match !== null; match = pattern.exec(body)) {
    const name = (match[1] ?? '').toLowerCase();
    if (found.has(name)) return undefined;
    found.set(name, match[2] !== undefined ? match[2].replace(/\\(.)/g, '$1') : (match[3] ?? ''));
    end = pattern.lastIndex;
    if (end >= body.length) break;
  }
  return end >= body.length ? found : undefined;
}

/** How a DigestVerifier challenges. */
export interface DigestOptions {
  readonly realm: string;
  readonly algorithms: readonly DigestAlgorithm[];
  /** With qop each nonce count may be used once and must rise; without it the form of RFC 2069 is asked for, as RTSP cameras do. */
  readonly hasQop: boolean;
  /** Asked at each call, so that a changed password counts at once. */
  readonly accounts: () => readonly Account[];
  /** ms since 1970. */
  readonly now: () => number;
}

// Header values arrive as latin1; names and passwords are hashed as UTF-8 bytes.
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const hash = (algorithm: DigestAlgorithm, text: string): string => createHash(hashName(algorithm)).update(text, 'latin1').digest('hex');

/** Challenges and checks. */
export class DigestVerifier {
  readonly #options: DigestOptions;
  readonly #nonces = new Map<string, { readonly madeAt: number; count: number }>();

  constructor(options: DigestOptions) {
    this.#options = options;
  }

  /** WWW-Authenticate values, the strongest algorithm first. */
  challenges(isStale = false): readonly string[] {
    const { realm, algorithms, hasQop } = this.#options;
    const nonce = this.#makeNonce();
    const extra = `${hasQop ? ', qop="auth"' : ''}${isStale ? ', stale=true' : ''}`;
    const strongestFirst = [...algorithms].sort((a, b) => b.length - a.length);
    return strongestFirst.map((algorithm) => `Digest realm="${realm}", nonce="${nonce}", algorithm=${algorithm}${extra}`);
  }

  /** The account that proved its password; 'stale' when only the nonce is too old or used, undefined when refused. */
  verify(header: string, method: string, uri: string): Account | 'stale' | undefined {
    const params = parseDigest(header);
    if (params === undefined || !this.#isWellFormed(params, uri)) return undefined;
    const named = (params.get('algorithm') ?? 'MD5').toLowerCase();
    const algorithm = this.#options.algorithms.find((name) => name.toLowerCase() === named);
    const account = this.#options.accounts().find((one) => utf8(one.user) === params.get('username'));
    if (algorithm === undefined || account === undefined) return undefined;
    if (!isSameText(params.get('response') ?? '', this.#expected(params, account, algorithm, method))) return undefined;
    return this.#useNonce(params) ? account : 'stale';
  }

  #makeNonce(): string {
    const nonce = randomBytes(16).toString('hex');
    this.#nonces.set(nonce, { madeAt: this.#options.now(), count: 0 });
    for (const oldest of this.#nonces.keys()) {
      if (this.#nonces.size <= MAX_NONCES) break;
      this.#nonces.delete(oldest);
    }
    return nonce;
  }

  #useNonce(params: ReadonlyMap<string, string>): boolean {
    const nonce = this.#nonces.get(params.get('nonce') ?? '');
    if (nonce === undefined || this.#options.now() - nonce.madeAt > NONCE_LIFE_MS) return false;
    const count = this.#options.hasQop ? Number.parseInt(params.get('nc') ?? '0', 16) : nonce.count + 1;
    if (count <= nonce.count) return false;
    nonce.count = count;
    return true;
  }

  #expected(params: ReadonlyMap<string, string>, account: Account, algorithm: DigestAlgorithm, method: string): string {
    const get = (name: string): string => params.get(name) ?? '';
    const a1 = hash(algorithm, utf8(`${account.user}:${this.#options.realm}:${account.password}`));
    const a2 = hash(algorithm, `${method}:${get('uri')}`);
    const middle = this.#options.hasQop ? `${get('nonce')}:${get('nc')}:${get('cnonce')}:auth` : get('nonce');
    return hash(algorithm, `${a1}:${middle}:${a2}`);
  }

  #isWellFormed(params: ReadonlyMap<string, string>, uri: string): boolean {
    if (params.get('realm') !== this.#options.realm || params.get('uri') !== uri) return false;
    if (!this.#options.hasQop) return !params.has('qop');
    return params.get('qop') === 'auth' && /^[0-9a-f]{8}$/i.test(params.get('nc') ?? '') && (params.get('cnonce') ?? '') !== '';
  }
}
