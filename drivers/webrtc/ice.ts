import { isIP } from 'node:net';

const MAX_CANDIDATES = 24;

/**
 * The candidates of an offer that the recorder may try: UDP, component 1, a literal unicast address. Host names are dropped
 * (browsers hide addresses behind `.local` names; looking them up would send a query into the network for whoever wrote the
 * offer), the number is capped so that an offer cannot make the recorder knock at a whole network.
 */
export function usableCandidates(lines: readonly string[]): readonly string[] {
  const kept = new Map<string, string>();
  for (const line of lines) {
    const match =
      /^a=candidate:([A-Za-z0-9+/]{1,32}) 1 udp (\d{1,10}) ([0-9a-fA-F.:]{2,45}) (\d{1,5}) typ (host|srflx|prflx|relay)(?: |$)/i.exec(line);
    if (match === null) continue;
    const [, foundation = '', priority = '', address = '', port = '', type = ''] = match;
    if (!isUnicast(address) || Number(port) < 1 || Number(port) > 65_535 || Number(priority) > 0xffff_ffff) continue;
    // The related address (raddr) is only for display: it is not handed on.
    kept.set(
      `${address} ${port}`,
      `a=candidate:${foundation} 1 UDP ${priority} ${address} ${port} typ ${type.toLowerCase()}${related(type)}`,
    );
    if (kept.size >= MAX_CANDIDATES) break;
  }
  return [...kept.values()];
}

const related = (type: string): string => (type.toLowerCase() === 'host' ? '' : ' raddr 0.0.0.0 rport 0');

function isUnicast(address: string): boolean {
  const family = isIP(address);
  if (family === 4) {
    const first = Number(address.split('.')[0]);
    return first > 0 && first < 224;
  }
  return family === 6 && address !== '::' && !/^ff/i.test(address);
}

/** What the native library wants to hear about STUN and TURN servers. */
export type NativeIceServer =
  | string
  | {
      readonly hostname: string;
      readonly port: number;
      readonly username: string;
      readonly password: string;
      readonly relayType: 'TurnUdp';
    };

/**
 * `stun:host:port`, `turn:user:pass@host:port[?transport=udp]` (user and pass percent-encoded). What cannot be read or used is left
 * out and counted: a typing error there must not stop a viewer on the same network. The library speaks with TURN servers over UDP only
 * (libjuice; it would try a server for TCP over UDP and wait), and knows ICE over TCP only as the side that calls, which browsers
 * are too: so neither is offered.
 */
export function nativeIceServers(texts: readonly string[]): { readonly servers: readonly NativeIceServer[]; readonly unreadable: number } {
  const servers = texts.flatMap((text): NativeIceServer[] => {
    const match = /^(stun|turn):(?:([^:@\s]+):([^:@\s]+)@)?([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})(?:\?transport=udp)?$/.exec(text);
    if (match === null) return [];
    const [, scheme, user, password, host = '', port = ''] = match;
    if (scheme === 'stun') return [`stun:${host}:${port}`];
    const login = [decoded(user), decoded(password)] as const;
    if (login[0] === undefined || login[1] === undefined) return [];
    const server = { hostname: host.replace(/^\[|\]$/g, ''), port: Number(port) };
    return [{ ...server, username: login[0], password: login[1], relayType: 'TurnUdp' }];
  });
  return { servers, unreadable: texts.length - servers.length };
}

function decoded(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
