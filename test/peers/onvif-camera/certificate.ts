/** A certificate as cameras have it: made by itself at the first start, known to nobody. */
import { webcrypto } from 'node:crypto';
import { makeServerCertificate, toPem } from '../../../agent/contract/der.js';

/** PEM texts for a TLS server. */
export interface CertificatePair {
  readonly key: string;
  readonly cert: string;
}

const DAY_MS = 86_400_000;

/** A new key and its self-signed certificate, a few milliseconds of work. */
export async function makeCertificate(commonName = 'camera'): Promise<CertificatePair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
  const { publicKey, privateKey } = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { x = '', y = '' } = await webcrypto.subtle.exportKey('jwk', publicKey);
  const der = await makeServerCertificate({
    commonName,
    publicKey: { kty: 'EC', crv: 'P-256', x, y },
    sign: async (bytes) => new Uint8Array(await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, bytes)),
    names: [],
    ips: [],
    at: Date.now() - DAY_MS,
    days: 30,
  });
  const key = toPem('PRIVATE KEY', new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', privateKey)));
  return { key, cert: toPem('CERTIFICATE', der) };
}
