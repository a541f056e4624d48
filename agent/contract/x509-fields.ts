import { fromUtf8, utf8 } from './text.js';
import { type ElementReader, element, isEqual, malformed, sequence, TAG } from './tlv.js';

/** Names, times and extensions as they stand in certificates. Pure. */

const oid = (...bytes: readonly number[]): Uint8Array<ArrayBuffer> => element(TAG.oid, Uint8Array.from(bytes));
/** Object identifiers as X.690 section 8.19 writes them. */
export const OID = {
  commonName: oid(0x55, 0x04, 0x03),
  subjectKeyIdentifier: oid(0x55, 0x1d, 0x0e),
  keyUsage: oid(0x55, 0x1d, 0x0f),
  subjectAltName: oid(0x55, 0x1d, 0x11),
  basicConstraints: oid(0x55, 0x1d, 0x13),
  authorityKeyIdentifier: oid(0x55, 0x1d, 0x23),
  extendedKeyUsage: oid(0x55, 0x1d, 0x25),
  serverAuth: oid(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01),
  clientAuth: oid(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02),
} as const;
/** TRUE; DER writes no FALSE where that is the default. */
export const TRUE = element(TAG.boolean, Uint8Array.of(0xff));

/** A subject or issuer that is one common name. @throws AgentError certificate.malformed */
export function nameOf(commonName: string): Uint8Array<ArrayBuffer> {
  // ub-common-name of RFC 5280 appendix A.1.
  if (!/^[^\p{Cc}]{1,64}$/u.test(commonName)) throw malformed('a common name has 1 to 64 characters and no control characters');
  return sequence(element(TAG.set, sequence(OID.commonName, element(TAG.utf8String, utf8(commonName)))));
}

/** The common name of a subject that is nothing else: what it could say besides nobody has checked. @throws AgentError certificate.malformed */
export function readName(names: ElementReader): string {
  const set = names.enter(TAG.set);
  names.end();
  const pair = set.enter(TAG.sequence);
  set.end();
  if (!isEqual(pair.read(TAG.oid).whole, OID.commonName)) throw malformed('its subject is more than a common name');
  const text = pair.read(pair.nextTag === TAG.printableString ? TAG.printableString : TAG.utf8String).content;
  pair.end();
  let commonName: string;
  try {
    commonName = fromUtf8(text);
  } catch (cause) {
    throw malformed('its common name is not UTF-8', cause);
  }
  nameOf(commonName);
  return commonName;
}

/** UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5). A recorder without a clock stands in 1970. */
export function instant(at: number): Uint8Array<ArrayBuffer> {
  const text = new Date(Math.max(0, at)).toISOString().replace(/\.\d+|[-:T]/g, '');
  return text < '2050' ? element(TAG.utcTime, utf8(text.slice(2))) : element(TAG.generalizedTime, utf8(text));
}

/** One extension (RFC 5280 section 4.1): `value` is the DER of its kind. */
export function extension(id: Uint8Array, value: Uint8Array, isCritical = false): Uint8Array<ArrayBuffer> {
  return sequence(id, ...(isCritical ? [TRUE] : []), element(TAG.octetString, value));
}

/** dNSName [2] (RFC 5280 section 4.2.1.6). @throws AgentError certificate.malformed */
export function dnsName(name: string): Uint8Array<ArrayBuffer> {
  if (!/^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(name)) {
    throw malformed(`"${name.slice(0, 60)}" is no host name`);
  }
  return element(0x82, utf8(name));
}

/** iPAddress [7]: 4 or 16 bytes. @throws AgentError certificate.malformed */
export function ipName(address: string): Uint8Array<ArrayBuffer> {
  return element(0x87, Uint8Array.from(address.includes(':') ? ipv6Bytes(address) : ipv4Bytes(address)));
}

function ipv4Bytes(address: string): number[] {
  const parts = /^\d{1,3}(?:\.\d{1,3}){3}$/.test(address) ? address.split('.').map(Number) : [];
  if (parts.length !== 4 || parts.some((part) => part > 255)) throw malformed(`"${address.slice(0, 60)}" is no IP address`);
  return parts;
}

/** The platform's URL parser knows every way to write an IPv6 address and gives back the shortest one. */
function ipv6Bytes(address: string): number[] {
  const plain = address.replace(/%.*$/, '');
  if (!URL.canParse(`http://[${plain}]`)) throw malformed(`"${address.slice(0, 60)}" is no IP address`);
  const [front = '', back] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::');
  const words = (text: string): number[] => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)));
  const start = words(front);
  const end = words(back ?? '');
  return [...start, ...new Array<number>(8 - start.length - end.length).fill(0), ...end].flatMap((word) => [word >> 8, word & 0xff]);
}
