/**
 * Stream addresses and the control addresses a camera gives inside them. Pure. Cameras compare such strings literally, so path and
 * query are kept as written; scheme, host and port are taken apart and put together again, so that nothing the camera says can lead
 * a request to another machine.
 */
import { DriverError } from '../port.js';

/** A stream address in parts. `path` begins with a slash and holds the query too; only printable ASCII. */
export interface RtspUri {
  readonly isSecure: boolean;
  /** Lower case; IPv6 without brackets and in its short form, with the link behind % where the address is of one only (fe80::1%eth0). */
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

const MAX_URI_CHARS = 2048;
const PORT = 554;
const SECURE_PORT = 322;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/;
const ADDRESS =
  /^(rtsps?):\/\/(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+(?:%(?:25)?[A-Za-z0-9._~-]{1,32})?)\])(?::(\d{1,5}))?([/?][^#]*)?(?:#.*)?$/i;

/** The link a local address is on is this machine's own word for it: kept as written, and never sent (RFC 6874 section 3). */
function plainHost(host: string): string {
  const [address = '', link] = host.replace(/^\[(.*)\]$/, '$1').split(/%(?:25)?/);
  const text = `http://[${address}]`;
  const plain = address.includes(':') && URL.canParse(text) ? new URL(text).hostname.slice(1, -1) : address.toLowerCase();
  return link === undefined ? plain : `${plain}%${link}`;
}

const withoutLink = (host: string): string => host.replace(/%.*$/, '');
const linkOf = (host: string): string | undefined => host.split('%')[1];

/** Path and query as printable ASCII: everything else percent-encoded as UTF-8, what is already encoded left alone. */
function encodePath(path: string): string {
  const rooted = path.startsWith('/') ? path : `/${path}`;
  return [...rooted]
    .map((char) => (char > ' ' && char < '\u007f' ? char : Buffer.from(char, 'utf8').toString('hex').replace(/../g, '%$&')))
    .join('');
}

/** Takes an rtsp:// or rtsps:// address apart; undefined for anything else, for a login inside it, and for control characters. */
export function parseRtspUri(text: string): RtspUri | undefined {
  if (text.length > MAX_URI_CHARS || CONTROL_CHARACTERS.test(text)) return undefined;
  const match = ADDRESS.exec(text.trim());
  if (match === null) return undefined;
  const isSecure = match[1]?.toLowerCase() === 'rtsps';
  const port = match[4] === undefined ? (isSecure ? SECURE_PORT : PORT) : Number(match[4]);
  if (port < 1 || port > 65_535) return undefined;
  return { isSecure, host: plainHost(match[2] ?? match[3] ?? ''), port, path: encodePath(match[5] ?? '/') };
}

/** The address of a stream on the one host it may be on; throws `stream.bad_uri` in words for a person. */
export function requireRtspUri(text: string, allowedHost: string): RtspUri {
  const uri = parseRtspUri(text);
  if (uri === undefined) throw new DriverError('stream.bad_uri', 'The camera gave a stream address that is not a plain rtsp address.');
  const allowed = plainHost(allowedHost);
  const [link, allowedLink] = [linkOf(uri.host), linkOf(allowed)];
  const isElsewhere = link !== undefined && allowedLink !== undefined && link !== allowedLink;
  if (isElsewhere || withoutLink(uri.host) !== withoutLink(allowed)) {
    throw new DriverError('stream.bad_uri', 'The stream address points to another device than the camera.', {
      detail: { host: uri.host, allowedHost },
    });
  }
  // A camera does not know what we call the link it is on; we reach it by the name under which it was found.
  return { ...uri, host: allowed };
}

/** The text of a request line: our scheme, host and port with the given path. */
export function formatRtspUri(uri: RtspUri, path = uri.path): string {
  const host = uri.host.includes(':') ? `[${withoutLink(uri.host)}]` : uri.host;
  const port = uri.port === (uri.isSecure ? SECURE_PORT : PORT) ? '' : `:${uri.port}`;
  return `${uri.isSecure ? 'rtsps' : 'rtsp'}://${host}${port}${path}`;
}

/** The path of an absolute address whoever it names (cameras behind NAT name themselves by inner addresses), or undefined. */
function pathOfAbsolute(text: string): string | undefined {
  const match = /^rtsps?:\/\/[^/?]*(.*)$/i.exec(text);
  return match === null ? undefined : match[1] || '/';
}

/** The base path of a description from its Content-Base or Content-Location (also relative, or with the scheme forgotten). */
export function basePath(header: string | undefined, requestPath: string): string {
  const text = header?.trim() ?? '';
  if (text === '' || text.length > MAX_URI_CHARS || CONTROL_CHARACTERS.test(text)) return requestPath;
  const absolute = pathOfAbsolute(text);
  if (absolute !== undefined) return encodePath(absolute);
  if (text.startsWith('/')) return encodePath(text);
  const schemeless = /^(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]|[a-z0-9.-]+:\d+)(?::\d+)?(\/.*)$/i.exec(text);
  return schemeless?.[1] === undefined ? requestPath : encodePath(schemeless[1]);
}

const append = (base: string, control: string): string => (base.endsWith('/') || control.startsWith('?') ? base : `${base}/`) + control;

/**
 * Paths to try for a control attribute, the likeliest first. RFC 2326 C.1.1 asks for relative resolution, but what cameras and the
 * clients they are tested with do is to append to the base, query included; so that comes first and the letter of the RFC second.
 */
export function controlPaths(control: string | undefined, base: string, requestPath: string): readonly string[] {
  const text = control?.trim() ?? '';
  if (text.length > MAX_URI_CHARS || CONTROL_CHARACTERS.test(text)) return [];
  if (text === '' || text === '*') return [base];
  const absolute = pathOfAbsolute(text);
  if (absolute !== undefined) return [encodePath(absolute)];
  if (text.startsWith('/')) return [...new Set([encodePath(text), encodePath(append(base, text.slice(1)))])];
  const folder = base.replace(/\?.*$/, '').replace(/[^/]*$/, '');
  return [...new Set([append(base, text), folder + text, append(requestPath, text)].map(encodePath))];
}
