/**
 * One RTSP connection: socket, framing, and our requests with their answers. Plain sockets of the whole process read into one shared
 * buffer and are taken apart inside the read callback, which is what keeps sixteen streams cheap. Whatever happens to the
 * connection ends in `onDown`, once, with the reason; nothing is thrown out of a socket's callback.
 */
import net from 'node:net';
import tls from 'node:tls';
import { type DriverClock, DriverError, type DriverLog } from '../port.js';
import { type FrameHandlers, Framer } from './framing.js';
import { formatRequest, formatResponse, headerOf, numberOf, type RtspMessage, type RtspRequest, type RtspResponse } from './messages.js';
import type { RtspUri } from './uri.js';

/** What a connection is made of. */
export interface ConnectionParts {
  readonly target: RtspUri;
  readonly clock: DriverClock;
  readonly log: DriverLog;
  readonly onPacket: FrameHandlers['onPacket'];
  /** SHA-256 fingerprint of the certificate of an rtsps camera, before anything is sent to it. */
  readonly onCertificate: (fingerprint: string) => void;
}

type Fields = Readonly<Record<string, string | undefined>>;

interface Waiting {
  resolve(response: RtspResponse): void;
  reject(reason: DriverError): void;
}

const READ_BUFFER_BYTES = 131_072;
/** A peer that reads nothing of what we send is cut off rather than buffered for. */
const MAX_UNSENT_BYTES = 65_536;
const PUBLIC = 'OPTIONS, ANNOUNCE, GET_PARAMETER, SET_PARAMETER, TEARDOWN';

let sharedReadBuffer: Buffer | undefined;

/** The read buffer of every plain RTSP socket: made with the first, valid because a read is used up before the next one. */
function readBuffer(): Buffer {
  sharedReadBuffer ??= Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  return sharedReadBuffer;
}

/** See the head of the file. */
export class Connection {
  readonly framer: Framer;
  /** Resolves when the socket is gone. */
  readonly closed: Promise<void>;
  /** When the bytes being handed out arrived, of the clock that never jumps. */
  readAtMs = 0;
  /** A running stream that breaks has ended; before that, the camera could not be reached. */
  isPlaying = false;

  private readonly parts: ConnectionParts;
  private readonly socket: net.Socket;
  private readonly waiting = new Map<number, Waiting>();
  private readonly opening: Promise<void>;
  private sequence = 0;
  private downReason: DriverError | undefined;
  private readonly companions: (() => void)[] = [];
  private onDown: ((reason: DriverError) => void) | undefined;
  private rejectOpening: (reason: DriverError) => void = () => {};

