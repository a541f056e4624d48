import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

/** Where a TURN server stands: every datagram between viewer and recorder goes through it, and it keeps them all. */
export interface UdpMiddle {
  /** Everything that passed, in both directions, oldest first. */
  readonly datagrams: readonly Buffer[];
  /** Datagrams of media (RFC 7983: first byte 128 to 191). */
  readonly media: readonly Buffer[];
  /** The answer with this place in the place of the recorder's own. */
  route(answerSdp: string): string;
  /** Sends a datagram to both sides, as if the other one had. */
  inject(datagram: Buffer): Promise<void>;
  close(): Promise<void>;
}

const CANDIDATE = /^a=candidate:(\S+ \d+ UDP \d+) (\S+) (\d+) typ host.*$/gim;

const bound = (): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1', () => resolve(socket));
  });

/** What a bad line does. */
export interface UdpMiddleOptions {
  /** True: this datagram does not arrive. */
  readonly isLost?: (datagram: Buffer, towards: 'viewer' | 'recorder') => boolean;
  /** False: nothing is kept, for long sessions. */
  readonly isKeeping?: boolean;
}

/** On loopback, for one viewer. */
export async function openUdpMiddle({ isLost = () => false, isKeeping = true }: UdpMiddleOptions = {}): Promise<UdpMiddle> {
  const [near, far] = [await bound(), await bound()];
  const datagrams: Buffer[] = [];
  let viewer: RemoteInfo | undefined;
  let recorderPort = 0;
  near.on('message', (datagram, from) => {
    viewer = from;
    if (isKeeping) datagrams.push(datagram);
    if (recorderPort > 0 && !isLost(datagram, 'recorder')) far.send(datagram, recorderPort, '127.0.0.1');
  });
  far.on('message', (datagram) => {
    if (isKeeping) datagrams.push(datagram);
    if (viewer !== undefined && !isLost(datagram, 'viewer')) near.send(datagram, viewer.port, viewer.address);
  });
  const sendTo = (socket: Socket, datagram: Buffer, port: number): Promise<void> =>
    new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', () => resolve()));
  return {
    datagrams,
    get media() {
      return datagrams.filter(([first = 0]) => first >= 128 && first <= 191);
    },
    route: (answerSdp) => {
      const ports = [...answerSdp.matchAll(CANDIDATE)]
        .filter(([, , address]) => address === '127.0.0.1')
        .map(([, , , port]) => Number(port));
      recorderPort = ports[0] ?? 0;
      return answerSdp.replace(CANDIDATE, `a=candidate:$1 127.0.0.1 ${near.address().port} typ host`);
    },
    inject: async (datagram) => {
      if (viewer !== undefined) await sendTo(near, datagram, viewer.port);
      if (recorderPort > 0) await sendTo(far, datagram, recorderPort);
    },
    close: async () => {
      for (const socket of [near, far]) await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}
