import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { thumbprint } from '../contract/jws.js';
import { PublicJwk, parseShape } from '../contract/shapes.js';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import { AgentError } from '../kernel/errors.js';

const { subtle } = globalThis.crypto;

/** One P-256 pair of this recorder. */
export interface DeviceKey {
  readonly publicJwk: PublicJwk;
  /** RFC 7638 thumbprint of the public half. */
  readonly kid: string;
  /** Not extractable once loaded. */
  readonly privateKey: CryptoKey;
}

/** The recorder's two P-256 keys: one signs what it says, the other opens the letters that are sealed to it. */
export interface DeviceKeys {
  readonly sign: DeviceKey;
  readonly seal: DeviceKey;
}

/** What a key is for. */
export type Purpose = 'sign' | 'seal';
const ALGORITHM: Record<Purpose, { readonly import: EcKeyImportParams; readonly usages: KeyUsage[] }> = {
  sign: { import: { name: 'ECDSA', namedCurve: 'P-256' }, usages: ['sign'] },
  seal: { import: { name: 'ECDH', namedCurve: 'P-256' }, usages: ['deriveBits', 'deriveKey'] },
};

/**
 * Keys in `folder` (0700), made on the first start and durable before anything is signed with them. Files are PKCS#8 PEM, 0600.
 * @throws AgentError identity.key_unreadable: the file is there but is no key; nothing is overwritten
 */
export async function loadDeviceKeys(folder: string): Promise<DeviceKeys> {
  await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  return { sign: await loadDeviceKey(folder, 'sign'), seal: await loadDeviceKey(folder, 'seal') };
}

/** One of them; the folder must be there. @throws AgentError identity.key_unreadable */
export async function loadDeviceKey(folder: string, purpose: Purpose): Promise<DeviceKey> {
  const path = join(folder, `device-${purpose}.pem`);
  const known = await readFileIfThere(path);
  if (known === undefined) await makeKey(path, purpose);
  const pem = known ?? (await fs.readFile(path));
  try {
    return await importKey(pem.toString('ascii'), purpose);
  } catch (cause) {
    throw new AgentError({
      code: 'identity.key_unreadable',
      say: `The recorder's own key in ${path} cannot be read.`,
      fix: 'Restore the state folder from a backup; without the key the recorder must be reset and paired anew.',
      cause,
    });
  }
}

async function makeKey(path: string, purpose: Purpose): Promise<void> {
  const pair = await subtle.generateKey(ALGORITHM[purpose].import, true, ALGORITHM[purpose].usages);
  const der = Buffer.from(await subtle.exportKey('pkcs8', pair.privateKey));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  await writeFileDurably(path, `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`);
}

async function importKey(pem: string, purpose: Purpose): Promise<DeviceKey> {
  const body = /-----BEGIN PRIVATE KEY-----([\s\S]+)-----END PRIVATE KEY-----/.exec(pem)?.[1] ?? '';
  const der = Buffer.from(body, 'base64');
  // The public half is derived once through an extractable import that is forgotten at once.
  const extractable = await subtle.importKey('pkcs8', der, ALGORITHM[purpose].import, true, ALGORITHM[purpose].usages);
  const { kty, crv, x, y } = await subtle.exportKey('jwk', extractable);
  const publicJwk = parseShape(PublicJwk, { kty, crv, x, y });
  const privateKey = await subtle.importKey('pkcs8', der, ALGORITHM[purpose].import, false, ALGORITHM[purpose].usages);
  return { publicJwk, kid: await thumbprint(publicJwk), privateKey };
}
