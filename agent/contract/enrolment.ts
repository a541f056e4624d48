import * as z from 'zod/mini';
import { Compact, Hash32, PublicJwk, Serial } from './shapes.js';

/**
 * How a recorder gets its client certificate: `POST` of an EnrolmentRequest to the https address in the site file. The answer is 200 with the
 * chain as PEM, the recorder's own certificate first (application/pem-certificate-chain, RFC 8555 section 9.1), or an EnrolmentRefusal.
 */
export const EnrolmentRequest = z.strictObject({
  v: z.literal(1),
  /** PKCS#10 request (RFC 2986), PEM: common name is the serial, signed by the new TLS key. */
  csr: z
    .string()
    .check(z.maxLength(6_000), z.regex(/^-----BEGIN CERTIFICATE REQUEST-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE REQUEST-----\s*$/)),
  /** connect+jws of an EnrolmentProof. */
  proof: Compact,
});
/** The request as a value. */
export type EnrolmentRequest = z.infer<typeof EnrolmentRequest>;

/**
 * Who asks (connect+jws by the recorder's birth key). Like the proof a connection begins with, and numbered in the same row, but for this one
 * request: neither can be used in the place of the other.
 */
export const EnrolmentProof = z.strictObject({
  v: z.literal(1),
  dev: Serial,
  key: PublicJwk,
  n: z.int().check(z.gte(1)),
  /** SHA-256 of the request's DER. */
  csr: Hash32,
});
/** The proof as a value. */
export type EnrolmentProof = z.infer<typeof EnrolmentProof>;

/** Why there is no certificate: a stable code and two sentences for a person. */
export const EnrolmentRefusal = z.object({
  code: z.string().check(z.maxLength(64), z.regex(/^[a-z_]+\.[a-z_]+$/)),
  say: z.string().check(z.maxLength(500)),
  fix: z.string().check(z.maxLength(500)),
});
/** The refusal as a value. */
export type EnrolmentRefusal = z.infer<typeof EnrolmentRefusal>;

/** Longest request that an issuer reads, and longest answer that a recorder reads. */
export const ENROLMENT_BYTES = 16_384;

/** Answer of the firmware hook `keystore-sign` to the verb `public`. */
export const KeystorePublicAnswer = z.strictObject({ key: PublicJwk });
/** Answer of the firmware hook `keystore-sign` to the verb `sign`: r and s, 64 bytes, base64url. */
export const KeystoreSignAnswer = z.strictObject({ signature: z.string().check(z.regex(/^[A-Za-z0-9_-]{86}$/)) });

/** Says that this recorder's signing key is in the firmware's keystore, and which one it is (device-sign.json in the folder of keys). */
export const KeystorePin = z.strictObject({ v: z.literal(1), key: PublicJwk });
/** The pin as a value. */
export type KeystorePin = z.infer<typeof KeystorePin>;
