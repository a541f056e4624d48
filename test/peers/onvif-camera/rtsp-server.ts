/** The camera's RTSP/1.0 server: TCP interleaved only, Digest on everything but OPTIONS, any number of clients. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { RtspConnection } from './rtsp-connection.js';
import type { RtspContext } from './rtsp-context.js';

export interface RtspServer {
  readonly port: number;
  /** Ends every connection now and refuses new ones while `isGone`. */
  setGone(isGone: boolean): void;
  stop(): Promise<void>;
}

/** Listens and resolves with the port; rejects when the port is taken. */
export async function startRtspServer(context: RtspContext, host: string, port: number): Promise<RtspServer> {
  const sockets = new Set<Socket>();
  let isGone = false;
  const server: Server = createServer((socket) => {
    if (isGone) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    context.counters.connections += 1;
    context.counters.openConnections += 1;
    socket.once('close', () => {
      sockets.delete(socket);
      context.counters.openConnections -= 1;
    });
    new RtspConnection(socket, context);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();

  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    setGone(next) {
      isGone = next;
      if (isGone) for (const socket of sockets) socket.destroy();
    },
    async stop() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
