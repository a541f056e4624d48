import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { Aedes, type AuthenticateError, type Client, type ConnectPacket } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { MAX_MESSAGE_BYTES } from '../../agent/contract/guard.js';
import { AgentError } from '../../agent/kernel/errors.js';
import { type AccessRules, makeAccessRules, type Principal, type PublishRequest } from './broker-access.js';
import type { DeviceRegister } from './device-register.js';
import { guardPackets } from './packet-guard.js';

/** What passed and what was turned away since the start. */
export interface BrokerCounters {
  connected: number;
  refusedConnects: number;
  refusedPublishes: number;
  refusedSubscriptions: number;
  overRate: number;
  tooLarge: number;
  relayedMessages: number;
  relayedBytes: number;
}

/** Letters that may wait for one recorder. */
const MOST_BOXES = 64;

/** Where the relay listens, and what it remembers. */
export interface BrokerOptions {
  readonly tenant: string;
  /** TCP port for recorders; 0 takes any free one. */
  readonly port: number;
  readonly host: string;
  /** Web server whose `/mqtt` becomes the WebSocket entrance for apps. */
  readonly http: HttpServer;
  /** The pinned keys; the issuer of certificates, where there is one, pins the same. */
  readonly register: DeviceRegister;
  /** Called with what went wrong and was dealt with; for a log line. */
  readonly onTrouble?: (error: unknown) => void;
}

/** A relay that listens; `port` is the TCP port it got. */
export interface Broker {
  readonly port: number;
  counters(): BrokerCounters;
  /** Ends every connection and listens no more. */
  stop(): Promise<void>;
}

/** Publishes of one app: this many per second, twice as many at once. */
const APP_RATE_PER_S = 50;
const WEBSOCKET_PATH = '/mqtt';
const APP_CLIENT_ID = /^app-[A-Za-z0-9_-]{22}$/;

/** A refilling bucket of permissions to publish. */
class RateLimit {
  #tokens = APP_RATE_PER_S * 2;
  #at = performance.now();

  take(): boolean {
    const now = performance.now();
    this.#tokens = Math.min(APP_RATE_PER_S * 2, this.#tokens + ((now - this.#at) / 1000) * APP_RATE_PER_S);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

interface Admitted {
  readonly principal: Principal;
  readonly rate: RateLimit | undefined;
}

const newCounters = (): BrokerCounters => ({
  connected: 0,
  refusedConnects: 0,
  refusedPublishes: 0,
  refusedSubscriptions: 0,
  overRate: 0,
  tooLarge: 0,
  relayedMessages: 0,
  relayedBytes: 0,
});

function notAdmitted(): AuthenticateError {
  const refusal = new AgentError({
    code: 'broker.refused',
    say: 'The relay does not know this client.',
    fix: 'Sign in with the recorder’s key.',
  });
  // 5 = not authorized (MQTT 3.1.1, table 3.1).
  return Object.assign(refusal, { returnCode: 5 as AuthenticateError['returnCode'] });
}

/** The handlers of the message relay: who may connect, publish, subscribe and receive. */
class Gatekeeper {
  readonly counters = newCounters();
  readonly #register: DeviceRegister;
  readonly #rules: AccessRules;
  readonly #admitted = new WeakMap<Client, Admitted>();
  readonly #onTrouble: (error: unknown) => void;
  /** Letter boxes in use, by serial. */
  readonly #boxes = new Map<string, Set<string>>();

  constructor(register: DeviceRegister, rules: AccessRules, onTrouble: (error: unknown) => void) {
    this.#register = register;
    this.#rules = rules;
    this.#onTrouble = onTrouble;
  }

  /** Nothing is queued for those who are away: a command would be stale, and a withdrawal is retained. So every session is a clean one. */
  preConnect(packet: ConnectPacket): boolean {
    packet.clean = true;
    return true;
  }

  async authenticate(client: Client, username: string | undefined, password: Uint8Array | undefined): Promise<boolean> {
    try {
      const principal = await this.#identify(client.id, username, password);
      this.#admitted.set(client, { principal, rate: principal.kind === 'app' ? new RateLimit() : undefined });
      this.counters.connected += 1;
      return true;
    } catch (error) {
      this.counters.refusedConnects += 1;
      this.#onTrouble(error);
      return false;
    }
  }

  async #identify(clientId: string, username: string | undefined, password: Uint8Array | undefined): Promise<Principal> {
    if (username === 'app' && APP_CLIENT_ID.test(clientId)) return { kind: 'app' };
    if (username === undefined || username !== clientId || password === undefined) throw notAdmitted();
    await this.#register.admit(username, new TextDecoder().decode(password));
    return { kind: 'device', serial: username };
  }

  mayPublish(client: Client | null, request: PublishRequest): boolean {
    const who = client === null ? undefined : this.#admitted.get(client);
    if (who === undefined || !this.#rules.mayPublish(who.principal, request)) {
      this.counters.refusedPublishes += 1;
      return false;
    }
    if (who.rate !== undefined && !who.rate.take()) {
      this.counters.overRate += 1;
      return false;
    }
    if (request.isRetained && !this.#findRoom(request)) {
      this.counters.refusedPublishes += 1;
      return false;
    }
    return true;
  }

  /** Letters that wait are kept in memory, and anybody can leave some: each recorder has so many boxes. Who finds them full is told, by the refusal. */
  #findRoom({ topic, isEmpty }: PublishRequest): boolean {
    const serial = this.#rules.waitsFor(topic);
    if (serial === undefined) return true;
    const boxes = this.#boxes.get(serial) ?? new Set();
    if (isEmpty) boxes.delete(topic);
    else if (!boxes.has(topic) && boxes.size >= MOST_BOXES) return false;
    else boxes.add(topic);
    this.#boxes.set(serial, boxes);
    return true;
  }

