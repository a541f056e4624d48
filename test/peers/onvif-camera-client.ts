/** What the tests of the test camera ask it with: SOAP with a token or Digest made here, and a bare RTSP connection. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createDigest, type DigestSession, parseChallenges, pickDigest } from '../../drivers/digest.js';

export const NAMESPACES = {
  device: 'http://www.onvif.org/ver10/device/wsdl',
  media: 'http://www.onvif.org/ver10/media/wsdl',
  media2: 'http://www.onvif.org/ver20/media/wsdl',
  ptz: 'http://www.onvif.org/ver20/ptz/wsdl',
  imaging: 'http://www.onvif.org/ver20/imaging/wsdl',
  event: 'http://www.onvif.org/ver10/events/wsdl',
  deviceio: 'http://www.onvif.org/ver10/deviceIO/wsdl',
  search: 'http://www.onvif.org/ver10/search/wsdl',
  recording: 'http://www.onvif.org/ver10/recording/wsdl',
  replay: 'http://www.onvif.org/ver10/replay/wsdl',
} as const;
export type ServiceName = keyof typeof NAMESPACES;

const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const DIGEST_TYPE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest';
const login = (user: string, password: string) => ({ user, password: { reveal: () => password } });

/** A Security header for an envelope. */
export function makeToken(user: string, password: string, at = Date.now(), nonce: Uint8Array = randomBytes(16)): string {
  const created = new Date(at).toISOString();
  const digest = createHash('sha1').update(nonce).update(created).update(password).digest('base64');
  const nonceText = Buffer.from(nonce).toString('base64');
  const parts = `<Username>${user}</Username><Password Type="${DIGEST_TYPE}">${digest}</Password><Nonce>${nonceText}</Nonce><Created>${created}</Created>`;
  return `<Security xmlns="${WSSE}"><UsernameToken>${parts}</UsernameToken></Security>`;
}

/** An envelope around an operation such as `<GetProfiles/>`; its elements are in the service's namespace, tt: is declared. */
export function makeEnvelope(service: ServiceName, body: string, header = ''): string {
  const operation = body.replace(/^<(\w+)/, `<$1 xmlns="${NAMESPACES[service]}" xmlns:tt="http://www.onvif.org/ver10/schema"`);
  return `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>${header}</s:Header><s:Body>${operation}</s:Body></s:Envelope>`;
}

/** Posts an envelope; `deviceUri` is the camera's, the path is chosen by the service. */
export async function postSoap(
  deviceUri: string,
  service: ServiceName,
  envelope: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string; challenges: string }> {
  const uri = deviceUri.replace('device_service', `${service}_service`);
  const answer = await fetch(uri, {
    method: 'POST',
    body: envelope,
    headers: { 'Content-Type': 'application/soap+xml; charset=utf-8', ...headers },
  });
  return { status: answer.status, text: await answer.text(), challenges: answer.headers.get('www-authenticate') ?? '' };
}

/** One operation with a fresh token. */
export function callSoap(deviceUri: string, service: ServiceName, body: string, password = 'camera', user = 'admin') {
  return postSoap(deviceUri, service, makeEnvelope(service, body, makeToken(user, password)));
}

/** The Authorization value for a challenge. */
export function answerChallenge(challenges: string, method: string, uri: string, password = 'camera', user = 'admin'): string {
  const challenge = pickDigest(parseChallenges(challenges));
  return challenge === undefined ? '' : createDigest(challenge, login(user, password), 'cafe').authorize(method, uri);
}

/** An interleaved RTP packet as it arrived. */
export interface RtpPacket {
  readonly channel: number;
  readonly bytes: Buffer;
}

/** One RTSP connection: requests in order, packets collected until they are taken. */
export class RtspTester {
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #cseq = 0;
  #digest: DigestSession | undefined;
  #session = '';
  readonly uri: string;
  readonly password: string;

