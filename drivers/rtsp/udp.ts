/**
 * The pair of UDP ports that a stream comes in by when the camera does not send it over TCP (RFC 2326 section 10.5): RTP on an even
 * port, RTCP on the next. Only what the camera's own address, port and source send is taken; nothing is thrown out of a socket's callback.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { DriverError, type DriverLog } from '../port.js';
import { SourceLock, type UdpSource } from './source-lock.js';

/** Who gets what arrives; valid only during the call. */
export interface UdpHandlers {
  onRtp(packet: Buffer): void;
  onRtcp(packet: Buffer): void;
}

/** Where the pair is and whom it listens to. */
export interface UdpPairParts {
  /** Our address on the way to the camera: the ports are open there only. */
  readonly localAddress: string;
  readonly cameraAddress: string;
  readonly log: DriverLog;
  readonly handlers: UdpHandlers;
}

const ATTEMPTS = 16;
/** An intra picture of a 4K camera comes as one burst. */
const RECEIVE_BUFFER_BYTES = 1_048_576;
const MIN_RTP_BYTES = 12;
const MIN_RTCP_BYTES = 8;

/** The listener stays: a socket that is bound may fail at any time, and an error that nobody hears ends the process. */
const isFree = (socket: Socket, port: number, address: string): Promise<boolean> =>
  new Promise((resolve) => {
    socket.on('error', () => resolve(false));
    socket.bind({ port, address, exclusive: true }, () => resolve(true));
  });

/** The same machine, however the system writes it: with the link a local address is on or without, IPv4 as it is or inside IPv6. */
function isSameAddress(one: string, other: string): boolean {
  if (one === other) return true;
  const [[address, link], [otherAddress, otherLink]] = [one, other].map((text) => text.replace(/^::ffff:(?=\d+\.)/i, '').split('%')) as [
    string[],
    string[],
  ];
  return address === otherAddress && (link === undefined || otherLink === undefined || link === otherLink);
}

/** See the head of the file. */
export class UdpPair {
  readonly rtpPort: number;
  private readonly parts: UdpPairParts;
  private readonly rtp: Socket;
  private readonly rtcp: Socket;
  private readonly lock = new SourceLock();
  /** Where receiver reports go; 0 when the camera names no port. */
  private reportPort = 0;
  private isClosed = false;

  private constructor(parts: UdpPairParts, rtp: Socket, rtcp: Socket) {
    this.parts = parts;
    this.rtp = rtp;
    this.rtcp = rtcp;
    this.rtpPort = rtp.address().port;
    this.listen(rtp, MIN_RTP_BYTES, (packet, port) => {
      if (this.lock.accepts(port, packet.readUInt32BE(8))) parts.handlers.onRtp(packet);
    });
    this.listen(rtcp, MIN_RTCP_BYTES, (packet, port) => {
      if (this.reportPort === 0 || port === this.reportPort) parts.handlers.onRtcp(packet);
    });
  }

  /** Binds an even port and the one above it. Rejects with `stream.unsupported` when none is free. */
  static async open(parts: UdpPairParts): Promise<UdpPair> {
    const family = net.isIPv6(parts.localAddress) ? 'udp6' : 'udp4';
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const [rtp, rtcp] = [createSocket(family), createSocket(family)];
      if (await isFree(rtp, 0, parts.localAddress)) {
        const { port } = rtp.address();
        if (port % 2 === 0 && (await isFree(rtcp, port + 1, parts.localAddress))) return new UdpPair(parts, rtp, rtcp);
      }
      await Promise.all([rtp, rtcp].map(closed));
    }
    throw new DriverError('stream.unsupported', 'The camera sends its stream over UDP only, and no pair of ports is free for it.');
  }

  /** The camera has said where it sends from; what came before is not its stream. Receiver reports go to its RTCP port. */
  expect(source: UdpSource): void {
    this.lock.expect(source);
    this.reportPort = source.rtcpPort;
  }

  /** Sends RTCP to the camera; nothing when it named no port or the pair is closed. */
  send(packet: Uint8Array): void {
    if (this.isClosed || this.reportPort === 0) return;
    this.rtcp.send(packet, this.reportPort, this.parts.cameraAddress, () => undefined);
  }

  /** Nothing is handed out any more when it returns. Idempotent. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.rtp.close();
    this.rtcp.close();
  }

  private listen(socket: Socket, minBytes: number, take: (packet: Buffer, port: number) => void): void {
    const { cameraAddress, log } = this.parts;
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    } catch (cause) {
      log.debug('the receive buffer of a UDP stream stays small', { cause });
    }
    // A camera that is gone answers reports with ICMP; the silence that follows is watched elsewhere.
    socket.on('error', (cause) => log.debug('a UDP stream had a socket error', { cause }));
    socket.on('message', (packet, from) => {
      if (this.isClosed || packet.length < minBytes || (packet[0] ?? 0) >> 6 !== 2 || !isSameAddress(from.address, cameraAddress)) return;
      take(packet, from.port);
    });
  }
}

async function closed(socket: Socket): Promise<void> {
  const done = once(socket, 'close');
  socket.close();
  await done;
}
