import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { type DiscoveredCamera, type DriverClock, DriverError, type DriverLog } from '../port.js';
import { CameraAccess } from './access.js';
import { parseReached } from './address.js';
import { withDeadline } from './deadline.js';
import { DatagramGate, mayAnswer } from './discovery-gate.js';
import { probeMessage, readProbeMatches } from './discovery-message.js';
import { OnvifSession } from './session.js';
import { parseXml } from './soap.js';
import { createTransport } from './transport.js';
import { createXmlReader } from './xml-reader.js';

const PORT = 3702;
/** Where cameras and recorders have ONVIF, the most frequent first; 443 is asked over TLS. */
export const USUAL_PORTS: readonly number[] = [80, 8080, 8000, 8899, 2020, 8081, 443];
/** One address and port: who is there answers this within a second. */
const ONE_PORT_MS = 3_000;
const UNICAST_MS = 1_500;

/** What asking one host needs. */
export interface DirectParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
  readonly ports?: readonly number[];
}

/** A host as a person writes it, taken apart; undefined for what is none. */
export function parseHost(
  text: string,
): { readonly host: string; readonly port: number | undefined; readonly uri: string | undefined } | undefined {
  const trimmed = text.trim();
  if (isIPv6(trimmed)) return { host: trimmed, port: undefined, uri: undefined };
  const isUri = /^https?:\/\//i.test(trimmed);
  const url = isUri ? trimmed : `http://${trimmed}`;
  if (trimmed === '' || trimmed.length > 512 || !URL.canParse(url)) return undefined;
  const { hostname, pathname, username, search } = new URL(url);
  if (hostname === '' || username !== '' || (!isUri && (pathname !== '/' || search !== ''))) return undefined;
  // URL drops :80, which a person may well have meant.
  const port = /:(\d{1,5})(?:\/|$)/.exec(url.replace(/^https?:\/\//i, ''))?.[1];
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === undefined || isIPv6(trimmed) ? undefined : Number(port), uri: isUri ? url : undefined };
}

const inUrl = (host: string): string => (isIPv6(host) ? `[${host}]` : host);

/** Asks one device address for its time without login. Undefined when it does not answer in ONVIF; only `driver.aborted` is thrown. */
export async function tryDevice({ clock }: DirectParts, deviceUri: string, signal: AbortSignal): Promise<DiscoveredCamera | undefined> {
  const reached = parseReached(deviceUri);
  const access = new CameraAccess(clock);
  const transport = createTransport(reached, access.pin);
  const session = new OnvifSession({ clock, reached, login: undefined, access, transport, reader: createXmlReader(clock) });
  const uri = `${reached.scheme}//${reached.host}${new URL(deviceUri).port === '' ? '' : `:${reached.port}`}${reached.path}`;
  try {
    await withDeadline(clock, signal, (inner) => session.askTime(inner), ONE_PORT_MS);
  } catch (error) {
    if (signal.aborted) throw new DriverError('driver.aborted', 'the caller gave up', { cause: error });
    // A fault is ONVIF too: some want a login even for their time. A bare 401 may be any web page.
    if (!(error instanceof DriverError) || error.detail.fault === undefined) return undefined;
  } finally {
    session.close();
  }
  return { endpoint: uri, deviceUri: uri, name: '', hardware: '' };
}

/** Asks one address by WS-Discovery alone: cameras answer that without multicast too. Never rejects. */
async function askUnicast({ clock, log }: DirectParts, address: string, signal: AbortSignal): Promise<DiscoveredCamera | undefined> {
  const socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4' });
  const id = randomUUID();
  try {
    return await new Promise<DiscoveredCamera | undefined>((resolve) => {
      const timer = clock.after(UNICAST_MS, () => end(undefined));
      const onAbort = (): void => end(undefined);
      const end = (found: DiscoveredCamera | undefined): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        resolve(found);
      };
      const gate = new DatagramGate();
      const ids = new Set([id]);
      const hear = async (datagram: Buffer, source: string): Promise<void> => {
        if (!gate.takes(source, datagram.byteLength, clock.monotonicMs())) return;
        const text = datagram.toString('utf8');
        if (!mayAnswer(text, ids)) return;
        const envelope = await parseXml(text);
        const found = readProbeMatches(envelope, { source, networks: [], isOurs: (said) => said === id });
        if (found[0] !== undefined) end(found[0]);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      socket.on('error', () => end(undefined));
      socket.on('message', (datagram, from) => {
        const source = from.address.replace(/%.*$/, '');
        if (source === address) hear(datagram, source).catch((error: unknown) => log.debug('an answer cannot be read', { source, error }));
      });
      socket.send(probeMessage(`urn:uuid:${id}`, 'dn:NetworkVideoTransmitter'), PORT, address, (error) => {
        if (error) end(undefined);
      });
    });
  } finally {
    socket.close();
  }
}

/** The first of several that answers something; undefined when none does. */
async function firstOf(tries: readonly Promise<DiscoveredCamera | undefined>[]): Promise<DiscoveredCamera | undefined> {
  const found = tries.map(async (each) => {
    const camera = await each;
    if (camera === undefined) throw new DriverError('camera.not_onvif', 'nothing here');
    return camera;
  });
  return Promise.any(found).catch(() => undefined);
}

/** The device addresses to try at a host, in order of likelihood. */
export function deviceUris(host: string, ports: readonly number[]): readonly string[] {
  return ports.map((port) => {
    const scheme = port === 443 || port === 8443 ? 'https' : 'http';
    const isDefault = port === (scheme === 'https' ? 443 : 80);
    return `${scheme}://${inUrl(host)}${isDefault ? '' : `:${port}`}/onvif/device_service`;
  });
}

/**
 * One host asked over its usual ports, or the one named, and by WS-Discovery for its lasting endpoint and its name. Undefined when
 * it does not speak ONVIF; rejects with `driver.aborted`, or `camera.unreachable` for what is no host.
 */
export function probeHost(parts: DirectParts, text: string, signal: AbortSignal): Promise<DiscoveredCamera | undefined> {
  const parsed = parseHost(text);
  if (parsed === undefined) throw new DriverError('camera.unreachable', 'this is no address of a host');
  const { host, port, uri } = parsed;
  return withDeadline(parts.clock, signal, async (inner) => {
    const address =
      isIP(host) === 0
        ? await lookup(host).then(
            (found) => found.address,
            () => undefined,
          )
        : host;
    if (address === undefined) return undefined;
    const ports = port === undefined ? (parts.ports ?? USUAL_PORTS) : [port];
    const over = new AbortController();
    const both = AbortSignal.any([inner, over.signal]);
    try {
      // A loser of the race ends with `driver.aborted`, which nobody waits for.
      const tries = (uri === undefined ? deviceUris(host, ports) : [uri]).map((each) => tryDevice(parts, each, both));
      const [told, met] = await Promise.all([
        port === undefined && uri === undefined ? askUnicast(parts, address, both) : undefined,
        firstOf(tries),
      ]);
      if (inner.aborted) throw inner.reason;
      return told ?? met;
    } finally {
      over.abort();
    }
  });
}
