/** RTSP messages (RFC 2326) as text: reading and writing, nothing sent. Pure. Header text is latin1, one character per byte. */
import type { UdpSource } from './source-lock.js';

/** Header fields by lower-case name; a field that came several times keeps all its values. */
export type RtspHeaders = ReadonlyMap<string, readonly string[]>;

/** The answer to one of our requests. */
export interface RtspResponse {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  readonly headers: RtspHeaders;
  readonly body: Uint8Array;
}

/** A request by the camera to us. */
export interface RtspRequest {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: string;
  readonly headers: RtspHeaders;
  readonly body: Uint8Array;
}

/** Either of the two, as it came off the connection. */
export type RtspMessage = RtspResponse | RtspRequest;

/** Everything of a message but its body. */
export type RtspHead = Omit<RtspResponse, 'body'> | Omit<RtspRequest, 'body'>;

const MAX_FIELDS = 100;

/**
 * Fields of a head. A line that begins with white space continues the one before it, as RFC 2326 section 4.2 has it; a line of white
 * space alone is therefore nothing, although some cameras write one in the middle. Lines without a colon are passed over.
 */
function parseFields(lines: readonly string[]): RtspHeaders {
  const fields = new Map<string, string[]>();
  let last: string[] | undefined;
  for (const line of lines.slice(0, MAX_FIELDS)) {
    if (/^[ \t]/.test(line)) {
      const more = line.trim();
      if (last !== undefined && more !== '') last[last.length - 1] += ` ${more}`;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    last = fields.get(name) ?? [];
    last.push(line.slice(colon + 1).trim());
    fields.set(name, last);
  }
  return fields;
}

/** Reads a head, blank line included or not; undefined when its first line is not RTSP. */
export function parseHead(text: string): RtspHead | undefined {
  const [first = '', ...rest] = text.split(/\r?\n/);
  const response = /^RTSP\/[12]\.\d +(\d{3})(?: +(.*))?$/.exec(first.trimEnd());
  if (response !== null) return { kind: 'response', status: Number(response[1]), reason: response[2] ?? '', headers: parseFields(rest) };
  const request = /^([A-Z_]{2,20}) +(\S+) +RTSP\/[12]\.\d$/.exec(first.trimEnd());
  if (request === null) return undefined;
  return { kind: 'request', method: request[1] ?? '', uri: request[2] ?? '', headers: parseFields(rest) };
}

/** The first value of a field, or undefined. */
export function headerOf(message: { readonly headers: RtspHeaders }, name: string): string | undefined {
  return message.headers.get(name)?.[0];
}

/** A header that is a plain whole number, or undefined. */
export function numberOf(message: { readonly headers: RtspHeaders }, name: string): number | undefined {
  const text = headerOf(message, name);
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

type Fields = Readonly<Record<string, string | undefined>>;

function format(first: string, fields: Fields): string {
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value.replace(/[\r\n]/g, '')}`],
  );
  return `${[first, ...lines].join('\r\n')}\r\n\r\n`;
}

/** A request without body; fields that are undefined are left out. */
export function formatRequest(method: string, uri: string, fields: Fields): string {
  return format(`${method} ${uri} RTSP/1.0`, fields);
}

/** An answer without body to a request of the camera. */
export function formatResponse(status: number, reason: string, fields: Fields): string {
  return format(`RTSP/1.0 ${status} ${reason}`, fields);
}

/** Session identifier and time-out from a Session header; 60 s where the camera names none (RFC 2326 section 12.37) or zero. */
export function parseSession(value: string): { readonly id: string; readonly timeoutMs: number } {
  const [id = '', ...params] = value.split(';').map((part) => part.trim());
  const named = params.map((param) => /^timeout *= *(\d{1,6})$/i.exec(param)?.[1]).find((found) => found !== undefined);
  const seconds = Number(named ?? 60);
  return { id, timeoutMs: (seconds > 0 ? seconds : 60) * 1000 };
}

/** The interleaved channels of a SETUP answer; the ones we asked for where it names none; undefined when it is not TCP. */
export function parseTransport(value: string | undefined): { readonly rtp: number; readonly rtcp: number } | undefined {
  const text = (value ?? '').toLowerCase();
  const match = /interleaved *= *(\d{1,3})(?: *- *(\d{1,3}))?/.exec(text);
  if (match === null) return text === '' || text.includes('/tcp') ? { rtp: 0, rtcp: 1 } : undefined;
  const rtp = Number(match[1]);
  const rtcp = Number(match[2] ?? rtp + 1);
  return rtp <= 255 && rtcp <= 255 && rtp !== rtcp ? { rtp, rtcp } : undefined;
}

/** Where a camera will send from, of its SETUP answer for UDP; undefined when the answer is not unicast UDP. */
export function parseUdpTransport(value: string | undefined): UdpSource | undefined {
  const text = (value ?? '').toLowerCase();
  if (/\/tcp|interleaved|multicast/.test(text) || !text.startsWith('rtp/avp')) return undefined;
  const ports = /server_port *= *(\d{1,5})(?: *- *(\d{1,5}))?/.exec(text);
  const ssrc = /; *ssrc *= *([0-9a-f]{1,8})(?![0-9a-f])/.exec(text)?.[1];
  const asPort = (port: number): number => (port > 0 && port <= 65_535 ? port : 0);
  const rtpPort = asPort(Number(ports?.[1] ?? 0));
  return {
    rtpPort,
    rtcpPort: rtpPort === 0 ? 0 : asPort(Number(ports?.[2] ?? rtpPort + 1)),
    ssrc: ssrc === undefined ? undefined : Number.parseInt(ssrc, 16),
  };
}