  constructor(parts: ConnectionParts) {
    this.parts = parts;
    this.framer = new Framer({
      onPacket: parts.onPacket,
      onMessage: (message) => this.take(message),
      onBroken: (reason) => this.destroy(this.broken(reason)),
    });
    this.socket = parts.target.isSecure ? this.connectSecure() : this.connectPlain();
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.destroy(this.gone());
        resolve();
      });
    });
    this.opening = new Promise((resolve, reject) => {
      this.rejectOpening = reject;
      this.socket.once(parts.target.isSecure ? 'secureConnect' : 'connect', resolve);
    });
    // Whoever waits gets the reason; nobody waiting is no unhandled rejection.
    this.opening.catch(() => {});
    this.socket.on('error', (error) => this.destroy(this.gone(error)));
    this.socket.on('end', () => this.destroy(this.gone()));
  }

  /** Why it is down; undefined while it is up. */
  get reason(): DriverError | undefined {
    return this.downReason;
  }

  /** Both ends of the connection as addresses, once it is open; empty before. */
  get addresses(): { readonly local: string; readonly camera: string } {
    return { local: this.socket.localAddress ?? '', camera: this.socket.remoteAddress ?? '' };
  }

  /** Hands in packets that came another way than this connection, under the same guard. */
  takePacket(act: () => void): void {
    if (this.downReason !== undefined) return;
    this.readAtMs = this.parts.clock.monotonicMs();
    this.guard(act);
  }

  /** Runs when the connection goes down, whatever the reason; at once if it is. */
  alongWith(act: () => void): void {
    if (this.downReason !== undefined) act();
    else this.companions.push(act);
  }

  /** Told once when the connection goes down, at once if it is. */
  whenDown(act: (reason: DriverError) => void): void {
    if (this.downReason !== undefined) act(this.downReason);
    else this.onDown = act;
  }

  /** Resolves when it is open, and the certificate of an rtsps camera is known; rejects with the reason when it goes down first. */
  ready(): Promise<void> {
    return this.opening;
  }

  /** Sends a request and resolves with its final answer; rejects with the reason when the connection goes down first. */
  async request(method: string, uri: string, fields: Fields): Promise<RtspResponse> {
    await this.opening;
    if (this.downReason !== undefined) throw this.downReason;
    this.sequence += 1;
    const sequence = this.sequence;
    const answer = new Promise<RtspResponse>((resolve, reject) => this.waiting.set(sequence, { resolve, reject }));
    this.send(formatRequest(method, uri, { CSeq: String(sequence), 'User-Agent': 'Sightline', ...fields }));
    return answer;
  }

  /** Sends bytes as they are; nothing when the connection is down. */
  send(bytes: string | Uint8Array): void {
    if (this.downReason !== undefined || !this.socket.writable) return;
    this.socket.write(bytes as string, 'latin1');
    if (this.socket.writableLength > MAX_UNSENT_BYTES) this.destroy(this.broken('it does not take what it is sent'));
  }

  /** Reads nothing more for now: what the peer sends waits with it, answers included. */
  pause(): void {
    this.socket.pause();
  }

  /** Reads on. */
  resume(): void {
    this.socket.resume();
  }

  /** Closes the socket at once; everything that waits fails with `reason`. Only the first reason counts. */
  destroy(reason: DriverError): void {
    if (this.downReason !== undefined) return;
    this.downReason = reason;
    this.framer.stop();
    this.socket.destroy();
    for (const end of this.companions) end();
    this.rejectOpening(reason);
    for (const waiting of this.waiting.values()) waiting.reject(reason);
    this.waiting.clear();
    this.onDown?.(reason);
  }

  private connectPlain(): net.Socket {
    const { host, port } = this.parts.target;
    const callback = (count: number, buffer: Uint8Array): boolean => {
      this.read(buffer as Buffer, count);
      return true;
    };
    return net.connect({ host, port, noDelay: true, onread: { buffer: readBuffer(), callback } });
  }

  /** Cameras sign their own certificates, so there is no authority to ask; the caller is told the fingerprint and remembers it. */
  private connectSecure(): net.Socket {
    const { host, port } = this.parts.target;
    const name = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = tls.connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.2', ...name });
    socket.once('secureConnect', () => {
      socket.setNoDelay(true);
      this.parts.onCertificate(socket.getPeerCertificate().fingerprint256 ?? '');
    });
    socket.on('data', (chunk: Buffer) => this.read(chunk, chunk.length));
    return socket;
  }

  private read(buffer: Buffer, count: number): void {
    if (this.downReason !== undefined) return;
    this.readAtMs = this.parts.clock.monotonicMs();
    this.guard(() => this.framer.push(buffer, 0, count));
  }

  /** Only a packet handler can throw here: its fault ends this stream, never the process. */
  private guard(act: () => void): void {
    try {
      act();
    } catch (cause) {
      this.parts.log.warn('a packet handler failed', { cause });
      this.destroy(new DriverError('stream.ended', 'The stream was ended by an error on the recorder.', { cause }));
    }
  }

  private take(message: RtspMessage): void {
    if (message.kind === 'request') this.reply(message);
    else this.settle(message);
  }

  /** Answers carry the number of their request; a camera that forgets it can only mean the oldest. */
  private settle(response: RtspResponse): void {
    if (response.status < 200) return;
    const oldest = this.waiting.keys().next().value;
    const sequence = numberOf(response, 'cseq') ?? oldest;
    const waiting = sequence === undefined ? undefined : this.waiting.get(sequence);
    if (sequence === undefined || waiting === undefined) return;
    this.waiting.delete(sequence);
    waiting.resolve(response);
  }

  private reply(request: RtspRequest): void {
    const fields = { CSeq: headerOf(request, 'cseq'), Session: headerOf(request, 'session') };
    const isKnown = PUBLIC.split(', ').includes(request.method);
    this.send(isKnown ? formatResponse(200, 'OK', { ...fields, Public: PUBLIC }) : formatResponse(501, 'Not Implemented', fields));
    if (request.method === 'TEARDOWN') this.destroy(this.gone());
  }

  private gone(cause?: Error): DriverError {
    const options = { cause, detail: { host: this.parts.target.host, port: this.parts.target.port } };
    if (this.isPlaying) return new DriverError('stream.ended', 'The camera ended the stream.', options);
    return new DriverError('camera.unreachable', 'The camera does not accept a stream connection, or ended it.', options);
  }

  private broken(reason: string): DriverError {
    return new DriverError('camera.bad_answer', `The camera's stream connection cannot be understood: ${reason}.`);
  }
}
