/** WS-Discovery (2005/04, as ONVIF wants it): answers probes, says Hello and Bye. */
import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { child, escapeXml, parseXml, textAt, type XmlElement } from './xml.js';

const GROUP = '239.255.255.250';
const PORT = 3702;
const SOAP = 'http://www.w3.org/2003/05/soap-envelope';
const WSA = 'http://schemas.xmlsoap.org/ws/2004/08/addressing';
const WSD = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';
const OUR_TYPES = ['NetworkVideoTransmitter', 'Device'];

/** What discovery tells. */
export interface Discoverable {
  /** urn:uuid:... */
  readonly endpoint: string;
  readonly scopes: readonly string[];
  /** The device service's address as seen on one of our own IPv4 addresses. */
  deviceUri(ownAddress: string): string;
  /** The same service on another interface, told in a second answer; '' for none. */
  secondUri(): string;
  /** Silent while this says so. */
  isGone(): boolean;
}

export interface DiscoveryResponder {
  /** Says on every interface that the camera is (back) there. */
  hello(): Promise<void>;
  /** Says on every interface that it leaves. */
  bye(): Promise<void>;
  /** Says Bye on every interface and closes. */
  stop(): Promise<void>;
}

/** An IPv4 address of this machine and its network's mask. */
interface OwnAddress {
  readonly address: string;
  readonly netmask: string;
}

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** The own address in whose network a sender is; undefined when it comes from elsewhere. */
export function ownAddressFor(sender: string, own: readonly OwnAddress[]): string | undefined {
  const exact = own.find((one) => one.address === sender);
  const near = own.find((one) => {
    const mask = toNumber(one.netmask);
    return (toNumber(one.address) & mask) >>> 0 === (toNumber(sender) & mask) >>> 0;
  });
  return (exact ?? near)?.address;
}

/** The MessageID of a probe that asks for something like us; undefined for everything else. Pure. */
export function matchProbe(text: string, scopes: readonly string[]): string | undefined {
  // Sixty cameras in one process hear each other's greetings: those need not be read.
  if (!/[:<]Probe[\s>/]/.test(text)) return undefined;
  let root: XmlElement;
  try {
    root = parseXml(text);
  } catch {
    return undefined;
  }
  const header = child(root, 'Header', SOAP);
  const probe = child(child(root, 'Body', SOAP), 'Probe', WSD);
  const id = child(header, 'MessageID', WSA)?.text.trim();
  if (probe === undefined || id === undefined || id === '' || child(header, 'Action', WSA)?.text.trim() !== `${WSD}/Probe`)
    return undefined;
  const types = (textAt(probe, 'Types') ?? '').split(/\s+/).filter((one) => one !== '');
  if (!types.every((one) => OUR_TYPES.includes(one.split(':').at(-1) ?? ''))) return undefined;
  const wanted = (textAt(probe, 'Scopes') ?? '').split(/\s+/).filter((one) => one !== '');
  // Prefix match by path segments, the default rule of WS-Discovery.
  const hasScope = (one: string): boolean => scopes.some((scope) => scope === one || scope.startsWith(`${one.replace(/\/$/, '')}/`));
  return wanted.every(hasScope) ? id : undefined;
}

function message(action: string, body: string, to: string, relatesTo?: string): string {
  const relation = relatesTo === undefined ? '' : `<a:RelatesTo>${escapeXml(relatesTo)}</a:RelatesTo>`;
  const head = `<a:MessageID>urn:uuid:${randomUUID()}</a:MessageID>${relation}<a:To>${to}</a:To><a:Action>${WSD}/${action}</a:Action>`;
  const spaces = `xmlns:s="${SOAP}" xmlns:a="${WSA}" xmlns:d="${WSD}" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope ${spaces}><s:Header>${head}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
}

function description(camera: Discoverable, deviceUri: string): string {
  const reference = `<a:EndpointReference><a:Address>${camera.endpoint}</a:Address></a:EndpointReference>`;
  const facts = `<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>${camera.scopes.map(escapeXml).join(' ')}</d:Scopes>`;
  return `${reference}${facts}<d:XAddrs>${escapeXml(deviceUri)}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>`;
}

const EVERYONE = 'urn:schemas-xmlsoap-org:ws:2005:04:discovery';

/** Every IPv4 address of this machine, or only the one that the camera listens on. */
function addressesFor(host: string): readonly OwnAddress[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).filter((one) => one.family === 'IPv4'));
  return host === '0.0.0.0' ? all : all.filter((one) => one.address === host);
}

/** Sends one message to the group from each of our addresses; an interface without multicast is passed over. */
async function announce(own: readonly OwnAddress[], text: (address: string) => string): Promise<void> {
  const send = async ({ address }: OwnAddress): Promise<void> => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.on('error', () => {});
    await new Promise<void>((done) => socket.bind(0, address, done));
    try {
      socket.setMulticastInterface(address);
      await new Promise<void>((done) => socket.send(text(address), PORT, GROUP, () => done()));
    } catch {
      // No multicast on this interface.
    }
    socket.close();
  };
  await Promise.all(own.map(send));
}

/** Joins the group on every interface that `host` stands for; shares the port with whoever else listens there. */
export async function startDiscovery(camera: Discoverable, host: string): Promise<DiscoveryResponder> {
  const own = addressesFor(host);
  const socket: Socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('error', () => {});
  socket.on('message', (bytes, sender) => {
    const address = ownAddressFor(sender.address, own);
    const probe = address === undefined || camera.isGone() ? undefined : matchProbe(bytes.toString('utf8'), camera.scopes);
    if (address === undefined || probe === undefined) return;
    for (const uri of [camera.deviceUri(address), camera.secondUri()]) {
      if (uri === '') continue;
      const body = `<d:ProbeMatches><d:ProbeMatch>${description(camera, uri)}</d:ProbeMatch></d:ProbeMatches>`;
      socket.send(message('ProbeMatches', body, `${WSA}/role/anonymous`, probe), sender.port, sender.address);
    }
  });
  socket.bind(PORT);
  await once(socket, 'listening');
  for (const { address } of own) {
    try {
      socket.addMembership(GROUP, address);
    } catch {
      // No multicast on this interface.
    }
  }
  const farewell = `<d:Bye><a:EndpointReference><a:Address>${camera.endpoint}</a:Address></a:EndpointReference></d:Bye>`;
  const responder: DiscoveryResponder = {
    hello: () =>
      announce(own, (address) => message('Hello', `<d:Hello>${description(camera, camera.deviceUri(address))}</d:Hello>`, EVERYONE)),
    bye: () => announce(own, () => message('Bye', farewell, EVERYONE)),
    async stop() {
      if (!camera.isGone()) await responder.bye();
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
  await responder.hello();
  return responder;
}
