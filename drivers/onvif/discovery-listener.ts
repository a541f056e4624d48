import { createSocket, type Socket } from 'node:dgram';
import { type CameraGreetings, type DriverClock, DriverError, type DriverLog } from '../port.js';
import { DatagramGate, mayGreet } from './discovery-gate.js';
import { readGreeting } from './discovery-message.js';
import { discoveryPlaces, GROUPS, isInNetwork, type LocalNetwork } from './discovery-network.js';
import { parseXml } from './soap.js';

const PORT = 3702;

/** What listening needs. */
export interface ListenerParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
}

/** Our networks by which a datagram came in; none for one from elsewhere. */
function networksOf(sender: string, networks: readonly LocalNetwork[]): readonly LocalNetwork[] {
  const zone = /%(.+)$/.exec(sender)?.[1];
  if (zone !== undefined) return networks.filter(({ interfaceName }) => interfaceName === zone);
  return networks.filter((network) => isInNetwork(sender, network));
}

function join(socket: Socket, family: 4 | 6, networks: readonly LocalNetwork[], log: DriverLog): number {
  let joined = 0;
  for (const place of discoveryPlaces(networks)) {
    if (place.family !== family) continue;
    try {
      socket.addMembership(GROUPS[family], place.multicast);
      joined += 1;
    } catch (error) {
      log.debug('greetings are not heard on one address', { address: place.multicast, error });
    }
  }
  return joined;
}

function bind(family: 4 | 6): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket =
      family === 4 ? createSocket({ type: 'udp4', reuseAddr: true }) : createSocket({ type: 'udp6', reuseAddr: true, ipv6Only: true });
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind(PORT, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

/** Hello and Bye on every interface until closed or `signal` fires. Rejects with `camera.unreachable` where the port cannot be had. */
export async function listenToGreetings(
  parts: ListenerParts,
  networks: readonly LocalNetwork[],
  greetings: CameraGreetings,
  signal: AbortSignal,
): Promise<{ close(): Promise<void> }> {
  if (signal.aborted) throw new DriverError('driver.aborted', 'the caller gave up', { cause: signal.reason });
  const { clock, log } = parts;
  const gate = new DatagramGate();
  const hear = async (datagram: Buffer, sender: string): Promise<void> => {
    const own = networksOf(sender, networks);
    if (own.length === 0 || !gate.takes(sender, datagram.byteLength, clock.monotonicMs())) return;
    const text = datagram.toString('utf8');
    if (!mayGreet(text)) return;
    try {
      const greeting = readGreeting(await parseXml(text), { source: sender.replace(/%.*$/, ''), networks: own });
      if (isClosed || greeting === undefined) return;
      if ('hello' in greeting) greetings.onHello(greeting.hello);
      else greetings.onBye(greeting.bye);
    } catch (error) {
      log.debug('a greeting cannot be read', { sender, error });
    }
  };
  let isClosed = false;
  const sockets: Socket[] = [];
  for (const family of [4, 6] as const) {
    const socket = await bind(family);
    if (socket === undefined) continue;
    socket.on('error', (error) => log.debug('greetings are no longer heard', { error }));
    socket.on('message', (datagram, from) => void hear(datagram, from.address));
    if (join(socket, family, networks, log) > 0) sockets.push(socket);
    else socket.close();
  }
  if (sockets.length === 0) throw new DriverError('camera.unreachable', 'the port of WS-Discovery cannot be listened to');
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    signal.removeEventListener('abort', onAbort);
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  };
  const onAbort = (): void => void close();
  if (signal.aborted) await close();
  signal.addEventListener('abort', onAbort, { once: true });
  return { close };
}
