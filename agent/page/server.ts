import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { RateLimit } from '../cloud/rate.js';
import { SentBytes } from '../cloud/sent-bytes.js';
import { STREAM_BEAT_MS } from '../contract/door.js';
import type { Timer } from '../kernel/clock.js';
import { AgentError, rootMessage } from '../kernel/errors.js';
import { RateLimitedLog } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { ConnectionGate } from './connection-gate.js';
import { DoorRoutes } from './door-routes.js';
import { EventStreams } from './event-streams.js';
import { plainAddress } from './host-policy.js';
import { isNear } from './near.js';
import { type PageFiles, readPage } from './page-files.js';
import { sortOutPlain } from './plain-http.js';
import { type DoorAddress, type LanDoorParts, PATIENCE } from './ports.js';

/** How often the time limits of requests are looked at. */
const LOOK_MS = 1_000;
const MOST_HEAD_BYTES = 8 * 1024;
/** When the port is taken, another program may let go of it. */
const LISTEN_AGAIN_MS = 30_000;
const REMOTE_BYTES = 8;

/**
 * The door on the local network: the recorder's own page, and the relay's letters over HTTPS with a self-made certificate. What comes in is
 * judged exactly as if the relay had brought it; TLS here only keeps neighbours from reading along, nobody is trusted for being near.
 */
export class LanDoor implements Service {
  readonly name = 'lan';
  readonly #parts: LanDoorParts;
  readonly #log: RateLimitedLog;
  readonly #gate = new ConnectionGate();
  readonly #rate = new RateLimit(20, 100);
  readonly #streams: EventStreams;
  readonly #sockets = new Set<Socket>();
  readonly #sent = new SentBytes();
  readonly #timers: Timer[] = [];
  #server: Server | undefined;
  #address: DoorAddress | undefined;
  #isStopped = false;

  constructor(parts: LanDoorParts) {
    this.#parts = parts;
    this.#log = new RateLimitedLog(parts.log, parts.clock);
    this.#streams = new EventStreams(parts.scope);
  }

  /** Where it listens now; undefined while it does not. */
  get address(): DoorAddress | undefined {
    return this.#address;
  }

  /** Bytes written to all connections since the start, TLS included. */
  get sentBytes(): number {
    return this.#sent.total;
  }

