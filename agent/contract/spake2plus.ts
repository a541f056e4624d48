import { weierstrass } from '@noble/curves/abstract/weierstrass.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { AgentError } from '../kernel/errors.js';
import { concatBytes, utf8 } from './text.js';

/**
 * SPAKE2+ (RFC 9383), ciphersuite P256-SHA256-HKDF-SHA256-HMAC-SHA256. The prover knows the password, the verifier only (w0, L):
 * whoever copies the recorder's files cannot pair with another one of them, and the relay in between learns nothing to guess with.
 */
/**
 * P-256 (SEC 2, section 2.4.2) as points alone: the ready-made `p256` of the same library brings its signatures along, which were 3.6 kB more in the web
 * app and are done by WebCrypto everywhere.
 */
const Point = weierstrass({
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  h: 1n,
  a: 0xffffffff00000001000000000000000000000000fffffffffffffffffffffffcn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  Gx: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  Gy: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
});
type Point = InstanceType<typeof Point>;
const ORDER = Point.Fn.ORDER;

/** RFC 9383 section 4, table for P-256 (compressed). */
const M = Point.fromHex('02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f');
const N = Point.fromHex('03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49');

/** What the recorder keeps: two values that verify a code without containing it. */
export interface Verifier {
  readonly w0: Uint8Array;
  /** Uncompressed point, 65 bytes. */
  readonly L: Uint8Array;
}

/** What both sides must agree on before the exchange (RFC 9383 section 3.3): protocol context and the two names. */
export interface Identities {
  readonly context: string;
  readonly prover: string;
  readonly verifier: string;
}

/** What both sides hold after the exchange, 32 bytes each but for the two points. Equal only if the code was right. */
export interface SharedKeys {
  /** HMAC of the verifier's share by the prover; the prover sends it. */
  readonly confirmProver: Uint8Array;
  readonly confirmVerifier: Uint8Array;
  readonly shared: Uint8Array;
  /** SHA-256 of the transcript TT: what both sides sign with their own keys. */
  readonly transcriptHash: Uint8Array;
  /** Intermediate values that the RFC's vectors list: the two shared points (uncompressed), K_main and the confirmation keys. */
  readonly Z: Uint8Array;
  readonly V: Uint8Array;
  readonly main: Uint8Array;
  readonly confirmKeyProver: Uint8Array;
  readonly confirmKeyVerifier: Uint8Array;
}

function toScalar(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytesToHex(bytes)}`) % ORDER;
}

function scalarBytes(value: bigint): Uint8Array {
  return hexToBytes(value.toString(16).padStart(64, '0'));
}

/** 64-bit little-endian length in front of each field (RFC 9383 section 3.3). */
function withLength(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return concatBytes(length, bytes);
}

/** Uncompressed, on the curve, not the identity; compressed and hybrid forms are refused so that a share has one spelling. */
function readPoint(bytes: Uint8Array): Point {
  if (bytes.length !== 65 || bytes[0] !== 4) throw impossible('not an uncompressed point');
  try {
    const point = Point.fromBytes(bytes);
    point.assertValidity();
    return point;
  } catch (cause) {
    throw impossible(cause);
  }
}

function impossible(cause: unknown): AgentError {
  return new AgentError({
    code: 'pairing.bad_message',
    say: 'The pairing message holds an impossible value.',
    fix: 'Start pairing again.',
    cause,
  });
}

const share = (scalar: bigint, blind: Point, w0: bigint): Point => Point.BASE.multiply(scalar).add(blind.multiply(w0));

/** 80 bytes from the password KDF -> w0 and w1, each reduced from 40 bytes so that the bias is below 2^-64 (RFC 9383 section 3.2). */
export function splitPasswordKey(key80: Uint8Array): { w0: Uint8Array; w1: Uint8Array } {
  return { w0: scalarBytes(toScalar(key80.subarray(0, 40))), w1: scalarBytes(toScalar(key80.subarray(40, 80))) };
}

/** L = w1*G: made once, when the code is made. */
export function makeVerifier(w0: Uint8Array, w1: Uint8Array): Verifier {
  return { w0, L: Point.BASE.multiply(toScalar(w1)).toBytes(false) };
}

/** A random scalar from 48 CSPRNG bytes. */
export function newScalar(random48: Uint8Array): Uint8Array {
  return scalarBytes((BigInt(`0x${bytesToHex(random48)}`) % (ORDER - 1n)) + 1n);
}

/** shareP = x*P + w0*M, uncompressed. */
export function proverShare(w0: Uint8Array, x: Uint8Array): Uint8Array {
  return share(toScalar(x), M, toScalar(w0)).toBytes(false);
}

/** The prover's keys from the verifier's share. @throws AgentError pairing.bad_message on an impossible share */
export function proverFinish(ids: Identities, w0: Uint8Array, w1: Uint8Array, x: Uint8Array, shareV: Uint8Array): SharedKeys {
  const inner = readPoint(shareV).subtract(N.multiply(toScalar(w0)));
  return keySchedule(ids, proverShare(w0, x), shareV, inner.multiply(toScalar(x)), inner.multiply(toScalar(w1)), w0);
}

/** The verifier's share and keys from the prover's share. @throws AgentError pairing.bad_message on an impossible share */
export function verifierRespond(
  ids: Identities,
  verifier: Verifier,
  y: Uint8Array,
  shareP: Uint8Array,
): { shareV: Uint8Array; keys: SharedKeys } {
  const w0 = toScalar(verifier.w0);
  const inner = readPoint(shareP).subtract(M.multiply(w0));
  const shareV = share(toScalar(y), N, w0).toBytes(false);
  const Z = inner.multiply(toScalar(y));
  const V = Point.fromBytes(verifier.L).multiply(toScalar(y));
  return { shareV, keys: keySchedule(ids, shareP, shareV, Z, V, verifier.w0) };
}

function keySchedule(ids: Identities, shareP: Uint8Array, shareV: Uint8Array, Z: Point, V: Point, w0: Uint8Array): SharedKeys {
  const fields = [
    utf8(ids.context),
    utf8(ids.prover),
    utf8(ids.verifier),
    M.toBytes(false),
    N.toBytes(false),
    shareP,
    shareV,
    Z.toBytes(false),
    V.toBytes(false),
    w0,
  ];
  const main = sha256(concatBytes(...fields.map(withLength)));
  const confirmKeys = hkdf(sha256, main, undefined, utf8('ConfirmationKeys'), 64);
  const confirmKeyProver = confirmKeys.slice(0, 32);
  const confirmKeyVerifier = confirmKeys.slice(32);
  return {
    confirmProver: hmac(sha256, confirmKeyProver, shareV),
    confirmVerifier: hmac(sha256, confirmKeyVerifier, shareP),
    shared: hkdf(sha256, main, undefined, utf8('SharedKey'), 32),
    transcriptHash: main,
    Z: Z.toBytes(false),
    V: V.toBytes(false),
    main,
    confirmKeyProver,
    confirmKeyVerifier,
  };
}

/** Equal in constant time for equal lengths. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at += 1) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}
