import { AgentError } from '../kernel/errors.js';
import { ecdsaToDer, keyIdentifier, readPublicKey, toPublicKeyInfo, verifyEcdsa, wholeBytes } from './ecdsa.js';
import type { PublicJwk } from './shapes.js';
import { bitString, ElementReader, element, isEqual, malformed, sequence, TAG, unsigned } from './tlv.js';
import { dnsName, extension, instant, ipName, nameOf, OID, readName, TRUE } from './x509-fields.js';

/**
 * Certificates and certificate requests for P-256 keys (X.509, RFC 5280; PKCS#10, RFC 2986; ECDSA with SHA-256, RFC 5758), written and read
 * with nothing but the platform's cryptography: the same on a recorder, in a cloud and in a browser.
 */

/** ECDSA P-256 with SHA-256 over these bytes. Answers r and s, 64 bytes, or their DER (RFC 3279 section 2.2.3). */
export type SignBytes = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

/** Whose certificate is wanted, and what signs with that key. */
export interface CsrParts {
  /** Common name: the serial number of a recorder. 1 to 64 characters. */
  readonly commonName: string;
  readonly publicKey: PublicJwk;
  readonly sign: SignBytes;
}

/** What a request asks for. Its sender has proved to hold the key. */
export interface Csr {
  readonly commonName: string;
  readonly publicKey: PublicJwk;
}

/** A certificate for a server. */
export interface ServerCertificateParts {
  readonly commonName: string;
  readonly publicKey: PublicJwk;
  /** Signs with the key of `authority`; without one with the key of the certificate itself. */
  readonly sign: SignBytes;
  /** Certificate of the issuer, DER. Without one the certificate signs itself. */
  readonly authority?: Uint8Array<ArrayBuffer>;
  /** IPv4 and IPv6 addresses that the server is reached by. */
  readonly ips: readonly string[];
  /** DNS names that the server is reached by. */
  readonly names: readonly string[];
  /** Valid from this instant, ms since 1970 … */
  readonly at: number;
  /** … for so many days. Default: ten years. */
  readonly days?: number;
}

/** The certificate of an authority that issues others. */
export interface AuthorityParts {
  readonly commonName: string;
  readonly publicKey: PublicJwk;
  /** Signs with that key. */
  readonly sign: SignBytes;
  readonly at: number;
  /** Default: twenty years. */
  readonly days?: number;
}

/** What an authority needs to answer a request. */
export interface IssueParts {
  readonly csr: Csr;
  /** Certificate of the issuer, DER. */
  readonly authority: Uint8Array<ArrayBuffer>;
  /** Signs with the issuer's key, which is a P-256 key too. */
  readonly sign: SignBytes;
  readonly at: number;
  /** Default: 90. */
  readonly days?: number;
}

const DAY_MS = 86_400_000;
const SERVER_DAYS = 3_650;
const AUTHORITY_DAYS = 7_300;
const CLIENT_DAYS = 90;
/** A client certificate counts from a little before it was made: clocks of recorders are not exact. */
const CLOCK_SLACK_MS = 5 * 60_000;
const CSR_BYTES = 4_096;
const CERTIFICATE_BYTES = 16_384;

/** ecdsa-with-SHA256 (RFC 5758 section 3.2): no parameters. */
const SIGNATURE_ALGORITHM = sequence(element(TAG.oid, Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)));
/** Bits of a key usage as the content of its bit string (RFC 5280 section 4.2.1.3): digitalSignature; keyCertSign and cRLSign. */
const USAGE = { sign: Uint8Array.of(7, 0x80), issue: Uint8Array.of(1, 0x06) } as const;
/** Context tags: attributes of a request and version of a certificate are [0], extensions [3]. */
const CONTEXT_0 = 0xa0;
const CONTEXT_3 = 0xa3;

/**
 * A signed request for a certificate, DER.
 * @throws AgentError certificate.malformed (a name that cannot stand in a certificate), and whatever `sign` throws
 */
export function makeCsr({ commonName, publicKey, sign }: CsrParts): Promise<Uint8Array<ArrayBuffer>> {
  const version = unsigned(Uint8Array.of(0));
  return signed(sequence(version, nameOf(commonName), toPublicKeyInfo(publicKey), element(CONTEXT_0)), sign);
}

