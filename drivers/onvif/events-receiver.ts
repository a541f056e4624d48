import { randomBytes, timingSafeEqual } from 'node:crypto';
import dgram from 'node:dgram';
import http from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { DriverError } from '../port.js';
import type { Reached } from './address.js';
import { readNotify } from './events-messages.js';
import type { Notification } from './events-topics.js';
import { parseXml } from './soap.js';

const REQUEST_MS = 10_000;
const MOST_CONNECTIONS = 8;
/** A notification has a few hundred bytes. What comes here is parsed on the event loop, so it may not be as long as an answer. */
const MAX_NOTIFY_BYTES = 64 * 1024;

/** Takes what one camera sends of its own accord. */
export interface Receiver {
  /** Where the camera is to send it: our address towards it, a free port and a path that nobody can guess. */
  readonly uri: string;
  close(): Promise<void>;
}

/** Our own address on the way to the camera. Connecting a datagram socket only asks the routing table; nothing is sent. */
function addressTowards(reached: Reached): Promise<string> {
  const socket = dgram.createSocket(isIPv6(reached.socketHost) ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      socket.close();
      reject(new DriverError('camera.unreachable', 'no way to the camera', { cause }));
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      const { address } = socket.address();
      // Every interface at once is never right: only the camera's network is to reach this.
      if (address === '0.0.0.0' || address === '::') {
        fail(undefined);
        return;
      }
      socket.close();
      resolve(address);
    });
    socket.connect(reached.port, reached.socketHost);
  });
}

function isSamePath(asked: string, path: string): boolean {
  const one = Buffer.from(asked);
  const other = Buffer.from(path);
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The body, or undefined when it is longer than any message of a camera. */
async function bodyOf(incoming: http.IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_NOTIFY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** HTTP status for one request; hands over what was in it. */
async function take(incoming: http.IncomingMessage, path: string, onNotify: (said: readonly Notification[]) => void): Promise<number> {
  if (!isSamePath(incoming.url ?? '', path)) return 404;
  if (incoming.method !== 'POST') return 405;
  const body = await bodyOf(incoming);
  if (body === undefined) return 413;
  let envelope: unknown;
  try {
    envelope = await parseXml(body);
  } catch {
    return 400;
  }
  onNotify(readNotify(envelope));
  return 200;
}

/**
 * Listens on the interface that reaches the camera, on a port the system chooses. Requests without the token in their path are not
 * read at all. Rejects with `camera.unreachable` or `camera.unsupported`.
 */
export async function openReceiver(reached: Reached, onNotify: (said: readonly Notification[]) => void): Promise<Receiver> {
  const host = await addressTowards(reached);
  const path = `/${randomBytes(16).toString('hex')}`;
  const limits = {
    maxHeaderSize: 8 * 1024,
    requestTimeout: REQUEST_MS,
    headersTimeout: REQUEST_MS,
    connectionsCheckingInterval: REQUEST_MS,
  };
  const server = http.createServer(limits, (incoming, outgoing) => {
    take(incoming, path, onNotify).then(
      (status) => {
        // What was not read to its end cannot be followed by another request.
        outgoing.writeHead(status, status === 200 ? {} : { Connection: 'close' }).end();
        if (status !== 200) outgoing.once('finish', () => incoming.destroy());
      },
      () => incoming.destroy(),
    );
  });
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new DriverError('camera.unsupported', 'no port to receive events on could be opened', { cause: error })),
    );
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    uri: `http://${isIPv6(host) ? `[${host}]` : host}:${port}${path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
