import { CompactSign, calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import type * as z from 'zod/mini';
import { AgentError } from '../kernel/errors.js';
import { parseGuarded } from './guard.js';
import { type PublicJwk, parseShape } from './shapes.js';
import { fromBase64url, toBase64url, utf8 } from './text.js';

/** The kinds of signed statement; the kind stands in the protected header, so that one can never pass for another. */
export type StatementType =
  | 'consent+jws'
  | 'grant+jws'
  | 'badge+jws'
  | 'cmd+jws'
  | 'result+jws'
  | 'event+jws'
  | 'withdraw+jws'
  | 'status+jws'
  | 'checkpoint+jws'
  | 'connect+jws'
  | 'pair+jws'
  | 'delegate+jws'
  | 'offer+jws'
  | 'accept+jws'
  | 'cancel+jws'
  | 'site+jws'
  | 'export+jws';

/** A P-256 private key (may be non-extractable) and the thumbprint of its public half (RFC 7638). */
export interface KeySigner {
  readonly kid: string;
  readonly privateKey: CryptoKey;
}
/** A key that is somewhere else (TPM, secure element): it signs and never leaves. ECDSA over SHA-256 of the bytes, answered as r and s, 64 bytes. */
export interface RemoteSigner {
  readonly kid: string;
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}
/** What is needed to sign. */
export type Signer = KeySigner | RemoteSigner;

function refuse(code: string, say: string, cause?: unknown): AgentError {
  return new AgentError({ code, say, fix: 'The sender must sign the message again with its own key.', cause });
}

/** Compact JWS (RFC 7515), ES256. */
export function signStatement(type: StatementType, payload: unknown, signer: Signer): Promise<string> {
  return signBytes(type, utf8(JSON.stringify(payload)), signer);
}

/** The same over bytes that are JSON already and must stay exactly as they are. */
export async function signBytes(type: StatementType, payload: Uint8Array, signer: Signer): Promise<string> {
  const header = { alg: 'ES256', typ: type, kid: signer.kid };
  if ('privateKey' in signer) return new CompactSign(payload).setProtectedHeader(header).sign(signer.privateKey);
  const input = `${toBase64url(utf8(JSON.stringify(header)))}.${toBase64url(payload)}`;
  return `${input}.${toBase64url(await signer.sign(utf8(input)))}`;
}

/** The `kid` of a statement that is not verified yet: only good for choosing the key to verify it with. */
export function claimedKid(token: string, type: StatementType): string {
  try {
    const header = decodeProtectedHeader(token);
    assertHeader(header as Record<string, unknown>, type);
    return header.kid ?? '';
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw refuse('signature.malformed', 'The message is not a signed statement.', error);
  }
}

const HEADER_KEYS = ['alg', 'kid', 'typ'];

/** Exactly alg, typ and kid: no `crit`, no embedded key, no key address. */
function assertHeader(header: Record<string, unknown>, type: StatementType): void {
  const keys = Object.keys(header).sort();
  if (keys.length !== 3 || keys.some((key, at) => key !== HEADER_KEYS[at]) || header.alg !== 'ES256' || typeof header.kid !== 'string') {
    throw refuse('signature.header', 'The signature header is not ES256 with a type and a key id, and nothing else.');
  }
  if (header.typ !== type) throw refuse('signature.type', `A ${type} statement was expected.`);
}

const importedKeys = new Map<string, Promise<CryptoKey>>();

/** Importing costs as much as verifying; keys repeat, so the last 64 are kept. */
function importPublic(jwk: PublicJwk): Promise<CryptoKey> {
  const id = `${jwk.x}.${jwk.y}`;
  const known = importedKeys.get(id);
  if (known !== undefined) return known;
  if (importedKeys.size >= 64) importedKeys.delete(importedKeys.keys().next().value ?? '');
  const made = importJWK({ ...jwk }, 'ES256') as Promise<CryptoKey>;
  importedKeys.set(id, made);
  made.catch(() => importedKeys.delete(id));
  return made;
}

/**
 * The payload of a statement that this key signed, in the given shape. The bytes that were verified are the bytes that are parsed.
 * @throws AgentError signature.malformed | signature.header | signature.type | signature.key | signature.invalid | message.*
 */
export async function verifyStatement<T>(token: string, type: StatementType, key: PublicJwk, schema: z.ZodMiniType<T>): Promise<T> {
  const kid = claimedKid(token, type);
  if (kid !== (await thumbprint(key))) throw refuse('signature.key', 'The message names another key than the one that was expected.');
  let payload: Uint8Array;
  try {
    ({ payload } = await compactVerify(token, await importPublic(key), { algorithms: ['ES256'] }));
  } catch (error) {
    throw refuse('signature.invalid', 'The signature does not belong to this message and key.', error);
  }
  return parseShape(schema, parseGuarded(payload));
}

/**
 * The payload without looking at the signature: for display, and for finding the key to verify with. Never to decide by.
 * @throws AgentError signature.malformed | message.*
 */
export function unverifiedPayload(token: string): unknown {
  let bytes: Uint8Array;
  try {
    bytes = fromBase64url(token.split('.')[1] ?? '');
  } catch (error) {
    throw refuse('signature.malformed', 'The message is not a signed statement.', error);
  }
  return parseGuarded(bytes);
}

/** RFC 7638 thumbprint, base64url SHA-256. */
export function thumbprint(jwk: PublicJwk): Promise<string> {
  return calculateJwkThumbprint({ ...jwk }, 'sha256');
}
