import { scrypt } from 'node:crypto';
import { KEY_DERIVATION } from '../../agent/contract/pairing.js';
import { toBase64url } from '../../agent/contract/text.js';

const derived = new Map<string, Promise<Uint8Array>>();

/** Native scrypt, once per code and salt: the app's own is the same function in plain JavaScript, five times slower. */
export function derive(code: string, salt: Uint8Array): Promise<Uint8Array> {
  const id = `${code} ${toBase64url(salt)}`;
  const known = derived.get(id);
  if (known !== undefined) return known;
  const { N, r, p } = KEY_DERIVATION;
  const made = new Promise<Uint8Array>((resolve, reject) => {
    scrypt(code, salt, 80, { N, r, p, maxmem: 64 * 1024 * 1024 }, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
  derived.set(id, made);
  return made;
}
