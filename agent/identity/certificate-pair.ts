import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { fromPem, makeCsr } from '../contract/der.js';
import { PublicJwk, parseShape } from '../contract/shapes.js';
import { AgentError } from '../kernel/errors.js';
import { type CertificateFacts, judgeCertificate, type Lifetime } from './renewal.js';

/** A TLS key and the certificate for it. PEM throughout; the chain begins with the recorder's own certificate. */
export interface CertificatePair extends Lifetime {
  readonly key: string;
  readonly certificate: string;
}

/** A key for one certificate, and the request for it, DER. */
export interface CertificateWish {
  readonly key: string;
  readonly csr: Uint8Array<ArrayBuffer>;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const CHAIN_CERTIFICATES = 5;
const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** A new key, and the request with this common name. */
export async function makeWish(serial: string): Promise<CertificateWish> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  const csr = await makeCsr({
    commonName: serial,
    publicKey: parseShape(PublicJwk, { kty, crv, x, y }),
    sign: async (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  });
  return { key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), csr };
}

/**
 * The pair of a key and the chain that was answered for it.
 * @throws AgentError identity.certificate_refused, with the fault in `detail`
 */
export function joinPair(key: string, chain: string, serial: string, now: number): CertificatePair {
  const blocks = chain.match(BLOCK) ?? [];
  const leaf = blocks.length === 0 || blocks.length > CHAIN_CERTIFICATES ? undefined : readLeaf(blocks[0] ?? '');
  if (leaf === undefined) throw refused('unreadable');
  const facts = factsOf(leaf, createPrivateKey(key));
  const fault = judgeCertificate(facts, serial, now);
  if (fault !== undefined) throw refused(fault);
  return { key: `${key.trim()}\n`, certificate: `${blocks.join('\n')}\n`, notBefore: facts.notBefore, notAfter: facts.notAfter };
}

/** What is kept in one file, so that key and certificate are never of two pairs. */
export function pairText({ key, certificate }: CertificatePair): string {
  return `${key}${certificate}`;
}

/** The pair of such a file. An expired one is kept: whether it still counts is the broker's to say. @throws AgentError identity.certificate_refused */
export function readPair(text: string, serial: string): CertificatePair {
  const end = '-----END PRIVATE KEY-----';
  const at = text.indexOf(end);
  if (at < 0) throw refused('unreadable');
  try {
    return joinPair(text.slice(0, at + end.length), text.slice(at + end.length), serial, 0);
  } catch (error) {
    throw error instanceof AgentError ? error : refused('unreadable', error);
  }
}

function readLeaf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(fromPem('CERTIFICATE', pem));
  } catch {
    return undefined;
  }
}

function factsOf(leaf: X509Certificate, key: KeyObject): CertificateFacts {
  const { CN } = leaf.toLegacyObject().subject as { readonly CN?: unknown };
  // Named keyUsage by Node, it is the extended key usage.
  const usages: readonly string[] | undefined = leaf.keyUsage;
  return {
    isForKey: leaf.checkPrivateKey(key),
    commonName: typeof CN === 'string' ? CN : undefined,
    isAuthority: leaf.ca,
    isForClients: usages === undefined || usages.includes(CLIENT_AUTH),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
  };
}

const FAULTS: Readonly<Record<string, string>> = {
  unreadable: 'it cannot be read',
  'other-key': 'it is for another key',
  'other-name': 'it is for another serial number',
  authority: 'it could issue certificates itself',
  'not-for-clients': 'it is not for TLS clients',
  expired: 'it has run out, or the recorder’s clock is wrong',
  'too-long': 'it counts for more than 400 days',
};

function refused(fault: string, cause?: unknown): AgentError {
  return new AgentError({
    code: 'identity.certificate_refused',
    say: `The certificate that the cloud issued is not taken: ${FAULTS[fault] ?? fault}.`,
    fix: 'Correct the issuer; the recorder goes on with what it has and asks again by itself.',
    retryable: true,
    detail: { fault },
    cause,
  });
}