/**
 * Reads a request and checks its signature. The subject must be a common name and nothing else; what the request asks for beyond name and
 * key is not looked at: an issuer decides that.
 * @throws AgentError certificate.malformed | certificate.signature
 */
export async function readCsr(csr: Uint8Array<ArrayBuffer>): Promise<Csr> {
  const { body, signature } = openSigned(csr, CSR_BYTES);
  const reader = new ElementReader(body).enter(TAG.sequence);
  if (!isEqual(reader.read(TAG.integer).content, Uint8Array.of(0))) throw malformed('it is not of version 1');
  const commonName = readName(reader.enter(TAG.sequence));
  const publicKey = readPublicKey(reader.read(TAG.sequence).whole);
  reader.read(CONTEXT_0);
  reader.end();
  if (!(await verifyEcdsa(publicKey, signature, body))) {
    throw new AgentError({
      code: 'certificate.signature',
      say: 'The certificate request was not signed with the key that it names.',
      fix: 'Make the request anew with the private half of that key.',
    });
  }
  return { commonName, publicKey };
}

/**
 * A certificate for a server, DER: for itself, or issued by `authority`. It issues no others.
 * @throws AgentError certificate.malformed (a name or address that cannot stand in a certificate)
 */
export async function makeServerCertificate(parts: ServerCertificateParts): Promise<Uint8Array<ArrayBuffer>> {
  const names = [...parts.names.map(dnsName), ...parts.ips.map(ipName)];
  return certificate({
    ...parts,
    subject: nameOf(parts.commonName),
    days: parts.days ?? SERVER_DAYS,
    issuer: parts.authority === undefined ? undefined : readIssuer(parts.authority),
    extensions: [
      extension(OID.basicConstraints, sequence(), true),
      extension(OID.keyUsage, element(TAG.bitString, USAGE.sign), true),
      extension(OID.extendedKeyUsage, sequence(OID.serverAuth)),
      ...(names.length === 0 ? [] : [extension(OID.subjectAltName, sequence(...names))]),
    ],
  });
}

/** The certificate of an authority, DER: it issues end certificates and signs itself. */
export function makeAuthorityCertificate(parts: AuthorityParts): Promise<Uint8Array<ArrayBuffer>> {
  return certificate({
    ...parts,
    subject: nameOf(parts.commonName),
    days: parts.days ?? AUTHORITY_DAYS,
    issuer: undefined,
    extensions: [
      // pathLenConstraint 0: what it issues cannot issue.
      extension(OID.basicConstraints, sequence(TRUE, unsigned(Uint8Array.of(0))), true),
      extension(OID.keyUsage, element(TAG.bitString, USAGE.issue), true),
    ],
  });
}

/**
 * The client certificate that answers a request (`readCsr` has checked it), DER: its name and key, good for TLS clients only, 90 days.
 * @throws AgentError certificate.malformed when `authority` is no certificate
 */
export function issueClientCertificate(parts: IssueParts): Promise<Uint8Array<ArrayBuffer>> {
  return certificate({
    subject: nameOf(parts.csr.commonName),
    publicKey: parts.csr.publicKey,
    sign: parts.sign,
    at: parts.at - CLOCK_SLACK_MS,
    days: parts.days ?? CLIENT_DAYS,
    issuer: readIssuer(parts.authority),
    extensions: [
      extension(OID.basicConstraints, sequence(), true),
      extension(OID.keyUsage, element(TAG.bitString, USAGE.sign), true),
      extension(OID.extendedKeyUsage, sequence(OID.clientAuth)),
    ],
  });
}

interface Issuer {
  /** Its name as it stands in its certificate. */
  readonly name: Uint8Array<ArrayBuffer>;
  /** Its key's identifier; undefined when its certificate has none. */
  readonly keyId: Uint8Array<ArrayBuffer> | undefined;
}

interface CertificateParts {
  readonly subject: Uint8Array<ArrayBuffer>;
  readonly publicKey: PublicJwk;
  readonly sign: SignBytes;
  readonly at: number;
  readonly days: number;
  readonly issuer: Issuer | undefined;
  readonly extensions: readonly Uint8Array<ArrayBuffer>[];
}

