import { type KeySigner, thumbprint } from '../../../agent/contract/jws.js';
import { PublicJwk, parseShape } from '../../../agent/contract/shapes.js';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** A P-256 pair; the signer's `kid` is the thumbprint of `publicKey`. */
export interface SigningKey {
  readonly signer: KeySigner;
  readonly publicKey: PublicJwk;
}

async function publicJwk(key: CryptoKey): Promise<PublicJwk> {
  const { kty, crv, x, y } = await globalThis.crypto.subtle.exportKey('jwk', key);
  return parseShape(PublicJwk, { kty, crv, x, y });
}

/** A new P-256 key. Its private half can be used in this browser but never read, not even by this app. */
export async function newSigningKey(): Promise<SigningKey> {
  const pair = await globalThis.crypto.subtle.generateKey(P256, false, ['sign', 'verify']);
  const publicKey = await publicJwk(pair.publicKey);
  return { publicKey, signer: { kid: await thumbprint(publicKey), privateKey: pair.privateKey } };
}

const ECDH = { name: 'ECDH', namedCurve: 'P-256' } as const;

/** A private key that only the right wrapping key gives back (AES-GCM over PKCS #8). */
export interface WrappedKey {
  readonly publicKey: PublicJwk;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly bytes: ArrayBuffer;
}

/** A new P-256 key, for signing or for opening sealed letters, that leaves this function only wrapped. */
export async function newWrappedKey(wrapping: CryptoKey, use: 'sign' | 'seal' = 'sign'): Promise<WrappedKey> {
  const { subtle } = globalThis.crypto;
  const pair =
    use === 'sign' ? await subtle.generateKey(P256, true, ['sign', 'verify']) : await subtle.generateKey(ECDH, true, ['deriveBits']);
  const iv = globalThis.crypto.getRandomValues(new Uint8Array(12));
  const bytes = await subtle.wrapKey('pkcs8', pair.privateKey, wrapping, { name: 'AES-GCM', iv });
  return { publicKey: await publicJwk(pair.publicKey), iv, bytes };
}

function unwrap(wrapped: WrappedKey, wrapping: CryptoKey, algorithm: typeof P256 | typeof ECDH, uses: KeyUsage[]): Promise<CryptoKey> {
  const params = { name: 'AES-GCM', iv: wrapped.iv };
  return globalThis.crypto.subtle.unwrapKey('pkcs8', wrapped.bytes, wrapping, params, algorithm, false, uses);
}

/** The key, usable but not readable; rejects (OperationError) when the wrapping key is another one. */
export async function unwrapSigner(wrapped: WrappedKey, wrapping: CryptoKey): Promise<KeySigner> {
  return { kid: await thumbprint(wrapped.publicKey), privateKey: await unwrap(wrapped, wrapping, P256, ['sign']) };
}

/** The key that opens what was sealed to `publicKey`; rejects like unwrapSigner. */
export function unwrapSealKey(wrapped: WrappedKey, wrapping: CryptoKey): Promise<CryptoKey> {
  return unwrap(wrapped, wrapping, ECDH, ['deriveBits']);
}
