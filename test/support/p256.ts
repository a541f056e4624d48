import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { PublicJwk, parseShape } from '../../agent/contract/shapes.js';

/** A P-256 key as tests of certificates need it. */
export interface TestKey {
  readonly publicKey: PublicJwk;
  readonly privateKey: KeyObject;
  /** PKCS#8 PEM. */
  readonly pem: string;
  /** r and s. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** DER. */
  readonly signDer: (bytes: Uint8Array) => Promise<Uint8Array>;
}

export function makeTestKey(): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  return {
    publicKey: parseShape(PublicJwk, { kty, crv, x, y }),
    privateKey,
    pem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    sign: async (bytes) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    signDer: async (bytes) => sign('sha256', bytes, privateKey),
  };
}
