/**
 * The pair of UDP ports that a stream comes in by when the camera does not send it over TCP (RFC 2326 section 10.5): RTP on an even
 * port, RTCP on the next. Only what the camera's own address sends is taken; nothing is thrown out of a socket's callback.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { DriverError, type DriverLog } from '../port.js';

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

const isFree = (socket: Socket, port: number, address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const failed = (): void => resolve(false);
    socket.once('error', failed);
    socket.bind({ port, address, exclusive: true }, () => {
      socket.off('error', failed);
      resolve(true);
    });
  });

/** See the head of the file. */
export class UdpPair {
  readonly rtpPort: number;
  private readonly parts: UdpPairParts;
  private readonly rtp: Socket;
  private readonly rtcp: Socket;
  /** Where receiver reports go; 0 when the camera names no port. */
  private reportPort = 0;
  private isClosed = false;

  private constructor(parts: UdpPairParts, rtp: Socket, rtcp: Socket) {
    this.parts = parts;
    this.rtp = rtp;
    this.rtcp = rtcp;
    this.rtpPort = rtp.address().port;
    this.listen(rtp, MIN_RTP_BYTES, (packet) => parts.handlers.onRtp(packet));
    this.listen(rtcp, MIN_RTCP_BYTES, (packet) => parts.handlers.onRtcp(packet));
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

  /** Receiver reports go to this port of the camera. */
  reportTo(port: number): void {
    this.reportPort = port;
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

  private listen(socket: Socket, minBytes: number, take: (packet: Buffer) => void): void {
    const { cameraAddress, log } = this.parts;
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    } catch (cause) {
      log.debug('the receive buffer of a UDP stream stays small', { cause });
    }
    // A camera that is gone answers reports with ICMP; the silence that follows is watched elsewhere.
    socket.on('error', (cause) => log.debug('a UDP stream had a socket error', { cause }));
    socket.on('message', (packet, from) => {
      if (this.isClosed || from.address !== cameraAddress || packet.length < minBytes || (packet[0] ?? 0) >> 6 !== 2) return;
      take(packet);
    });
  }
}

async function closed(socket: Socket): Promise<void> {
  const done = once(socket, 'close');
  socket.close();
  await done;
}
