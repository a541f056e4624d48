/** The address that a client reached us at, and the serial number under whose name a network may know us. */
export interface OwnNames {
  readonly localAddress: string;
  readonly serial: string;
}

/** An address as it stands in a URL: without zone, IPv4 as IPv4, IPv6 in its one short form without brackets. */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  return bare.includes(':') ? hostOf(`[${bare}]`) : bare;
}

function hostOf(host: string): string {
  try {
    return new URL(`https://${host}`).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  } catch {
    return '';
  }
}

/**
 * Whether a Host header names this recorder: the address that was connected to, `<serial>.local` or `localhost`. A page elsewhere whose name
 * was made to point here (DNS rebinding) still sends its own name, and is turned away by it. The port is not judged: it may be forwarded.
 */
export function isOwnHost(host: string | undefined, own: OwnNames): boolean {
  if (host === undefined || !/^[A-Za-z0-9.:[\]-]{1,80}$/.test(host)) return false;
  const name = hostOf(host);
  return name === 'localhost' || name === `${own.serial.toLowerCase()}.local` || (name !== '' && name === plainAddress(own.localAddress));
}

/** What a browser says of where a request comes from. */
export interface RequestSource {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`. */
  readonly site: string | undefined;
}

/** Whether it is our own page, or a program that is no browser, which sends neither. For reading. */
export function mayRead({ site }: RequestSource): boolean {
  return site === undefined || site === 'same-origin' || site === 'none';
}

/** Whether the request surely comes from our own page (or a program that says so): another page's form or script cannot claim it. For writing. */
export function mayWrite(source: RequestSource): boolean {
  return mayRead(source) && source.host !== undefined && source.origin === `https://${source.host.toLowerCase()}`;
}
