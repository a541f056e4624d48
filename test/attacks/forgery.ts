/** Signed statements as an attacker makes them: every byte by hand, so that each can be wrong. */
import { createHmac } from 'node:crypto';
import type { KeySigner } from '../../agent/contract/jws.js';
import type { PublicJwk } from '../../agent/contract/shapes.js';
import { fromBase64url, toBase64url, utf8 } from '../../agent/contract/text.js';

/** Order of P-256 (SEC 2, section 2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const part = (content: object | string): string => toBase64url(utf8(typeof content === 'string' ? content : JSON.stringify(content)));

/** r and s, 64 bytes, over the bytes. */
async function ecdsa(input: string, signer: KeySigner): Promise<Uint8Array> {
  return new Uint8Array(await globalThis.crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, signer.privateKey, utf8(input)));
}

/** A compact JWS with this header and these payload bytes, truly signed by the key. */
export async function signedAs(header: object | string, payload: object | string, signer: KeySigner): Promise<string> {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${toBase64url(await ecdsa(input, signer))}`;
}

/** The same with whatever stands for a signature. */
export const claimedAs = (header: object | string, payload: object | string, signature: Uint8Array = new Uint8Array(0)): string =>
  `${part(header)}.${part(payload)}.${toBase64url(signature)}`;

/** HS256 with the bytes of a public key as the secret (the classic confusion of algorithms, RFC 8725 section 2.1). */
export function macAs(header: object, payload: object, secret: PublicJwk): string {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${createHmac('sha256', JSON.stringify(secret)).update(input).digest('base64url')}`;
}

const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const toBytes = (value: bigint): Uint8Array => Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));

/** The other signature that ECDSA lets anybody make of a true one: (r, -s). The message stays signed, its bytes are others. */
export function mirrored(token: string): string {
  const [header, payload, signature = ''] = token.split('.');
  const bytes = fromBase64url(signature);
  const other = Buffer.concat([bytes.subarray(0, 32), toBytes(ORDER - toNumber(bytes.subarray(32)))]);
  return `${header}.${payload}.${toBase64url(other)}`;
}

/** The signature as ASN.1 (RFC 3279 section 2.2.3) in place of r and s. */
export function asDer(token: string): string {
  const [header, payload, signature = ''] = token.split('.');
  const bytes = fromBase64url(signature);
  const integer = (half: Uint8Array): number[] => [2, 33, 0, ...half];
  const body = [...integer(bytes.subarray(0, 32)), ...integer(bytes.subarray(32))];
  return `${header}.${payload}.${toBase64url(Uint8Array.from([0x30, body.length, ...body]))}`;
}
