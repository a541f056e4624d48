import http from 'node:http';
import https from 'node:https';
import { DriverError } from '../port.js';
import type { Reached } from './address.js';
import { type CertificatePin, type PinNews, PinnedAgent } from './pinned-agent.js';
import { MAX_ANSWER_BYTES } from './xml.js';

/** One HTTP answer, complete and below the size limit. */
export interface HttpAnswer {
  readonly status: number;
  readonly bytes: Buffer;
  /** Content-Type without its parameters, in lower case; may be empty. */
  readonly mediaType: string;
  /** Every WWW-Authenticate header. */
  readonly challenges: readonly string[];
  /** The camera's own idea of the time, ms since 1970; undefined when it does not say. */
  readonly dateAt: number | undefined;
}

/** One request; Host and Content-Length are added. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Nothing for GET; an iterable is sent as it comes and only once. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** Length of an iterable body. */
  readonly bodyBytes?: number | undefined;
  /** Default MAX_ANSWER_BYTES. */
  readonly maxAnswerBytes?: number | undefined;
  /** `own`: a fresh connection for this request alone, for what takes its time on purpose or must not be sent twice. */
  readonly lane?: 'usual' | 'own' | undefined;
  /** Aborts with a DriverError as reason: that is what the promise rejects with. */
  readonly signal: AbortSignal;
}

/** HTTP(S) to one camera. Redirects are not followed, nothing is retried here. */
export interface HttpTransport {
  /** Rejects with DriverError; `detail.isStale` true: a kept connection broke before any byte, the request may be sent again. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

/** Two at once: some cameras fall over under more, and one slow answer must not hold up a PTZ stop. */
const USUAL = { keepAlive: true, maxSockets: 2, maxFreeSockets: 1 } as const;
/** Connections for one request each: a long poll never stands in the way, and no kept connection breaks under what cannot be repeated. */
const OWN = { keepAlive: false, maxSockets: 3 } as const;
const MAX_HEADER_BYTES = 16 * 1024;

function describeFailure(error: NodeJS.ErrnoException, isStale: boolean): DriverError {
  if (error instanceof DriverError) return error;
  const code = error.code ?? '';
  const detail = { errno: code, isStale };
  if (code.startsWith('HPE_')) return new DriverError('camera.not_onvif', 'the answer is not HTTP', { cause: error, detail });
  return new DriverError('camera.unreachable', `no connection to the camera (${code || error.message})`, { cause: error, detail });
}

type Settle = (answer: HttpAnswer | DriverError) => void;

function collect(response: http.IncomingMessage, limitBytes: number, settle: Settle): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes <= limitBytes) chunks.push(chunk);
    else settle(new DriverError('camera.bad_answer', 'the answer is too large', { detail: { limitBytes } }));
  });
  // A camera that ends in mid-answer gives 'aborted' or 'error', never 'end'.
  response.on('error', (error) => settle(new DriverError('camera.bad_answer', 'the answer breaks off', { cause: error })));
  response.on('end', () => {
    const date = Date.parse(response.headers.date ?? '');
    settle({
      status: response.statusCode ?? 0,
      bytes: Buffer.concat(chunks),
      mediaType: (response.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '',
      challenges: response.headersDistinct['www-authenticate'] ?? [],
      dateAt: Number.isNaN(date) ? undefined : date,
    });
  });
}

/** Sends the body; one that comes piece by piece is read no faster than the camera takes it. */
async function sendBody(outgoing: http.ClientRequest, body: HttpRequest['body']): Promise<void> {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    outgoing.end(body);
    return;
  }
  for await (const piece of body) {
    if (outgoing.destroyed) return;
    if (outgoing.write(piece)) continue;
    await new Promise<void>((resolve) => {
      outgoing.once('drain', resolve);
      outgoing.once('close', resolve);
    });
  }
  outgoing.end();
}

function lengthOf({ body, bodyBytes, method }: HttpRequest): Readonly<Record<string, number>> {
  if (body === undefined) return method === 'POST' ? { 'Content-Length': 0 } : {};
  if (typeof body === 'string') return { 'Content-Length': Buffer.byteLength(body) };
  if (body instanceof Uint8Array) return { 'Content-Length': body.byteLength };
  return bodyBytes === undefined ? {} : { 'Content-Length': bodyBytes };
}

function open(reached: Reached, agent: http.Agent, request: HttpRequest): http.ClientRequest {
  const send = reached.scheme === 'https:' ? https.request : http.request;
  return send({
    agent,
    host: reached.socketHost,
    port: reached.port,
    path: request.path,
    method: request.method,
    headers: { ...request.headers, Host: `${reached.host}:${reached.port}`, ...lengthOf(request) },
    maxHeaderSize: MAX_HEADER_BYTES,
  });
}

function exchange(reached: Reached, agent: http.Agent, request: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const outgoing = open(reached, agent, request);
    let isConnected = false;
    let hasAnswered = false;
    const settle: Settle = (result) => {
      signal.removeEventListener('abort', onAbort);
      if (result instanceof DriverError) {
        outgoing.destroy();
        reject(result);
      } else resolve(result);
    };
    const onAbort = (): void => {
      const reason = signal.reason as DriverError;
      const isNobody = reason.code === 'camera.timeout' && !isConnected;
      settle(isNobody ? new DriverError('camera.unreachable', 'nothing answers at this address', { cause: reason }) : reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    outgoing.on('socket', (socket) => {
      isConnected = !socket.connecting;
      if (isConnected) return;
      socket.once('connect', () => {
        isConnected = true;
      });
    });
    outgoing.on('response', (response) => {
      hasAnswered = true;
      collect(response, request.maxAnswerBytes ?? MAX_ANSWER_BYTES, settle);
    });
    // A camera may close a kept connection at the moment we write on it; only then is sending again harmless.
    outgoing.on('error', (error) => settle(describeFailure(error, outgoing.reusedSocket && !hasAnswered)));
    sendBody(outgoing, request.body).catch((error: unknown) =>
      outgoing.destroy(error instanceof Error ? error : new DriverError('camera.refused', 'the body to send broke off')),
    );
  });
}

/** `pin` is shared by all transports to the same address, so that a new login does not trust a new certificate. */
export function createTransport(reached: Reached, pin: CertificatePin, onPinNews: PinNews = () => undefined): HttpTransport {
  const make = (options: https.AgentOptions): http.Agent =>
    reached.scheme === 'https:' ? new PinnedAgent(options, pin, onPinNews) : new http.Agent(options);
  const usual = make(USUAL);
  let own: http.Agent | undefined;
  return {
    send(request) {
      if (request.lane !== 'own') return exchange(reached, usual, request);
      own ??= make(OWN);
      return exchange(reached, own, request);
    },
    close() {
      usual.destroy();
      own?.destroy();
    },
  };
}