/** TBSCertificate (RFC 5280 section 4.1.2), signed. */
async function certificate(parts: CertificateParts): Promise<Uint8Array<ArrayBuffer>> {
  const { subject, publicKey, issuer, at, days, extensions } = parts;
  const ownKeyId = await keyIdentifier(publicKey);
  const issuerKeyId = issuer === undefined ? ownKeyId : issuer.keyId;
  const serial = globalThis.crypto.getRandomValues(new Uint8Array(16));
  // Positive, and never shorter than its 16 bytes.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const body = sequence(
    element(CONTEXT_0, unsigned(Uint8Array.of(2))),
    unsigned(serial),
    SIGNATURE_ALGORITHM,
    issuer?.name ?? subject,
    sequence(instant(at), instant(at + days * DAY_MS)),
    subject,
    toPublicKeyInfo(publicKey),
    element(
      CONTEXT_3,
      sequence(
        ...extensions,
        extension(OID.subjectKeyIdentifier, element(TAG.octetString, ownKeyId)),
        ...(issuerKeyId === undefined ? [] : [extension(OID.authorityKeyIdentifier, sequence(element(0x80, issuerKeyId)))]),
      ),
    ),
  );
  return signed(body, parts.sign);
}

async function signed(body: Uint8Array<ArrayBuffer>, sign: SignBytes): Promise<Uint8Array<ArrayBuffer>> {
  return sequence(body, SIGNATURE_ALGORITHM, bitString(ecdsaToDer(await sign(body))));
}

interface Signed {
  readonly body: Uint8Array<ArrayBuffer>;
  /** DER. */
  readonly signature: Uint8Array<ArrayBuffer>;
}

function openSigned(bytes: Uint8Array<ArrayBuffer>, limit: number): Signed {
  if (bytes.length > limit) throw malformed(`it is longer than ${limit} bytes`);
  const outer = new ElementReader(bytes);
  const reader = outer.enter(TAG.sequence);
  outer.end();
  const body = reader.read(TAG.sequence).whole;
  if (!isEqual(reader.read(TAG.sequence).whole, SIGNATURE_ALGORITHM)) throw malformed('it is not signed with ECDSA and SHA-256');
  const signature = wholeBytes(reader.read(TAG.bitString).content);
  reader.end();
  return { body, signature };
}

/** Name and key identifier of an authority; its own signature may be of any kind. */
function readIssuer(authority: Uint8Array<ArrayBuffer>): Issuer {
  if (authority.length > CERTIFICATE_BYTES) throw malformed(`it is longer than ${CERTIFICATE_BYTES} bytes`);
  const reader = new ElementReader(authority).enter(TAG.sequence).enter(TAG.sequence);
  if (reader.nextTag === CONTEXT_0) reader.read(CONTEXT_0);
  reader.read(TAG.integer);
  reader.read(TAG.sequence);
  reader.read(TAG.sequence);
  reader.read(TAG.sequence);
  const name = reader.read(TAG.sequence).whole;
  reader.read(TAG.sequence);
  return { name, keyId: reader.nextTag === CONTEXT_3 ? readKeyId(reader.enter(CONTEXT_3).enter(TAG.sequence)) : undefined };
}

function readKeyId(extensions: ElementReader): Uint8Array<ArrayBuffer> | undefined {
  while (!extensions.isAtEnd) {
    const one = extensions.enter(TAG.sequence);
    const isIt = isEqual(one.read(TAG.oid).whole, OID.subjectKeyIdentifier);
    if (one.nextTag === TAG.boolean) one.read(TAG.boolean);
    const value = one.read(TAG.octetString).content;
    if (isIt) return new ElementReader(value).read(TAG.octetString).content;
  }
  return undefined;
}

/** PEM (RFC 7468) of one structure. */
export function toPem(label: 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'PRIVATE KEY', der: Uint8Array): string {
  let binary = '';
  for (const byte of der) binary += String.fromCharCode(byte);
  const lines = btoa(binary).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The first structure of this label in a PEM text, DER. @throws AgentError certificate.malformed */
export function fromPem(label: 'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'PRIVATE KEY', text: string): Uint8Array<ArrayBuffer> {
  const start = text.indexOf(`-----BEGIN ${label}-----`);
  const end = text.indexOf(`-----END ${label}-----`, start);
  if (start < 0 || end < 0) throw malformed(`there is no ${label} in it`);
  const body = text.slice(start + label.length + 16, end).replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) throw malformed('its text is not base64');
  try {
    return Uint8Array.from(atob(body), (char) => char.charCodeAt(0));
  } catch (cause) {
    throw malformed('its text is not base64', cause);
  }
}
