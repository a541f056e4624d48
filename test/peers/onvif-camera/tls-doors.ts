/** The camera's doors over TLS: its web server once more, and its RTSP behind a front that only encrypts. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { type CertificatePair, makeCertificate } from './certificate.js';
import type { WebServer } from './http-server.js';

export interface TlsDoors {
  readonly httpsPort: number;
  readonly rtspsPort: number;
  /** Another certificate from now on; open connections end. */
  renew(): Promise<void>;
  dropConnections(): void;
  stop(): Promise<void>;
}

interface RtspFront {
  readonly port: number;
  use(pair: CertificatePair): void;
  dropConnections(): void;
  stop(): Promise<void>;
}

/** Takes TLS connections and carries their bytes to `plainPort` and back. */
async function startRtspFront(pair: CertificatePair, host: string, plainPort: number): Promise<RtspFront> {
  const sockets = new Set<Socket>();
  const server = createServer({ ...pair }, (outside) => {
    const inside = connect(plainPort, host);
    for (const [socket, other] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  const dropConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    use: (next) => server.setSecureContext({ ...next }),
    dropConnections,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      dropConnections();
      await closed;
    },
  };
}

/** Opens both on any free ports; `startWeb` starts the web server with a certificate. */
export async function openTlsDoors(
  startWeb: (pair: CertificatePair) => Promise<WebServer>,
  host: string,
  rtspPort: number,
): Promise<TlsDoors> {
  const pair = await makeCertificate();
  const web = await startWeb(pair);
  const front = await startRtspFront(pair, host, rtspPort).catch(async (error: unknown) => {
    await web.stop();
    throw error;
  });
  const dropConnections = (): void => {
    web.dropConnections();
    front.dropConnections();
  };
  return {
    httpsPort: web.port,
    rtspsPort: front.port,
    async renew() {
      const next = await makeCertificate();
      web.use(next);
      front.use(next);
      dropConnections();
    },
    dropConnections,
    async stop() {
      await Promise.all([web.stop(), front.stop()]);
    },
  };
}
