import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromPem, makeAuthorityCertificate, makeServerCertificate, type SignBytes, toPem } from '../../agent/contract/der.js';
import { PublicJwk, parseShape } from '../../agent/contract/shapes.js';
import { readFileIfThere, writeFileDurably } from '../../agent/kernel/atomic-file.js';

/** An authority of one's own: it issues the recorders' client certificates and the certificates of the broker and the enrolment address. PEM. */
export interface Authority {
  readonly key: string;
  readonly certificate: string;
  /** Path of the certificate: `caFile` in a recorder's site file, `cafile` of the broker. */
  readonly file: string;
}

/** A server's key and chain, PEM. */
export interface ServerIdentity {
  readonly key: string;
  readonly certificate: string;
}

const KEY_FILE = 'authority-key.pem';
const CERTIFICATE_FILE = 'authority.pem';
/** What browsers take at most; a server asks anew with each start. */
const SERVER_DAYS = 397;
const HOUR_MS = 3_600_000;

/** The authority in this folder; made when there is none. */
export async function openAuthority(folder: string, now = Date.now()): Promise<Authority> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, CERTIFICATE_FILE);
  const known = await readFileIfThere(file);
  if (known !== undefined) return { key: await readFile(join(folder, KEY_FILE), 'utf8'), certificate: known.toString('utf8'), file };
  const { pem, publicKey, signer } = newKey();
  const commonName = 'Sightline reference authority';
  const certificate = toPem('CERTIFICATE', await makeAuthorityCertificate({ commonName, publicKey, sign: signer, at: now - HOUR_MS }));
  // The certificate last: while it is not there, there is no authority.
  await writeFileDurably(join(folder, KEY_FILE), pem);
  await writeFileDurably(file, certificate, 0o644);
  return { key: pem, certificate, file };
}

/** A new key and a certificate of this authority for a server that is reached by these names and addresses. */
export async function issueServerIdentity(
  authority: Authority,
  at: { readonly names: readonly string[]; readonly ips: readonly string[] },
  now = Date.now(),
): Promise<ServerIdentity> {
  const { pem, publicKey } = newKey();
  const certificate = await makeServerCertificate({
    commonName: (at.names[0] ?? at.ips[0] ?? 'server').slice(0, 64),
    publicKey,
    ...at,
    authority: fromPem('CERTIFICATE', authority.certificate),
    sign: signWith(createPrivateKey(authority.key)),
    at: now - HOUR_MS,
    days: SERVER_DAYS,
  });
  return { key: pem, certificate: toPem('CERTIFICATE', certificate) };
}

function newKey(): { readonly pem: string; readonly publicKey: PublicJwk; readonly signer: SignBytes } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    pem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKey: parseShape(PublicJwk, { kty, crv, x, y }),
    signer: signWith(privateKey),
  };
}

const signWith =
  (key: KeyObject): SignBytes =>
  async (bytes) =>
    sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' });