  constructor(uri: string, password = 'camera') {
    this.uri = uri;
    this.password = password;
    const { hostname, port } = new URL(uri);
    this.socket = connect(Number(port), hostname);
    this.socket.on('error', () => {});
    this.socket.on('data', (piece: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, piece]);
      this.socket.emit('more');
    });
    this.socket.on('close', () => this.socket.emit('more'));
  }

  /** Sends a request, with the digest answer once a challenge is known; resolves with status and whole head and body. */
  async request(method: string, path = '', headers: Readonly<Record<string, string>> = {}): Promise<{ status: number; text: string }> {
    const uri = `${this.uri}${path}`;
    const lines = [`${method} ${uri} RTSP/1.0`, `CSeq: ${++this.#cseq}`];
    const all = { ...(this.#session === '' ? {} : { Session: this.#session }), ...headers };
    if (this.#digest !== undefined) lines.push(`Authorization: ${this.#digest.authorize(method, uri)}`);
    for (const [name, value] of Object.entries(all)) lines.push(`${name}: ${value}`);
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const text = await this.#take(takeAnswer);
    const challenge = pickDigest(parseChallenges(/^WWW-Authenticate: (.*)$/m.exec(text)?.[1]));
    if (challenge !== undefined) this.#digest = createDigest(challenge, login('admin', this.password), 'cafe');
    this.#session = /^Session: ([^;\r]*)/m.exec(text)?.[1] ?? this.#session;
    return { status: Number(text.slice(9, 12)), text };
  }

  /** OPTIONS to PLAY; the first packets may already be there when it resolves. */
  async play(): Promise<void> {
    await this.request('DESCRIBE');
    await this.request('DESCRIBE', '', { Accept: 'application/sdp' });
    await this.request('SETUP', '/trackID=0', { Transport: 'RTP/AVP/TCP;unicast;interleaved=0-1' });
    await this.request('PLAY');
  }

  /** The next RTP packet (RTCP is passed over). */
  async packet(): Promise<RtpPacket> {
    for (;;) {
      const packet = await this.#take(takePacket);
      if (packet.channel === 0) return packet;
    }
  }

  /** The next RTCP packet. */
  async report(): Promise<RtpPacket> {
    for (;;) {
      const packet = await this.#take(takePacket);
      if (packet.channel === 1) return packet;
    }
  }

  /** All packets of the next whole frame. */
  async frame(): Promise<readonly Buffer[]> {
    const packets: Buffer[] = [];
    for (;;) {
      const { bytes } = await this.packet();
      packets.push(bytes);
      if (((bytes[1] ?? 0) & 0x80) !== 0) return packets;
    }
  }

  close(): void {
    this.socket.destroy();
  }

  async #take<Found>(take: (bytes: Buffer) => { found: Found; rest: Buffer } | undefined): Promise<Found> {
    for (;;) {
      const taken = take(this.#bytes);
      if (taken !== undefined) {
        this.#bytes = taken.rest;
        return taken.found;
      }
      if (this.socket.destroyed) throw new RangeError('the camera closed the connection');
      await once(this.socket, 'more');
    }
  }
}

function takePacket(bytes: Buffer): { found: RtpPacket; rest: Buffer } | undefined {
  const end = bytes.length < 4 ? Number.POSITIVE_INFINITY : 4 + bytes.readUInt16BE(2);
  if (bytes.length < end) return undefined;
  return { found: { channel: bytes[1] ?? 0, bytes: bytes.subarray(4, end) }, rest: bytes.subarray(end) };
}

/** An answer may stand behind packets: they are kept for whoever takes packets next. */
function takeAnswer(bytes: Buffer): { found: string; rest: Buffer } | undefined {
  let at = 0;
  while (bytes[at] === 0x24) {
    if (bytes.length < at + 4) return undefined;
    at += 4 + bytes.readUInt16BE(at + 2);
  }
  const head = bytes.indexOf('\r\n\r\n', at);
  if (head < 0) return undefined;
  const text = bytes.toString('latin1', at, head);
  const end = head + 4 + Number(/^Content-Length: (\d+)/m.exec(text)?.[1] ?? 0);
  if (bytes.length < end) return undefined;
  return { found: bytes.toString('latin1', at, end), rest: Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]) };
}

/** Whether a frame begins with parameter sets, as an IDR does here. */
export const isIdrFrame = (frame: readonly Buffer[]): boolean => ((frame[0]?.[12] ?? 0) & 31) === 24;
export const sequenceOf = (packet: Buffer): number => packet.readUInt16BE(2);
export const timestampOf = (packet: Buffer): number => packet.readUInt32BE(4);