  /** Does not reject when the port is taken: a recorder without this door still records and still speaks with its cloud. It goes on trying. */
  async start(): Promise<void> {
    const page = await readPage(this.#parts.pageFolder).catch((error: unknown): PageFiles => {
      this.#parts.log.error('the page could not be read', { error });
      return new Map();
    });
    this.#timers.push(this.#parts.clock.every(STREAM_BEAT_MS, () => this.#streams.beat()));
    await this.#open(page);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#address = undefined;
    for (const timer of this.#timers) timer.cancel();
    this.#streams.closeAll();
    const server = this.#server;
    const closed = server === undefined ? Promise.resolve() : new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** To everybody at the door who asked for this very topic; false when nobody did. */
  publish(topic: string, payload: string): boolean {
    return this.#streams.publish(topic, payload);
  }

  async #open(page: PageFiles): Promise<void> {
    const { clock, log } = this.#parts;
    try {
      await this.#listen(page);
      log.info('the local door is open', { port: this.#address?.port, hasPage: page.size > 0 });
    } catch (thrown) {
      if (this.#isStopped) return;
      log.error('the local door could not be opened', { error: cannotListen(thrown, this.#parts.port), againInMs: LISTEN_AGAIN_MS });
      this.#timers.push(clock.after(LISTEN_AGAIN_MS, () => void this.#open(page), true));
    }
  }

  async #listen(page: PageFiles): Promise<void> {
    const { port, bindAddress, patience = PATIENCE, log } = this.#parts;
    const { key, cert } = await this.#parts.certificate();
    const routes = this.#routes(page);
    const server = createServer(
      {
        key,
        cert,
        minVersion: 'TLSv1.2',
        ALPNProtocols: ['http/1.1'],
        handshakeTimeout: patience.handshakeMs,
        maxHeaderSize: MOST_HEAD_BYTES,
        headersTimeout: patience.headMs,
        requestTimeout: patience.requestMs,
        keepAliveTimeout: patience.idleMs,
        connectionsCheckingInterval: LOOK_MS,
        insecureHTTPParser: false,
      },
      (request, response) => void this.#answer(routes, request, response),
    );
    server.maxHeadersCount = 64;
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => sayMalformed(error.code, socket as Socket));
    this.#guardEntrance(server, patience.firstByteMs);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(bindAddress === undefined ? {} : { host: bindAddress }) }, resolve);
    });
    server.on('error', (error) => log.error('the local door failed', { error }));
    const at = server.address();
    if (this.#isStopped || at === null || typeof at === 'string') {
      server.close();
      return;
    }
    this.#server = server;
    this.#address = { port: at.port, bindAddress: at.address };
  }

  /** Puts the gate before the handshake, which Node would begin by itself as soon as somebody connects. */
  #guardEntrance(server: Server, firstByteMs: number): void {
    const handshakes = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      // The other side may go away at any moment, also before anybody else listens for it.
      socket.on('error', () => socket.destroy());
      const address = plainAddress(socket.remoteAddress ?? '');
      const refusal = isNear(address) ? this.#gate.enter(address, this.#parts.clock.monotonicMs()) : 'not_near';
      if (refusal !== undefined) {
        this.#log.warn(refusal, 'a connection was not taken', { remote: this.#remoteOf(address) });
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      this.#sent.watch(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        this.#gate.leave(address);
      });
      sortOutPlain(socket, firstByteMs, () => {
        for (const begin of handshakes) begin.call(server, socket);
      });
    });
  }

  #routes(page: PageFiles): DoorRoutes {
    const { scope, receive, kept, clock, log } = this.#parts;
    return new DoorRoutes({
      scope,
      receive,
      kept,
      page,
      streams: this.#streams,
      takeRate: (address) => this.#rate.take(address, clock.monotonicMs()),
      remoteOf: (address) => this.#remoteOf(address),
      onRefused: (reason, address) => this.#log.warn(reason, 'a request was refused', { reason, remote: this.#remoteOf(address) }),
      log,
    });
  }

  async #answer(routes: DoorRoutes, request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => response.destroy());
    try {
      await routes.answer(request, response, plainAddress(request.socket.remoteAddress ?? ''));
    } catch (error) {
      this.#parts.log.error('a request failed', { error });
      response.destroy();
    }
  }

  /** Stands for an address in the log and in rows: the same one is known again, and nobody without the key learns which it was. */
  #remoteOf(address: string): string {
    return createHmac('sha256', this.#parts.remoteKey).update(address).digest().subarray(0, REMOTE_BYTES).toString('base64url');
  }
}

const STATUS_OF: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** A request that is no HTTP, too long or too slow. */
function sayMalformed(code: string | undefined, socket: Socket): void {
  if (socket.destroyed || !socket.writable || code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  socket.end(`HTTP/1.1 ${STATUS_OF[code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
    socket.destroy(),
  );
}

function cannotListen(cause: unknown, port: number): AgentError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    return new AgentError({
      code: 'lan.port_taken',
      say: `Port ${port} is used by another program.`,
      fix: 'End it, or name another port under "lan" in the site file.',
      retryable: true,
      cause,
    });
  }
  if (code === 'EACCES') {
    return new AgentError({
      code: 'lan.port_refused',
      say: `The agent’s user may not listen on port ${port}.`,
      fix: 'Name a port from 1024 on under "lan" in the site file.',
      cause,
    });
  }
  return new AgentError({
    code: 'lan.failed',
    say: `The local door could not be opened: ${rootMessage(cause)}`,
    fix: 'Look at "lan" in the site file, and at the files in the folder "keys".',
    retryable: true,
    cause,
  });
}
