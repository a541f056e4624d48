import { BlockList } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

/** Networks that no router of the internet passes on: RFC 1918, RFC 3927, loopback, RFC 4193, link-local. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv6');

/** The machine's own networks, as `os.networkInterfaces` tells of them. */
export type Interfaces = NodeJS.Dict<readonly NetworkInterfaceInfo[]>;

/**
 * Whether an address (as plainAddress gives it) is on a private network or in one of the machine's own: a recorder whose router forwards the
 * port by mistake, or that has a public IPv6 address, is then still not a door to the internet.
 */
export function isNear(address: string, own: () => Interfaces = networkInterfaces): boolean {
  const family = address.includes(':') ? 'ipv6' : 'ipv4';
  if (PRIVATE.check(address, family)) return true;
  const mine = new BlockList();
  for (const { address: base, family: kind, cidr } of Object.values(own()).flatMap((all) => all ?? [])) {
    const prefix = Number(cidr?.split('/')[1] ?? Number.NaN);
    // A network of more than 2^16 addresses (IPv4) or that is no network at all says nothing about nearness.
    if (Number.isInteger(prefix) && prefix >= (kind === 'IPv4' ? 16 : 48)) mine.addSubnet(base, prefix, kind === 'IPv4' ? 'ipv4' : 'ipv6');
  }
  return mine.check(address, family);
}
