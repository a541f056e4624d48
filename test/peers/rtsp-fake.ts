/**
 * A small RTSP server for tests that a test bends as it likes: every request passes a hook that may answer by itself, and media is sent
 * byte by byte as the test says. It knows one H.264 stream and checks logins with its own arithmetic, not with the driver's.
 */
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';

/** One request as it came, and the connection it came on. */
export interface FakeRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly socket: Socket;
}

export interface FakeOptions {
  /** Which challenge to answer a request without login with; undefined lets everyone in. */
  readonly challenge?: string;
  readonly login?: { readonly user: string; readonly password: string };
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly sdp?: string;
  /** Where it listens; default 127.0.0.1. */
  readonly host?: string;
  /** More headers per method, e.g. `{ DESCRIBE: 'Content-Base: x\r\n' }`. */
  readonly extra?: Readonly<Record<string, string>>;
  /** Answers instead of the server; undefined leaves it to it, '' answers nothing at all. */
  readonly hook?: (request: FakeRequest, fake: RtspFake) => string | Buffer | undefined;
}

export interface RtspFake {
  readonly port: number;
  readonly requests: FakeRequest[];
  /** Interleaved packets the client sent. */
  readonly packets: Buffer[];
  readonly sockets: Set<Socket>;
  /** 'request' (FakeRequest), 'packet' (Buffer), 'gone' (a connection ended). */
  readonly events: EventEmitter;
  connections: number;
  send(bytes: Buffer | string): void;
  close(): Promise<void>;
}

export const SDP = [
  'v=0',
  'o=- 0 0 IN IP4 127.0.0.1',
  's=test',
  'a=control:*',
  'm=audio 0 RTP/AVP 0',
  'a=control:track0',
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 packetization-mode=1;profile-level-id=420029;sprop-parameter-sets=Z2QAKKwbGoB4AiflwFuAgICgAAB9AAAdTB0MAAfQAAAfQF3lwKA=,aO48sA==',
  'a=control:track1',
  '',
].join('\r\n');

/** An interleaved RTP packet; its payload repeats the low byte of the sequence number. */
export function rtp(channel: number, sequence: number, payloadBytes: number, source = 7, payloadType = 96): Buffer {
  const frame = Buffer.alloc(16 + payloadBytes, sequence & 0xff);
  frame.set([0x24, channel]);
  frame.writeUInt16BE(12 + payloadBytes, 2);
  frame.set([0x80, payloadType], 4);
  frame.writeUInt16BE(sequence & 0xffff, 6);
  frame.writeUInt32BE((sequence * 3600) >>> 0, 8);
  frame.writeUInt32BE(source, 12);
  return frame;
}

/** A whole answer to `request`. */
export function reply(request: FakeRequest, status: string, headers = '', body = ''): string {
  const length = body === '' ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `RTSP/1.0 ${status}\r\nCSeq: ${request.headers.get('cseq') ?? ''}\r\n${headers}${length}\r\n${body}`;
}

function isLoginRight(options: FakeOptions, request: FakeRequest): boolean {
  const header = request.headers.get('authorization') ?? '';
  const login = options.login ?? { user: 'admin', password: 'secret' };
  if (header.startsWith('Basic ')) return header === `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
  const field = (name: string): string => new RegExp(`[ ,]${name}="?([^",]*)"?`).exec(header)?.[1] ?? '';
  const algorithm = field('algorithm').startsWith('SHA-256') ? 'sha256' : 'md5';
  const hash = (text: string): string => createHash(algorithm).update(text).digest('hex');
  const asked = /nonce="([^"]*)"/.exec(options.challenge ?? '')?.[1] ?? '';
  let a1 = hash(`${login.user}:${field('realm')}:${login.password}`);
  if (field('algorithm').endsWith('-sess')) a1 = hash(`${a1}:${field('nonce')}:${field('cnonce')}`);
  const middle = field('qop') === '' ? '' : `${field('nc')}:${field('cnonce')}:${field('qop')}:`;
  const expected = hash(`${a1}:${field('nonce')}:${middle}${hash(`${request.method}:${request.uri}`)}`);
  return field('response') === expected && field('uri') === request.uri && field('nonce') === asked && field('username') === login.user;
}

function ordinaryAnswer(options: FakeOptions, request: FakeRequest): string {
  const extra = options.extra?.[request.method] ?? '';
  if (options.challenge !== undefined && !isLoginRight(options, request))
    return reply(request, '401 Unauthorized', `WWW-Authenticate: ${options.challenge}\r\n`);
  if (request.method === 'DESCRIBE') return reply(request, '200 OK', `Content-Type: application/sdp\r\n${extra}`, options.sdp ?? SDP);
  if (request.method === 'SETUP')
    return reply(request, '200 OK', extra || 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 42;timeout=60\r\n');
  if (request.method === 'OPTIONS')
    return reply(request, '200 OK', extra || 'Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n');
  return reply(request, '200 OK', extra);
}

function readUnits(fake: RtspFake, options: FakeOptions, socket: Socket, bytes: Buffer): Buffer {
  let rest = bytes;
  for (;;) {
    if (rest[0] === 0x24) {
      const end = rest.length < 4 ? Number.POSITIVE_INFINITY : 4 + rest.readUInt16BE(2);
      if (rest.length < end) return rest;
      fake.packets.push(rest.subarray(0, end));
      rest = rest.subarray(end);
      fake.events.emit('packet', fake.packets.at(-1));
      continue;
    }
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return rest;
    const [first = '', ...lines] = rest.toString('latin1', 0, end).split('\r\n');
    rest = rest.subarray(end + 4);
    const [method = '', uri = ''] = first.split(' ');
    const headers = new Map(
      lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const request = { method, uri, headers, socket };
    fake.requests.push(request);
    const answer = method.startsWith('RTSP') ? '' : (options.hook?.(request, fake) ?? ordinaryAnswer(options, request));
    if (answer !== '' && socket.writable) socket.write(answer);
    fake.events.emit('request', request);
  }
}

/** Listens on an ephemeral port. */
export async function startRtspFake(options: FakeOptions = {}): Promise<RtspFake> {
  const take = (socket: Socket): void => {
    let held: Buffer = Buffer.alloc(0);
    fake.connections += 1;
    fake.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      held = readUnits(fake, options, socket, Buffer.concat([held, chunk]));
    });
    socket.on('close', () => {
      fake.sockets.delete(socket);
      fake.events.emit('gone');
    });
  };
  const server = options.tls === undefined ? net.createServer(take) : tls.createServer(options.tls, take);
  server.listen(0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const fake: RtspFake = {
    port: (server.address() as AddressInfo).port,
    requests: [],
    packets: [],
    sockets: new Set(),
    events: new EventEmitter(),
    connections: 0,
    send(bytes) {
      for (const socket of fake.sockets) socket.write(bytes);
    },
    async close() {
      for (const socket of fake.sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return fake;
}
