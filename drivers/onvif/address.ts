import { DriverError } from '../port.js';

/** Where a camera was reached: everything it says of its own addresses is rebuilt on this, because it may sit behind NAT. */
export interface Reached {
  /** `http:` or `https:` */
  readonly scheme: 'http:' | 'https:';
  /** As in a URL: IPv6 in brackets. */
  readonly host: string;
  /** Without brackets, for sockets. */
  readonly socketHost: string;
  readonly port: number;
  /** `host:port`, the key of everything remembered per camera. */
  readonly key: string;
  /** Path and query of the device service. */
  readonly path: string;
}

/** Throws `camera.unreachable` for an address that is none. */
export function parseReached(deviceUri: string): Reached {
  const url = URL.canParse(deviceUri) ? new URL(deviceUri) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
    throw new DriverError('camera.unreachable', 'the device address is not an http or https address', { detail: { deviceUri } });
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return {
    scheme: url.protocol,
    host: url.hostname,
    socketHost: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    key: `${url.hostname}:${port}`,
    path: url.pathname === '/' ? '/onvif/device_service' : `${url.pathname}${url.search}`,
  };
}

const MAX_URI_CHARS = 2048;

/**
 * Path and query of an address the camera named, to be asked at the reached host and port; undefined when it is no http(s) address.
 * A lone `?` at the end stays: some cameras answer only with it.
 */
export function servicePath(xaddr: string): string | undefined {
  const trimmed = xaddr.trim();
  if (trimmed.length > MAX_URI_CHARS || !URL.canParse(trimmed)) return undefined;
  const url = new URL(trimmed);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  const hasLoneMark = url.search === '' && /\?(?:#|$)/.test(trimmed);
  return `${url.pathname}${hasLoneMark ? '?' : url.search}`;
}

/** Port of a stream address as the camera wrote it; undefined when it wrote none. */
export function streamPort(uri: string): number | undefined {
  const port = URL.canParse(uri) ? new URL(uri).port : '';
  return port === '' ? undefined : Number(port);
}

/**
 * The stream address on the reached host: port (or `port` instead), path and query stay, a login inside is dropped. Throws
 * `stream.bad_uri` for any scheme but rtsp and rtsps, so that a hostile camera cannot send us to a file, another protocol or another
 * machine.
 */
export function rebuildStreamUri(uri: string, reached: Pick<Reached, 'host'>, port: number | undefined = streamPort(uri)): string {
  const url = uri.length <= MAX_URI_CHARS && URL.canParse(uri) ? new URL(uri) : undefined;
  if (url === undefined) throw new DriverError('stream.bad_uri', 'the camera gave no usable stream address');
  if (url.protocol !== 'rtsp:' && url.protocol !== 'rtsps:') {
    const scheme = url.protocol.slice(0, -1);
    throw new DriverError('stream.bad_uri', `the camera gave a stream address of scheme ${scheme}`, { detail: { scheme } });
  }
  return `${url.protocol}//${reached.host}${port === undefined ? '' : `:${port}`}${url.pathname}${url.search}`;
}