  maySubscribe(client: Client, filter: string): boolean {
    const who = this.#admitted.get(client);
    const may = who !== undefined && this.#rules.maySubscribe(who.principal, filter);
    if (!may) this.counters.refusedSubscriptions += 1;
    return may;
  }

  mayReceive(client: Client, topic: string): boolean {
    const who = this.#admitted.get(client);
    return who !== undefined && this.#rules.mayReceive(who.principal, topic);
  }
}

function makeAedes(gate: Gatekeeper): Promise<Aedes> {
  return Aedes.createBroker({
    connectTimeout: 10_000,
    drainTimeout: 20_000,
    maxTopicLevels: 10,
    maxClientsIdLength: 26,
    maxInflightInbound: 20,
    preConnect: (_client, packet, done) => done(null, gate.preConnect(packet)),
    authenticate: (client, username, password, done) => {
      void gate.authenticate(client, username, password).then((may) => done(may ? null : notAdmitted(), may));
    },
    // MQTT 3.1.1 knows no refusal of a publish: the connection ends, so that nobody believes it went out.
    authorizePublish: (client, packet, done) => {
      const request = { topic: packet.topic, isRetained: packet.retain, isEmpty: packet.payload.length === 0 };
      done(gate.mayPublish(client, request) ? null : notAdmitted());
    },
    authorizeSubscribe: (client, subscription, done) => done(null, gate.maySubscribe(client, subscription.topic) ? subscription : null),
    authorizeForward: (client, packet) => (gate.mayReceive(client, packet.topic) ? packet : null),
    published: (packet, client, done) => {
      if (client !== null) {
        gate.counters.relayedMessages += 1;
        gate.counters.relayedBytes += packet.payload.length;
      }
      done();
    },
  });
}

/** A page of another site has no business here, although nothing rests on cookies. */
function isOwnOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function openWebSocketEntrance(http: HttpServer, accept: (stream: Duplex) => void): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES + 16,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
  });
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== WEBSOCKET_PATH || !isOwnOrigin(request)) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => accept(createWebSocketStream(webSocket)));
  };
  http.on('upgrade', onUpgrade);
  return () => {
    http.off('upgrade', onUpgrade);
    for (const webSocket of sockets.clients) webSocket.terminate();
    sockets.close();
  };
}

function listen(server: TcpServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(portTaken(cause, port)));
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** The sentence for a port that cannot be had. */
export function portTaken(cause: NodeJS.ErrnoException, port: number): AgentError {
  const isTaken = cause.code === 'EADDRINUSE';
  return new AgentError({
    code: isTaken ? 'portal.port_taken' : 'portal.port_refused',
    say: isTaken ? `Port ${port} is used by another program.` : `Port ${port} cannot be opened (${cause.code ?? cause.message}).`,
    fix: 'Choose another port, or end the program that uses it.',
    cause,
  });
}

/**
 * The message relay of the reference cloud: MQTT 3.1.1 over TCP for recorders and over WebSocket for apps. It has no authority: what
 * passes are letters sealed and signed end to end.
 * @throws AgentError portal.port_taken | portal.port_refused | portal.state_unreadable
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { register } = options;
  const gate = new Gatekeeper(
    register,
    makeAccessRules(options.tenant, (serial) => register.isKnown(serial)),
    options.onTrouble ?? (() => undefined),
  );
  const aedes = await makeAedes(gate);
  const accept = (stream: Duplex): void => {
    aedes.handle(
      guardPackets(stream, MAX_MESSAGE_BYTES, () => {
        gate.counters.tooLarge += 1;
      }),
    );
  };
  const tcp = createTcpServer({ noDelay: true }, accept);
  const port = await listen(tcp, options.port, options.host).catch((error: unknown) => {
    aedes.close();
    throw error;
  });
  const closeEntrance = openWebSocketEntrance(options.http, accept);
  return {
    port,
    counters: () => ({ ...gate.counters }),
    stop: async () => {
      const isClosed = new Promise<void>((resolve) => tcp.close(() => resolve()));
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      closeEntrance();
      await isClosed;
    },
  };
}
