/**
 * HTTP and RTSP authentication as cameras speak it: the challenge parser, Digest (RFC 7616, and RFC 2617/2069 for old devices) and
 * Basic for connections that are already encrypted. Nothing here sends anything; header values are latin1 strings, one character
 * per byte, as node:http delivers them, so that a realm in UTF-8 is hashed byte for byte as the camera wrote it.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Login } from './port.js';

/** One challenge of a WWW-Authenticate header: scheme in lower case, parameter names in lower case, values unquoted. */
export interface AuthChallenge {
  readonly scheme: string;
  readonly params: ReadonlyMap<string, string>;
}

/** A Digest challenge we can answer. */
export interface DigestChallenge {
  readonly hash: 'md5' | 'sha256';
  /** The -sess variants mix nonce and cnonce into the key. */
  readonly isSession: boolean;
  /** As the camera spelled it, to be echoed; undefined when it named none (then MD5). */
  readonly algorithm: string | undefined;
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** Undefined is the form of RFC 2069. */
  readonly qop: 'auth' | 'auth-int' | undefined;
  /** The login was right, only the nonce too old: ask again with this one before calling the password wrong. */
  readonly isStale: boolean;
  readonly mayHashUser: boolean;
  readonly isUtf8: boolean;
}

/** Answers one challenge for as long as the camera accepts its nonce; counts the requests itself. */
export interface DigestSession {
  /**
   * The Authorization value for one request. `uri` is what stands in the request line (RTSP: the absolute URI; HTTP: path and query).
   * `body` matters only for a camera that insists on auth-int.
   */
  authorize(method: string, uri: string, body?: Uint8Array): string;
}

/** Longer headers are cut: no camera needs more, and the parser's work stays bounded. */
const MAX_HEADER_CHARS = 16_384;
const ALGORITHMS: ReadonlyMap<string, { hash: 'md5' | 'sha256'; isSession: boolean; strength: number }> = new Map([
  ['SHA-256', { hash: 'sha256', isSession: false, strength: 4 }],
  ['SHA-256-SESS', { hash: 'sha256', isSession: true, strength: 3 }],
  ['MD5', { hash: 'md5', isSession: false, strength: 2 }],
  ['MD5-SESS', { hash: 'md5', isSession: true, strength: 1 }],
]);

const isTokenChar = (char: string | undefined): boolean => char !== undefined && /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char);
const isSpace = (char: string | undefined): boolean => char === ' ' || char === '\t';

/** A cursor over one header value; every step moves forward, so the parser ends on any input. */
class Cursor {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text.slice(0, MAX_HEADER_CHARS);
  }

  get isDone(): boolean {
    return this.at >= this.text.length;
  }

  peek(): string | undefined {
    return this.text[this.at];
  }

  skip(count = 1): void {
    this.at += count;
  }

  skipSpaces(): void {
    while (isSpace(this.peek())) this.at += 1;
  }

  token(): string {
    const start = this.at;
    while (isTokenChar(this.peek())) this.at += 1;
    return this.text.slice(start, this.at);
  }

  /** token68 data such as `Negotiate YII=`: passed over, since no such scheme is answered here. */
  skipToken68(): void {
    const match = /^[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)/.exec(this.text.slice(this.at));
    if (match !== null) this.at += match[0].length;
  }

  /** A quoted string, or everything up to the next comma: some cameras forget the quotes around a realm with spaces. */
  value(): string {
    if (this.peek() !== '"') {
      const comma = this.text.indexOf(',', this.at);
      const end = comma < 0 ? this.text.length : comma;
      const value = this.text.slice(this.at, end).trim();
      this.at = end;
      return value;
    }
    this.at += 1;
    let value = '';
    while (!this.isDone) {
      let char = this.text[this.at++] ?? '';
      if (char === '"') break;
      if (char === '\\' && !this.isDone) char = this.text[this.at++] ?? '';
      value += char;
    }
    return value;
  }
}

function parseHeader(header: string, into: AuthChallenge[]): void {
  const cursor = new Cursor(header);
  let params: Map<string, string> | undefined;
  while (!cursor.isDone) {
    const word = cursor.token();
    if (word === '') {
      cursor.skip();
      continue;
    }
    cursor.skipSpaces();
    if (cursor.peek() === '=') {
      cursor.skip();
      cursor.skipSpaces();
      const value = cursor.value();
      const name = word.toLowerCase();
      if (params !== undefined && !params.has(name)) params.set(name, value);
    } else {
      params = new Map();
      into.push({ scheme: word.toLowerCase(), params });
      cursor.skipToken68();
    }
  }
}

/** Reads one or several WWW-Authenticate values, each with one or several challenges. Never throws; what is broken is passed over. */
export function parseChallenges(headers: string | readonly string[] | undefined): readonly AuthChallenge[] {
  const found: AuthChallenge[] = [];
  const list = headers === undefined ? [] : typeof headers === 'string' ? [headers] : headers;
  for (const header of list) parseHeader(header, found);
  return found;
}

