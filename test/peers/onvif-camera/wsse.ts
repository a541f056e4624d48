/** WS-Security UsernameToken with password digest, checked as a strict camera checks it. */
import { createHash } from 'node:crypto';
import { type Account, isSameText } from './http-digest.js';
import { child, textAt, type XmlElement } from './xml.js';

const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const DIGEST_TYPE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest';
/** How far a client's clock may be off, either way. */
export const CLOCK_WINDOW_MS = 300_000;
const MAX_NONCES = 10_000;

export type TokenVerdict =
  | { readonly kind: 'none' }
  | { readonly kind: 'ok'; readonly account: Account }
  | { readonly kind: 'refused'; readonly reason: 'malformed' | 'clock' | 'password' | 'replay' };

export interface TokenVerifier {
  /** `header` is the envelope's Header. A nonce counts as used only with the right digest, so that nobody can burn those of others. */
  verify(header: XmlElement | undefined): TokenVerdict;
}

/** What a verifier asks; each at every token. */
export interface TokenRules {
  readonly accounts: () => readonly Account[];
  /** The camera's own clock in ms, skew included. */
  readonly now: () => number;
  /** Another window than CLOCK_WINDOW_MS. */
  readonly windowMs?: () => number;
  /** A nonce is used up by a refused token too. */
  readonly burnsNonces?: () => boolean;
}

export function createTokenVerifier(options: TokenRules): TokenVerifier {
  const used = new Map<string, number>();

  function isReplayed(nonce: string, at: number): boolean {
    for (const [old, usedAt] of used) {
      if (usedAt > at - 2 * CLOCK_WINDOW_MS && used.size <= MAX_NONCES) break;
      used.delete(old);
    }
    if (used.has(nonce)) return true;
    used.set(nonce, at);
    return false;
  }

  return {
    verify(header) {
      const security = child(header, 'Security', WSSE);
      if (security === undefined) return { kind: 'none' };
      const token = child(security, 'UsernameToken', WSSE);
      const password = child(token, 'Password', WSSE);
      const [user, nonceText, created] = [textAt(token, 'Username'), textAt(token, 'Nonce'), textAt(token, 'Created')];
      if (user === undefined || nonceText === undefined || created === undefined || password?.attributes.get('Type') !== DIGEST_TYPE) {
        return { kind: 'refused', reason: 'malformed' };
      }
      const nonce = Buffer.from(nonceText, 'base64');
      // UTC (SOAP Message Security 1.1, section 10), which xs:dateTime writes in more than one way.
      const createdAt = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]00:00)$/.test(created) ? Date.parse(created) : Number.NaN;
      if (nonce.length === 0 || Number.isNaN(createdAt)) return { kind: 'refused', reason: 'malformed' };
      const account = options.accounts().find((one) => one.user === user);
      const digest = createHash('sha1')
        .update(nonce)
        .update(created)
        .update(account?.password ?? '', 'utf8')
        .digest('base64');
      const isBurnt = options.burnsNonces?.() === true && isReplayed(nonceText, options.now());
      if (isBurnt) return { kind: 'refused', reason: 'replay' };
      if (account === undefined || !isSameText(digest, password.text.trim())) return { kind: 'refused', reason: 'password' };
      if (Math.abs(createdAt - options.now()) > (options.windowMs?.() ?? CLOCK_WINDOW_MS)) return { kind: 'refused', reason: 'clock' };
      if (options.burnsNonces?.() !== true && isReplayed(nonceText, options.now())) return { kind: 'refused', reason: 'replay' };
      return { kind: 'ok', account };
    },
  };
}
