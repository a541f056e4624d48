import { setMaxListeners } from 'node:events';
import { connect, isIPv4 } from 'node:net';
import { type CallOptions, type DiscoveredCamera, type DriverClock, DriverError } from '../port.js';
import { type DirectParts, deviceUris, tryDevice, USUAL_PORTS } from './discovery-direct.js';
import { joinByEndpoint } from './discovery-message.js';
import { isInNetwork, type LocalNetwork } from './discovery-network.js';

const MAX_ADDRESSES = 1024;
/** Hosts asked at once; a switch or a small router takes that without trouble. */
const AT_ONCE = 32;
/** In a local network who is there takes a connection within this time. */
const CONNECT_MS = 500;

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toAddress = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

/**
 * The hosts of an IPv4 network such as 192.0.2.0/24, without network and broadcast address. Throws `camera.refused` for what is no
 * network, too large, or none of ours: nobody scans a neighbour by a slip of the pen.
 */
export function hostsOf(network: string, own: readonly LocalNetwork[]): readonly string[] {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(network.trim());
  const [address, bits] = [match?.[1] ?? '', Number(match?.[2] ?? 33)];
  if (!isIPv4(address) || bits > 32) throw new DriverError('camera.refused', 'this is no IPv4 network such as 192.0.2.0/24');
  const size = 2 ** (32 - bits);
  if (size > MAX_ADDRESSES) {
    throw new DriverError('camera.refused', `a network to scan has at most ${MAX_ADDRESSES} addresses`, { detail: { size } });
  }
  const first = Math.floor(toNumber(address) / size) * size;
  const [lowest, highest] = [toAddress(first), toAddress(first + size - 1)];
  if (!own.some((local) => isInNetwork(lowest, local) && isInNetwork(highest, local))) {
    throw new DriverError('camera.refused', 'this machine has no address in that network', { detail: { network } });
  }
  const all = Array.from({ length: size }, (_, at) => toAddress(first + at));
  return size > 2 ? all.slice(1, -1) : all;
}

/** Whether something takes a connection there. */
function isOpen(clock: DriverClock, host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (found: boolean): void => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(found);
    };
    const onAbort = (): void => end(false);
    const timer = clock.after(CONNECT_MS, () => end(false));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

async function scanHost(parts: DirectParts, host: string, signal: AbortSignal): Promise<readonly DiscoveredCamera[]> {
  const ports = parts.ports ?? USUAL_PORTS;
  const open = await Promise.all(ports.map((port) => isOpen(parts.clock, host, port, signal)));
  for (const uri of deviceUris(
    host,
    ports.filter((_, at) => open[at] === true),
  )) {
    if (signal.aborted) return [];
    const camera = await tryDevice(parts, uri, signal);
    // A camera often answers on several ports: the first is enough.
    if (camera !== undefined) return [camera];
  }
  return [];
}

/** Every host of one network asked for ONVIF, a few at a time. Only for a person who asked for it; see `CameraDiscovery.scan`. */
export async function scanNetwork(
  parts: DirectParts,
  own: readonly LocalNetwork[],
  network: string,
  { signal, onProgress }: CallOptions & { readonly onProgress?: (part: number) => void },
): Promise<readonly DiscoveredCamera[]> {
  const hosts = hostsOf(network, own);
  // One of our own, because every connection under way listens to it.
  const over = AbortSignal.any([signal]);
  setMaxListeners(0, over);
  const found: DiscoveredCamera[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let host = hosts[next++]; host !== undefined && !over.aborted; host = hosts[next++]) {
      found.push(...(await scanHost(parts, host, over)));
      done += 1;
      onProgress?.(done / hosts.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, hosts.length) }, work));
  if (signal.aborted) throw new DriverError('driver.aborted', 'the caller gave up', { cause: signal.reason });
  return joinByEndpoint(found);
}
