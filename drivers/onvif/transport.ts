import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { DriverError } from '../port.js';
import type { Reached } from './address.js';
import { MAX_ANSWER_BYTES } from './xml.js';

/** One HTTP answer, complete and below the size limit. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** Every WWW-Authenticate header. */
  readonly challenges: readonly string[];
  /** The camera's own idea of the time, ms since 1970; undefined when it does not say. */
  readonly dateAt: number | undefined;
}

/** One request; Host and Content-Length are added. */
export interface HttpPost {
  readonly path: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Aborts with a DriverError as reason: that is what the promise rejects with. */
  readonly signal: AbortSignal;
}

/** Remembers a camera's certificate from the first connection on. */
export interface CertificatePin {
  fingerprint: string | undefined;
}

/** HTTP(S) to one camera. Redirects are not followed, nothing is retried here. */
export interface HttpTransport {
  /** Rejects with DriverError; `detail.isStale` true: a kept connection broke before any byte, the request may be sent again. */
  post(request: HttpPost): Promise<HttpAnswer>;
  close(): void;
}

/** Two at once: some cameras fall over under more, and one slow answer must not hold up a PTZ stop. */
const AGENT = { keepAlive: true, maxSockets: 2, maxFreeSockets: 1 } as const;

/** A request that gave up does not know of its connection's handshake: that one ends by itself. */
const HANDSHAKE_MS = 10_000;

/**
 * TLS as cameras have it: self-signed certificates are accepted, but the one seen first is the one expected from then on. The check
 * runs before the socket is handed out, so nothing is ever sent to a stranger.
 */
class PinnedAgent extends https.Agent {
  readonly #pin: CertificatePin;
  readonly #handshakes = new Set<Socket>();

  constructor(pin: CertificatePin) {
    super(AGENT);
    this.#pin = pin;
  }

  override createConnection(options: https.RequestOptions, callback?: (error: Error | null, socket: Duplex) => void): undefined {
    const { host, port, servername } = options;
    const fail = (error: Error): void => (callback as ((error: Error) => void) | undefined)?.(error);
    const sni = servername ? { servername } : {};
    const socket = tls.connect({ host, port, rejectUnauthorized: false, timeout: HANDSHAKE_MS, ...sni } as tls.ConnectionOptions);
    this.#handshakes.add(socket);
    socket.once('close', () => this.#handshakes.delete(socket));
    socket.once('timeout', () => socket.destroy());
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      this.#handshakes.delete(socket);
      socket.removeListener('error', fail);
      const seen = socket.getPeerX509Certificate()?.fingerprint256 ?? '';
      if (seen !== '' && (this.#pin.fingerprint ?? seen) === seen) {
        this.#pin.fingerprint = seen;
        callback?.(null, socket);
        return;
      }
      socket.destroy();
      fail(new DriverError('camera.unauthorized', 'the camera shows another certificate than before', { detail: { isPinChanged: true } }));
    });
  }

  override destroy(): void {
    for (const socket of this.#handshakes) socket.destroy();
    super.destroy();
  }
}

function describeFailure(error: NodeJS.ErrnoException, isStale: boolean): DriverError {
  if (error instanceof DriverError) return error;
  const code = error.code ?? '';
  const detail = { errno: code, isStale };
  if (code.startsWith('HPE_')) return new DriverError('camera.not_onvif', 'the answer is not HTTP', { cause: error, detail });
  return new DriverError('camera.unreachable', `no connection to the camera (${code || error.message})`, { cause: error, detail });
}

function collect(response: http.IncomingMessage, settle: (answer: HttpAnswer | DriverError) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk);
    else settle(new DriverError('camera.bad_answer', 'the answer is too large', { detail: { limitBytes: MAX_ANSWER_BYTES } }));
  });
  // A camera that ends in mid-answer gives 'aborted' or 'error', never 'end'.
  response.on('error', (error) => settle(new DriverError('camera.bad_answer', 'the answer breaks off', { cause: error })));
  response.on('end', () => {
    const date = Date.parse(response.headers.date ?? '');
    settle({
      status: response.statusCode ?? 0,
      body: Buffer.concat(chunks).toString('utf8'),
      challenges: response.headersDistinct['www-authenticate'] ?? [],
      dateAt: Number.isNaN(date) ? undefined : date,
    });
  });
}

function exchange(reached: Reached, agent: http.Agent, request: HttpPost): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    if (request.signal.aborted) {
      reject(request.signal.reason);
      return;
    }
    let isConnected = false;
    const send = reached.scheme === 'https:' ? https.request : http.request;
    const outgoing = send({
      agent,
      host: reached.socketHost,
      port: reached.port,
      path: request.path,
      method: 'POST',
      headers: { ...request.headers, Host: `${reached.host}:${reached.port}`, 'Content-Length': Buffer.byteLength(request.body) },
      maxHeaderSize: 16 * 1024,
    });
    const settle = (result: HttpAnswer | DriverError): void => {
      request.signal.removeEventListener('abort', onAbort);
      if (result instanceof DriverError) {
        outgoing.destroy();
        reject(result);
      } else resolve(result);
    };
    const onAbort = (): void => {
      const reason = request.signal.reason as DriverError;
      const isNobody = reason.code === 'camera.timeout' && !isConnected;
      settle(isNobody ? new DriverError('camera.unreachable', 'nothing answers at this address', { cause: reason }) : reason);
    };
    request.signal.addEventListener('abort', onAbort, { once: true });
    outgoing.on('socket', (socket) => {
      isConnected = !socket.connecting;
      if (isConnected) return;
      socket.once('connect', () => {
        isConnected = true;
      });
    });
    let hasAnswered = false;
    outgoing.on('response', (response) => {
      hasAnswered = true;
      collect(response, settle);
    });
    // A camera may close a kept connection at the moment we write on it; only then is sending again harmless.
    outgoing.on('error', (error) => settle(describeFailure(error, outgoing.reusedSocket && !hasAnswered)));
    outgoing.end(request.body);
  });
}

/** `pin` is shared by all transports to the same address, so that a new login does not trust a new certificate. */
export function createTransport(reached: Reached, pin: CertificatePin): HttpTransport {
  const agent: http.Agent = reached.scheme === 'https:' ? new PinnedAgent(pin) : new http.Agent(AGENT);
  return {
    post: (request) => exchange(reached, agent, request),
    close: () => agent.destroy(),
  };
}
