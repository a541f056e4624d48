import { isIP } from 'node:net';
import * as z from 'zod/mini';
import type { DiscoveredCamera } from '../port.js';
import { isInNetwork, isLinkLocal, isSameAddress, type LocalNetwork } from './discovery-network.js';
import { first, many, text } from './shapes.js';

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

const Greeting = z.object({
  Body: z.object({
    Hello: first(z.object({ EndpointReference: first(z.object({ Address: text })), Types: text, Scopes: text, XAddrs: text })),
    Bye: first(z.object({ EndpointReference: first(z.object({ Address: text })) })),
  }),
});

/** UUIDs come back with and without `urn:`, in either case. */
const sameId = (id: string): string => id.toLowerCase().replace(/^(urn:)?uuid:/, '');

/** Where an answer came from and where it may send us. */
export interface AnswerPlace {
  /** Address of the sender, without zone. */
  readonly source: string;
  /** Our networks on the interface it came in by. */
  readonly networks: readonly LocalNetwork[];
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/**
 * The address a camera may be asked at: of those it lists the one it answered from, else one in the same network, IPv4 before IPv6.
 * Anything else is someone sending us elsewhere, or an interface we cannot reach.
 */
function chooseAddress(xaddrs: string, { source, networks }: AnswerPlace): string | undefined {
  const offered = xaddrs
    .split(/\s+/)
    .slice(0, 16)
    .filter((xaddr) => xaddr.length <= 512 && URL.canParse(xaddr))
    .map((xaddr) => new URL(xaddr))
    .filter((url) => (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && isIP(hostOf(url)) !== 0)
    .filter((url) => !isLinkLocal(hostOf(url)));
  const own = offered.find((url) => isSameAddress(hostOf(url), source));
  const near = offered.filter((url) => networks.some((network) => isInNetwork(hostOf(url), network)));
  return (own ?? near.find((url) => isIP(url.hostname) === 4) ?? near[0])?.href;
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

function readCamera(match: z.infer<typeof Match>, place: AnswerPlace): DiscoveredCamera | undefined {
  const deviceUri = chooseAddress(match.XAddrs, place);
  if (deviceUri === undefined) return undefined;
  const endpoint = match.EndpointReference?.Address.slice(0, 200) || deviceUri;
  return { endpoint, deviceUri, name: scopeValue(match.Scopes, 'name'), hardware: scopeValue(match.Scopes, 'hardware') };
}

/**
 * Cameras named by one parsed datagram. Nothing for an answer to a question that was not ours (`isOurs` gets the bare UUID); matches
 * without a usable address are left out. Never throws.
 */
export function readProbeMatches(
  envelope: unknown,
  place: AnswerPlace & { readonly isOurs: (id: string) => boolean },
): readonly DiscoveredCamera[] {
  const made = z.safeParse(Answer, envelope);
  if (!made.success || !place.isOurs(sameId(made.data.Header.RelatesTo))) return [];
  return made.data.Body.ProbeMatches.ProbeMatch.slice(0, 64).flatMap((match) => readCamera(match, place) ?? []);
}

/** Other devices greet on the same port; cameras name their type or their scopes. */
const isCamera = ({ Types, Scopes }: { readonly Types: string; readonly Scopes: string }): boolean =>
  /(?:^|[\s:])NetworkVideoTransmitter(?:\s|$)/.test(Types) || Scopes.toLowerCase().includes('onvif://www.onvif.org/');

/** What one parsed datagram says without being asked; undefined for anything else. Never throws. */
export function readGreeting(
  envelope: unknown,
  place: AnswerPlace,
): { readonly hello: DiscoveredCamera } | { readonly bye: string } | undefined {
  const made = z.safeParse(Greeting, envelope);
  if (!made.success) return undefined;
  const { Hello, Bye } = made.data.Body;
  const hello = Hello !== undefined && isCamera(Hello) ? readCamera(Hello, place) : undefined;
  if (hello !== undefined) return { hello };
  const left = Bye?.EndpointReference?.Address.slice(0, 200) ?? '';
  return left === '' ? undefined : { bye: left };
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
