import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { type CameraDiscovery, type DiscoveredCamera, type DriverClock, DriverError, type DriverLog } from '../port.js';
import { probeHost } from './discovery-direct.js';
import { DatagramGate, mayAnswer } from './discovery-gate.js';
import { listenToGreetings } from './discovery-listener.js';
import { joinByEndpoint, type ProbeType, probeMessage, readProbeMatches } from './discovery-message.js';
import { type DiscoveryPlace, discoveryPlaces, type LocalNetwork, localNetworks } from './discovery-network.js';
import { scanNetwork } from './discovery-scan.js';
import { parseXml } from './soap.js';

const PORT = 3702;
/** Datagrams get lost, and some cameras answer only to the older type. Times are fractions of the listening time. */
const PROBES: readonly { readonly part: number; readonly type: ProbeType }[] = [
  { part: 0, type: 'dn:NetworkVideoTransmitter' },
  { part: 0.1, type: 'tds:Device' },
  { part: 0.3, type: 'dn:NetworkVideoTransmitter' },
];

/** What discovery is made with. */
export interface DiscoveryParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
  /** Addresses to ask from; default: all of this machine, asked anew at each discovery. */
  readonly networks?: () => readonly LocalNetwork[];
  /** Of all networks, only those in which this machine has one of these addresses. */
  readonly onlyFrom?: readonly string[] | undefined;
  /** HTTP ports that `probe` and `scan` try; default the usual ones of cameras. */
  readonly ports?: readonly number[];
}

/** One discovery under way: a socket per address or interface, none of which can fail the others. */
class Round {
  readonly #parts: DiscoveryParts;
  readonly #ids = new Set<string>();
  readonly #found: DiscoveredCamera[] = [];
  readonly #sockets = new Map<Socket, DiscoveryPlace>();
  readonly #reading = new Set<Promise<void>>();
  readonly #gate = new DatagramGate();

  constructor(parts: DiscoveryParts) {
    this.#parts = parts;
  }

  open(place: DiscoveryPlace): void {
    const socket = createSocket({ type: place.family === 4 ? 'udp4' : 'udp6', reuseAddr: true });
    this.#sockets.set(socket, place);
    const drop = (error: unknown): void => {
      this.#parts.log.debug('discovery does not work on one address', { address: place.multicast, error });
      if (this.#sockets.delete(socket)) socket.close();
    };
    socket.on('error', drop);
    socket.on('message', (datagram, from) => this.#receive(datagram, from.address.replace(/%.*$/, ''), place));
    socket.bind(0, place.bind, () => {
      try {
        socket.setMulticastInterface(place.multicast);
        socket.setMulticastLoopback(true);
        socket.setMulticastTTL(1);
      } catch (error) {
        drop(error);
      }
    });
  }

  /** Sends one probe from every socket; one that is not bound yet or has no route drops out quietly. */
  probe(type: ProbeType): void {
    for (const [socket, { group }] of this.#sockets) {
      const id = randomUUID();
      this.#ids.add(id);
      socket.send(probeMessage(`urn:uuid:${id}`, type), PORT, group, (error) => {
        if (error) this.#parts.log.debug('a probe could not be sent', { error });
      });
    }
  }

  /** What was found so far, and no socket left. */
  async close(): Promise<readonly DiscoveredCamera[]> {
    const open = [...this.#sockets.keys()];
    this.#sockets.clear();
    await Promise.all(open.map((socket) => new Promise<void>((resolve) => socket.close(resolve))));
    await Promise.all(this.#reading);
    return joinByEndpoint(this.#found);
  }

  #receive(datagram: Buffer, source: string, place: DiscoveryPlace): void {
    if (!this.#gate.takes(source, datagram.byteLength, this.#parts.clock.monotonicMs())) return;
    const text = datagram.toString('utf8');
    if (!mayAnswer(text, this.#ids)) return;
    const reading = this.#read(text, source, place).finally(() => this.#reading.delete(reading));
    this.#reading.add(reading);
  }

  async #read(text: string, source: string, { networks }: DiscoveryPlace): Promise<void> {
    try {
      const envelope = await parseXml(text);
      this.#found.push(...readProbeMatches(envelope, { source, networks, isOurs: (id) => this.#ids.has(id) }));
    } catch (error) {
      this.#parts.log.debug('a discovery answer cannot be read', { source, error });
    }
  }
}

async function discover(
  parts: DiscoveryParts,
  networks: readonly LocalNetwork[],
  { listenMs, signal }: { listenMs: number; signal: AbortSignal },
): Promise<readonly DiscoveredCamera[]> {
  const giveUp = (): DriverError => new DriverError('driver.aborted', 'the caller gave up', { cause: signal.reason });
  if (signal.aborted) throw giveUp();
  const round = new Round(parts);
  for (const place of discoveryPlaces(networks)) round.open(place);
  const timers = PROBES.map(({ part, type }) => parts.clock.after(Math.round(part * listenMs), () => round.probe(type)));
  await new Promise<void>((resolve) => {
    const end = (): void => {
      signal.removeEventListener('abort', end);
      resolve();
    };
    timers.push(parts.clock.after(listenMs, end));
    signal.addEventListener('abort', end, { once: true });
  });
  for (const timer of timers) timer.cancel();
  const found = await round.close();
  if (signal.aborted) throw giveUp();
  return found;
}

/** Discovery on every interface, IPv4 and IPv6. Rounds are independent: several at once do not disturb each other. */
export function createDiscovery(parts: DiscoveryParts): Required<CameraDiscovery> {
  const networks = (): readonly LocalNetwork[] => (parts.networks ?? (() => localNetworks(parts.onlyFrom)))();
  return {
    discover: (options) => discover(parts, networks(), options),
    probe: (host, { signal }) => probeHost(parts, host, signal),
    scan: (network, options) => scanNetwork(parts, networks(), network, options),
    listen: (greetings, { signal }) => listenToGreetings(parts, networks(), greetings, signal),
  };
}
