import { webcrypto } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { fromPem, makeServerCertificate, toPem } from '../contract/der.js';
import { PublicJwk, parseShape } from '../contract/shapes.js';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import type { DoorCertificate } from './ports.js';

const FILE = 'door.pem';
/** A recorder without a clock battery starts in 1970; what it makes then must still count when the time is right. */
const VALID_FROM = Date.UTC(2024, 0, 1);
/** To the end of 2049, the last year that every reader of dates in certificates takes alike (RFC 5280 section 4.1.2.5). */
const VALID_DAYS = Math.floor((Date.UTC(2049, 11, 31) - VALID_FROM) / 86_400_000);

/**
 * Key and self-made certificate of the door, in one file (0600) of the folder: made once and kept, because people compare its fingerprint with
 * the label. A file that cannot be read is made anew. It proves nothing about the recorder but that it is the same one as last time; what
 * counts is signed with the recorder's own key inside the letters.
 */
export async function loadDoorCertificate(folder: string, serial: string): Promise<DoorCertificate> {
  const path = join(folder, FILE);
  const known = (await readFileIfThere(path))?.toString('latin1');
  if (known !== undefined && isWhole(known)) return split(known);
  await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  const made = await makeBoth(serial);
  await writeFileDurably(path, made, 0o600);
  return split(made);
}

/** SHA-256 of the certificate as browsers show it: 32 pairs of capital hex digits with colons. */
export async function fingerprintOf({ cert }: Pick<DoorCertificate, 'cert'>): Promise<string> {
  const hash = Buffer.from(await webcrypto.subtle.digest('SHA-256', fromPem('CERTIFICATE', cert)));
  return (hash.toString('hex').toUpperCase().match(/../g) ?? []).join(':');
}

async function makeBoth(serial: string): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
  const { publicKey, privateKey } = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { kty, crv, x, y } = await webcrypto.subtle.exportKey('jwk', publicKey);
  const der = await makeServerCertificate({
    commonName: serial,
    publicKey: parseShape(PublicJwk, { kty, crv, x, y }),
    sign: async (bytes) => new Uint8Array(await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, bytes)),
    names: [`${serial.toLowerCase()}.local`, 'localhost'],
    ips: ownAddresses(),
    at: VALID_FROM,
    days: VALID_DAYS,
  });
  const key = new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', privateKey));
  return toPem('PRIVATE KEY', key) + toPem('CERTIFICATE', der);
}

/** As they are now: they may change, and a browser that was told to trust the certificate compares its fingerprint, not these. */
function ownAddresses(): string[] {
  const now = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const lasting = now.filter(({ internal, address }) => !internal && !address.startsWith('fe80')).map(({ address }) => address);
  return ['127.0.0.1', '::1', ...lasting.slice(0, 8)];
}

function isWhole(text: string): boolean {
  try {
    return fromPem('PRIVATE KEY', text).length > 0 && fromPem('CERTIFICATE', text).length > 0;
  } catch {
    return false;
  }
}

function split(text: string): DoorCertificate {
  return { key: toPem('PRIVATE KEY', fromPem('PRIVATE KEY', text)), cert: toPem('CERTIFICATE', fromPem('CERTIFICATE', text)) };
}
