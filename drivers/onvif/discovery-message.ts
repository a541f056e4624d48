import { isIPv4 } from 'node:net';
import * as z from 'zod/mini';
import type { DiscoveredCamera } from '../port.js';
import { first, many, text } from './shapes.js';

/** One IPv4 address of this machine and the network it is in. */
export interface LocalNetwork {
  readonly address: string;
  readonly netmask: string;
}

/** What WS-Discovery may ask for: cameras, and the devices of before there was that word. */
export type ProbeType = 'dn:NetworkVideoTransmitter' | 'tds:Device';

/** A Probe (WS-Discovery, April 2005, which is what ONVIF prescribes). `messageId` is a urn:uuid. */
export function probeMessage(messageId: string, type: ProbeType): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"' +
    ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"' +
    ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><s:Header>' +
    '<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>' +
    `<a:MessageID>${messageId}</a:MessageID>` +
    '<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>' +
    '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>' +
    `<s:Body><d:Probe><d:Types>${type}</d:Types></d:Probe></s:Body></s:Envelope>`
  );
}

const Match = z.object({ EndpointReference: first(z.object({ Address: text })), Scopes: text, XAddrs: text });
const Answer = z.object({
  Header: z.object({ RelatesTo: text }),
  Body: z.object({ ProbeMatches: z.object({ ProbeMatch: many(Match) }) }),
});

/** UUIDs come back with and without `urn:`, in either case. */
const sameId = (id: string): string => id.toLowerCase().replace(/^(urn:)?uuid:/, '');

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** Whether an IPv4 address lies in the network of one of our own. */
export function isInNetwork(address: string, network: LocalNetwork): boolean {
  const mask = toNumber(network.netmask);
  // Bitwise operators are 32 bit and signed; >>> 0 makes both sides comparable.
  return (toNumber(address) & mask) >>> 0 === (toNumber(network.address) & mask) >>> 0;
}

/**
 * The address a camera may be asked at: of those it lists the one it answered from, else one in the same network. Anything else is
 * someone sending us elsewhere, or an interface we cannot reach.
 */
function chooseAddress(xaddrs: string, source: string, network: LocalNetwork): string | undefined {
  const offered = xaddrs
    .split(/\s+/)
    .slice(0, 16)
    .filter((xaddr) => xaddr.length <= 512 && URL.canParse(xaddr))
    .map((xaddr) => new URL(xaddr))
    .filter((url) => (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && isIPv4(url.hostname));
  const own = offered.find((url) => url.hostname === source);
  return (own ?? offered.find((url) => isInNetwork(url.hostname, network)))?.href;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch {
    return value;
  }
}

/** Value of the first scope `onvif://www.onvif.org/<kind>/<value>`, decoded, without control characters, at most 80 characters. */
function scopeValue(scopes: string, kind: string): string {
  const prefix = `onvif://www.onvif.org/${kind}/`;
  const scope = scopes.split(/\s+/).find((candidate) => candidate.toLowerCase().startsWith(prefix));
  const value = decoded(scope?.slice(prefix.length) ?? '');
  return value
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 80);
}

/**
 * Cameras named by one parsed datagram from `source`. Nothing for an answer to a question that was not ours (`isOurs` gets the bare
 * UUID); matches without a usable address are left out. Never throws.
 */
export function readProbeMatches(
  envelope: unknown,
  context: { readonly source: string; readonly network: LocalNetwork; readonly isOurs: (id: string) => boolean },
): readonly DiscoveredCamera[] {
  const made = z.safeParse(Answer, envelope);
  if (!made.success || !context.isOurs(sameId(made.data.Header.RelatesTo))) return [];
  return made.data.Body.ProbeMatches.ProbeMatch.slice(0, 64).flatMap((match) => {
    const deviceUri = chooseAddress(match.XAddrs, context.source, context.network);
    if (deviceUri === undefined) return [];
    const endpoint = match.EndpointReference?.Address.slice(0, 200) || deviceUri;
    return [{ endpoint, deviceUri, name: scopeValue(match.Scopes, 'name'), hardware: scopeValue(match.Scopes, 'hardware') }];
  });
}

/** One camera per endpoint; of several addresses always the same one, so that it does not wander between two interfaces. */
export function joinByEndpoint(found: readonly DiscoveredCamera[]): readonly DiscoveredCamera[] {
  const byEndpoint = new Map<string, DiscoveredCamera>();
  for (const camera of found) {
    const key = sameId(camera.endpoint);
    const known = byEndpoint.get(key);
    if (known === undefined || camera.deviceUri < known.deviceUri) byEndpoint.set(key, camera);
  }
  return [...byEndpoint.values()].sort((one, other) => (one.deviceUri < other.deviceUri ? -1 : 1));
}
