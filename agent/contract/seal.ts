import { CompactEncrypt, compactDecrypt, importJWK } from 'jose';
import { AgentError } from '../kernel/errors.js';
import { MAX_MESSAGE_BYTES } from './guard.js';
import type { PublicJwk } from './shapes.js';
import { fromUtf8, utf8 } from './text.js';

/**
 * Sealed letters: what travels over the relay is readable by its addressee only (JWE, RFC 7516: ECDH-ES on P-256, A256GCM).
 * The signature is inside; the relay sees a length and a topic.
 */
export async function seal(content: string, to: PublicJwk): Promise<string> {
  const key = await addressee(to);
  return new CompactEncrypt(utf8(content)).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' }).encrypt(key);
}

/**
 * That letters can be sealed to this key: to be asked before the act whose answer it is for.
 * @throws AgentError seal.bad_key when its numbers are no point of the curve
 */
export async function checkSealKey(to: PublicJwk): Promise<void> {
  await addressee(to);
}

const addressees = new Map<string, Promise<CryptoKey | Uint8Array>>();
const MOST_ADDRESSEES = 16;

/** A key is checked and then sealed to, and a recorder's own is sealed to again and again: the last ones are kept. */
function imported(to: PublicJwk): Promise<CryptoKey | Uint8Array> {
  const id = `${to.x}.${to.y}`;
  const known = addressees.get(id);
  if (known !== undefined) return known;
  if (addressees.size >= MOST_ADDRESSEES) addressees.delete(addressees.keys().next().value ?? '');
  const made = importJWK({ ...to }, 'ECDH-ES');
  addressees.set(id, made);
  made.catch(() => addressees.delete(id));
  return made;
}

async function addressee(to: PublicJwk): Promise<CryptoKey | Uint8Array> {
  try {
    return await imported(to);
  } catch (cause) {
    throw new AgentError({
      code: 'seal.bad_key',
      say: 'The key for the answer is not a key of P-256.',
      fix: 'Make a new key for the answer and send the message again.',
      cause,
    });
  }
}

/**
 * The content of a letter sealed to this key.
 * @throws AgentError seal.broken when it is for another key, was changed, or is not a letter
 */
export async function openSealed(letter: string, privateKey: CryptoKey): Promise<string> {
  try {
    const { plaintext } = await compactDecrypt(letter, privateKey, {
      keyManagementAlgorithms: ['ECDH-ES'],
      contentEncryptionAlgorithms: ['A256GCM'],
      // No compressed letters: a small one could unfold into a large one.
      maxDecompressedLength: 0,
    });
    if (plaintext.length <= MAX_MESSAGE_BYTES) return fromUtf8(plaintext);
  } catch (cause) {
    throw broken(cause);
  }
  throw broken('larger than a message may be');
}

function broken(cause: unknown): AgentError {
  return new AgentError({
    code: 'seal.broken',
    say: 'A sealed message could not be opened with this key.',
    fix: 'Fetch the recorder’s current status and send the message again.',
    retryable: true,
    cause,
  });
}
