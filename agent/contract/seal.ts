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

async function addressee(to: PublicJwk): Promise<CryptoKey | Uint8Array> {
  try {
    return await importJWK({ ...to }, 'ECDH-ES');
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
