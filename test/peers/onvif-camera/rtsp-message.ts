/** RTSP/1.0 messages as bytes: an incremental reader for the server's side, and the writer of its answers. Pure. */

export interface RtspRequest {
  readonly method: string;
  readonly uri: string;
  /** Names in lower case; a repeated header is joined with a comma. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** What a client sent: a request, an interleaved packet (RTCP), or something that is not RTSP. */
export type RtspInput =
  | { readonly kind: 'request'; readonly request: RtspRequest }
  | { readonly kind: 'packet'; readonly channel: number; readonly payload: Uint8Array }
  | { readonly kind: 'broken' };

const MAX_HEAD_BYTES = 16_384;
const MAX_BODY_BYTES = 65_536;

function parseHead(head: string): { method: string; uri: string; headers: Map<string, string> } | undefined {
  const [first = '', ...lines] = head.split('\r\n');
  const start = /^([A-Z_]+) (\S+) RTSP\/1\.0$/.exec(first);
  if (start === null) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (match === null) return undefined;
    const name = (match[1] ?? '').toLowerCase();
    const old = headers.get(name);
    headers.set(name, old === undefined ? (match[2] ?? '') : `${old}, ${match[2]}`);
  }
  return { method: start[1] ?? '', uri: start[2] ?? '', headers };
}

/** Cuts a byte stream, in whatever pieces it arrives, into requests and packets. After 'broken' nothing more is read. */
export function createRtspReader(): (piece: Uint8Array) => readonly RtspInput[] {
  let rest: Buffer = Buffer.alloc(0);
  let isBroken = false;

  function next(): RtspInput | undefined {
    if (rest.length === 0) return undefined;
    if (rest[0] === 0x24) {
      if (rest.length < 4) return undefined;
      const end = 4 + rest.readUInt16BE(2);
      if (rest.length < end) return undefined;
      const packet = { kind: 'packet', channel: rest[1] ?? 0, payload: rest.subarray(4, end) } as const;
      rest = rest.subarray(end);
      return packet;
    }
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) return rest.length > MAX_HEAD_BYTES ? { kind: 'broken' } : undefined;
    const head = headEnd > MAX_HEAD_BYTES ? undefined : parseHead(rest.toString('latin1', 0, headEnd));
    const lengthText = head?.headers.get('content-length') ?? '0';
    if (head === undefined || !/^\d{1,6}$/.test(lengthText) || Number(lengthText) > MAX_BODY_BYTES) return { kind: 'broken' };
    const end = headEnd + 4 + Number(lengthText);
    if (rest.length < end) return undefined;
    const body = rest.toString('utf8', headEnd + 4, end);
    rest = rest.subarray(end);
    return { kind: 'request', request: { ...head, body } };
  }

  return (piece) => {
    const found: RtspInput[] = [];
    if (isBroken) return found;
    rest = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    for (let input = next(); input !== undefined; input = next()) {
      found.push(input);
      isBroken = input.kind === 'broken';
      if (isBroken) break;
    }
    return found;
  };
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  454: 'Session Not Found',
  455: 'Method Not Valid in This State',
  457: 'Invalid Range',
  459: 'Aggregate Operation Not Allowed',
  461: 'Unsupported Transport',
  501: 'Not Implemented',
  551: 'Option not supported',
};

/** The bytes of an answer. A header with several values is written once per value. */
export function rtspAnswer(
  status: number,
  cseq: string | undefined,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  body = '',
): string {
  const lines = [`RTSP/1.0 ${status} ${REASONS[status] ?? 'Error'}`];
  if (cseq !== undefined) lines.push(`CSeq: ${cseq}`);
  for (const [name, value] of Object.entries(headers)) for (const one of [value].flat()) lines.push(`${name}: ${one}`);
  if (body !== '') lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** The interleaved channels that a Transport header asks for; undefined when it offers no unicast RTP over TCP. */
export function chooseTransport(header: string): { readonly rtp: number; readonly rtcp: number } | undefined {
  for (const offer of header.split(',')) {
    const [protocol = '', ...parameters] = offer.trim().split(';');
    if (protocol.toUpperCase() !== 'RTP/AVP/TCP' || parameters.includes('multicast')) continue;
    const channels = /^interleaved=(\d{1,3})(?:-(\d{1,3}))?$/.exec(
      parameters.find((one) => one.startsWith('interleaved=')) ?? 'interleaved=0-1',
    );
    const rtp = Number(channels?.[1] ?? Number.NaN);
    const rtcp = Number(channels?.[2] ?? rtp + 1);
    if (rtp <= 255 && rtcp <= 255 && rtp !== rtcp) return { rtp, rtcp };
  }
  return undefined;
}
