import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** One address of this machine and the network it is in. */
export interface LocalNetwork {
  /** IPv4, or IPv6 without brackets and zone. */
  readonly address: string;
  readonly netmask: string;
  /** Name of the interface; needed for IPv6, whose multicast goes out of an interface and not of an address. */
  readonly interfaceName?: string;
}

/** An address as numbers: four of IPv4, eight of IPv6; undefined for anything else. A zone (`%eth0`) is no part of it. */
function parts(address: string): readonly number[] | undefined {
  const plain = address.replace(/%.*$/, '');
  if (isIPv4(plain)) return plain.split('.').map(Number);
  if (!isIPv6(plain) || plain.includes('.')) return undefined;
  const [head = '', tail] = plain.split('::');
  const read = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [front, back] = [read(head), read(tail ?? '')];
  const gap = tail === undefined ? 0 : 8 - front.length - back.length;
  return [...front, ...Array.from({ length: gap }, () => 0), ...back];
}

/** Whether an address lies in the network of one of our own, of the same family. */
export function isInNetwork(address: string, network: LocalNetwork): boolean {
  const [theirs, ours, mask] = [parts(address), parts(network.address), parts(network.netmask)];
  if (theirs === undefined || ours === undefined || mask === undefined || theirs.length !== ours.length) return false;
  return theirs.every((part, at) => (part & (mask[at] ?? 0)) === ((ours[at] ?? 0) & (mask[at] ?? 0)));
}

/** Whether two texts are the same address. */
export function isSameAddress(one: string, other: string): boolean {
  const [these, those] = [parts(one), parts(other)];
  return these !== undefined && those !== undefined && these.length === those.length && these.every((part, at) => part === those[at]);
}

/** fe80::/10: such an address means nothing without an interface, and no URL can carry one. */
export const isLinkLocal = (address: string): boolean => /^fe[89ab][0-9a-f]:/i.test(address);

/** Every address of this machine, loopback included (a camera may be emulated on the recorder itself); of `only` those named there. */
export function localNetworks(only: readonly string[] | undefined): readonly LocalNetwork[] {
  return Object.entries(networkInterfaces()).flatMap(([interfaceName, addresses]) =>
    (addresses ?? [])
      .filter(({ address }) => only === undefined || only.includes(address))
      .map(({ address, netmask }) => ({ address, netmask, interfaceName })),
  );
}

/** Where one socket asks from. */
export interface DiscoveryPlace {
  readonly family: 4 | 6;
  /** Address to bind to. */
  readonly bind: string;
  /** For setMulticastInterface. */
  readonly multicast: string;
  /** Group to send to, with zone. */
  readonly group: string;
  /** Networks in which an answer may send us. */
  readonly networks: readonly LocalNetwork[];
}

/** The groups of WS-Discovery. */
export const GROUPS = { 4: '239.255.255.250', 6: 'ff02::c' } as const;

/** One place for every IPv4 address and one for every interface that has IPv6. */
export function discoveryPlaces(networks: readonly LocalNetwork[]): readonly DiscoveryPlace[] {
  const four = networks.filter(({ address }) => isIPv4(address));
  const six = new Set(
    networks.flatMap(({ address, interfaceName }) => (isIPv6(address) && interfaceName !== undefined ? [interfaceName] : [])),
  );
  return [
    ...four.map((network): DiscoveryPlace => {
      const { address } = network;
      return { family: 4, bind: address, multicast: address, group: GROUPS[4], networks: [network] };
    }),
    ...[...six].map((name): DiscoveryPlace => {
      const own = networks.filter(({ address, interfaceName }) => interfaceName === name && !isLinkLocal(address));
      return { family: 6, bind: '::', multicast: `::%${name}`, group: `${GROUPS[6]}%${name}`, networks: own };
    }),
  ];
}