/** `auth` where offered (it needs no body), undefined for none offered, 'unknown' for nothing we know. */
function chooseQop(offered: string | undefined): 'auth' | 'auth-int' | undefined | 'unknown' {
  const words = (offered ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  if (words.length === 0) return undefined;
  if (words.includes('auth')) return 'auth';
  return words.includes('auth-int') ? 'auth-int' : 'unknown';
}

/** The strongest Digest challenge we can answer (SHA-256 before MD5), or undefined. */
export function pickDigest(challenges: readonly AuthChallenge[]): DigestChallenge | undefined {
  let best: DigestChallenge | undefined;
  let bestStrength = 0;
  for (const { scheme, params } of challenges) {
    const algorithm = params.get('algorithm');
    const known = ALGORITHMS.get((algorithm ?? 'MD5').toUpperCase());
    const nonce = params.get('nonce');
    const qop = chooseQop(params.get('qop'));
    if (scheme !== 'digest' || known === undefined || nonce === undefined || qop === 'unknown' || known.strength <= bestStrength) continue;
    bestStrength = known.strength;
    best = {
      hash: known.hash,
      isSession: known.isSession,
      algorithm,
      realm: params.get('realm') ?? '',
      nonce,
      opaque: params.get('opaque'),
      qop,
      isStale: params.get('stale')?.toLowerCase() === 'true',
      mayHashUser: params.get('userhash')?.toLowerCase() === 'true',
      isUtf8: params.get('charset')?.toUpperCase() === 'UTF-8',
    };
  }
  return best;
}

/** Whether Basic is among the challenges. Only callers on TLS may answer it: it carries the password itself. */
export function offersBasic(challenges: readonly AuthChallenge[]): boolean {
  return challenges.some(({ scheme }) => scheme === 'basic');
}

/** The Authorization value of RFC 7617 (UTF-8). It contains the password: for encrypted connections only. */
export function basicAuthorization(login: Login): string {
  return `Basic ${Buffer.from(`${login.user}:${login.password.reveal()}`, 'utf8').toString('base64')}`;
}

/** 128 random bits in hex, to be handed to `createDigest`. */
export function makeCnonce(): string {
  return randomBytes(16).toString('hex');
}

// A quoted-string for a header: escapes quotes and drops control characters, so that no value can start a new header line.
const quoted = (value: string): string => {
  const clean = [...value].filter((char) => char >= ' ' && char !== '\x7f').join('');
  return `"${clean.replace(/["\\]/g, '\\$&')}"`;
};

/** The user as the header carries it: hashed if the camera offers that, extended notation for UTF-8, else its bytes as they are. */
function userFields(challenge: DigestChallenge, user: string): readonly string[] {
  if (challenge.mayHashUser) {
    const hash = createHash(challenge.hash).update(user, 'utf8').update(`:${challenge.realm}`, 'latin1').digest('hex');
    return [`username="${hash}"`, 'userhash=true'];
  }
  const isAscii = [...user].every((char) => char < '\x80');
  if (challenge.isUtf8 && !isAscii) {
    const encoded = encodeURIComponent(user).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
    return [`username*=UTF-8''${encoded}`];
  }
  return [`username=${quoted(Buffer.from(user, 'utf8').toString('latin1'))}`];
}

/**
 * Answers a Digest challenge. `cnonce` comes from the caller (`makeCnonce()`, a fixed one in tests) and stays the same for the
 * session, which is what the -sess algorithms ask for; the nonce counter makes each answer different. The password is revealed
 * only while an answer is computed.
 */
export function createDigest(challenge: DigestChallenge, login: Login, cnonce: string): DigestSession {
  const { realm, nonce, opaque, qop, algorithm } = challenge;
  const digest = (...parts: readonly (string | Uint8Array)[]): string => {
    const hash = createHash(challenge.hash);
    for (const part of parts) typeof part === 'string' ? hash.update(part, 'latin1') : hash.update(part);
    return hash.digest('hex');
  };
  const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');
  const user = userFields(challenge, login.user);
  let count = 0;

  return {
    authorize(method, uri, body = new Uint8Array(0)) {
      count += 1;
      const nc = count.toString(16).padStart(8, '0');
      const plain = digest(utf8(login.user), `:${realm}:`, utf8(login.password.reveal()));
      const a1 = challenge.isSession ? digest(`${plain}:${nonce}:${cnonce}`) : plain;
      const a2 = qop === 'auth-int' ? digest(`${method}:${uri}:${digest(body)}`) : digest(`${method}:${uri}`);
      const response = qop === undefined ? digest(`${a1}:${nonce}:${a2}`) : digest(`${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`);
      const fields = [...user, `realm=${quoted(realm)}`, `nonce=${quoted(nonce)}`, `uri=${quoted(uri)}`];
      if (algorithm !== undefined) fields.push(`algorithm=${algorithm}`);
      fields.push(`response="${response}"`);
      if (opaque !== undefined) fields.push(`opaque=${quoted(opaque)}`);
      if (qop !== undefined) fields.push(`qop=${qop}`, `nc=${nc}`);
      if (qop !== undefined || challenge.isSession) fields.push(`cnonce=${quoted(cnonce)}`);
      return `Digest ${fields.join(', ')}`;
    },
  };
}
