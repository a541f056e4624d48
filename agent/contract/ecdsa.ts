import type { PublicJwk } from './shapes.js';
import { concatBytes, fromBase64url, toBase64url } from './text.js';
import { bitString, ElementReader, element, isEqual, malformed, sequence, TAG, unsigned } from './tlv.js';

const { subtle } = globalThis.crypto;

const FIELD_BYTES = 32;
/** id-ecPublicKey with the named curve prime256v1 (RFC 5480 section 2.1). */
const KEY_ALGORITHM = sequence(
  element(TAG.oid, Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01)),
  element(TAG.oid, Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07)),
);
const UNCOMPRESSED = 0x04;

/** SubjectPublicKeyInfo of a P-256 key (RFC 5480), DER. */
export function toPublicKeyInfo(key: PublicJwk): Uint8Array<ArrayBuffer> {
  return sequence(KEY_ALGORITHM, bitString(pointOf(key)));
}

function pointOf({ x, y }: PublicJwk): Uint8Array<ArrayBuffer> {
  const point = concatBytes(Uint8Array.of(UNCOMPRESSED), fromBase64url(x), fromBase64url(y));
  if (point.length !== 1 + 2 * FIELD_BYTES) throw malformed('the key is not a P-256 key');
  return point;
}

/** The P-256 key of a SubjectPublicKeyInfo. Whether the point lies on the curve is found when the key is first used. @throws AgentError certificate.malformed */
export function readPublicKey(info: Uint8Array<ArrayBuffer>): PublicJwk {
  const reader = new ElementReader(info).enter(TAG.sequence);
  if (!isEqual(reader.read(TAG.sequence).whole, KEY_ALGORITHM)) throw malformed('the key is not a P-256 key');
  const point = wholeBytes(reader.read(TAG.bitString).content);
  reader.end();
  if (point.length !== 1 + 2 * FIELD_BYTES || point[0] !== UNCOMPRESSED) throw malformed('the key is not an uncompressed P-256 point');
  return {
    kty: 'EC',
    crv: 'P-256',
    x: toBase64url(point.subarray(1, 1 + FIELD_BYTES)),
    y: toBase64url(point.subarray(1 + FIELD_BYTES)),
  };
}

/** The bytes of a bit string that holds whole bytes. @throws AgentError certificate.malformed */
export function wholeBytes(content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (content[0] !== 0) throw malformed('a bit string does not hold whole bytes');
  return content.subarray(1);
}

/** 20 bytes that name a key: the first 160 bits of SHA-256 over its point (RFC 7093 section 2, method 1). */
export async function keyIdentifier(key: PublicJwk): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await subtle.digest('SHA-256', pointOf(key))).slice(0, 20);
}

/** A signature as X.509 carries it: r and s (64 bytes) become DER; DER is checked and stays. @throws AgentError certificate.malformed */
export function ecdsaToDer(signature: Uint8Array): Uint8Array<ArrayBuffer> {
  const raw = signature.length === 2 * FIELD_BYTES ? signature : ecdsaToRaw(Uint8Array.from(signature));
  return sequence(unsigned(raw.subarray(0, FIELD_BYTES)), unsigned(raw.subarray(FIELD_BYTES)));
}

/** r and s, 64 bytes, of an ECDSA-Sig-Value (RFC 3279 section 2.2.3). @throws AgentError certificate.malformed */
export function ecdsaToRaw(signature: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const outer = new ElementReader(signature);
  const reader = outer.enter(TAG.sequence);
  outer.end();
  const parts = [scalar(reader), scalar(reader)];
  reader.end();
  return concatBytes(...parts);
}

function scalar(reader: ElementReader): Uint8Array<ArrayBuffer> {
  const { content, whole } = reader.read(TAG.integer);
  const isNegative = content.length === 0 || ((content[0] ?? 0) & 0x80) !== 0;
  if (isNegative || !isEqual(unsigned(content), whole)) throw malformed('a part of the signature is not a number in its shortest form');
  const digits = content[0] === 0 ? content.subarray(1) : content;
  if (digits.length > FIELD_BYTES) throw malformed('a part of the signature is too large');
  return concatBytes(new Uint8Array(FIELD_BYTES - digits.length), digits);
}

/** Whether this key made this signature (DER) over these bytes, with SHA-256. @throws AgentError certificate.malformed when it is no DER */
export function verifyEcdsa(key: PublicJwk, signature: Uint8Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  return verifyEcdsaRaw(key, ecdsaToRaw(signature), bytes);
}

/** The same for r and s, 64 bytes. A key that is no point of the curve made nothing. */
export async function verifyEcdsaRaw(key: PublicJwk, signature: Uint8Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    const imported = await subtle.importKey('jwk', { ...key }, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
    return await subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, imported, signature, bytes);
  } catch {
    return false;
  }
}
