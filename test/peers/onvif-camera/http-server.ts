/** The camera's web server: SOAP, the snapshot, and its counters for tests. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Account, DigestVerifier } from './http-digest.js';
import { answerOperation, type Call, mayCall, type Service } from './operation.js';
import { readSoap, SoapFault, writeFault, writeSoap } from './soap.js';
import type { TokenVerifier } from './wsse.js';

/** What the web server needs of the camera. */
export interface WebContext {
  /** Path -> namespace and operations. */
  readonly services: ReadonlyMap<string, { readonly space: string; readonly operations: Service }>;
  readonly snapshot: Uint8Array;
  digest(): DigestVerifier;
  tokens(): TokenVerifier;
  call(request: IncomingMessage): Call;
  counters(): unknown;
  /** Told of each answered operation, for the counters. */
  onOperation(name: string, isFault: boolean): void;
  slowMs(): number;
  isGone(): boolean;
}

export interface WebServer {
  readonly port: number;
  dropConnections(): void;
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 65_536;
const NOT_AUTHORIZED = ['ter:NotAuthorized'];

class HttpProblem extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;

  constructor(status: number, headers: Readonly<Record<string, string | string[]>> = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > MAX_BODY_BYTES) throw new HttpProblem(413, { Connection: 'close' });
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function challenge(digest: DigestVerifier, isStale: boolean): HttpProblem {
  return new HttpProblem(401, { 'WWW-Authenticate': [...digest.challenges(isStale)] });
}

/** The account of a Digest header; throws the challenge. */
function digestAccount(context: WebContext, request: IncomingMessage): Account {
  const digest = context.digest();
  const found = digest.verify(request.headers.authorization ?? '', request.method ?? '', request.url ?? '');
  if (found === undefined || found === 'stale') throw challenge(digest, found === 'stale');
  return found;
}

async function answerSoap(context: WebContext, request: IncomingMessage): Promise<string> {
  const service = context.services.get((request.url ?? '').split('?')[0] ?? '');
  if (service === undefined) throw new HttpProblem(404);
  if (request.method !== 'POST') throw new HttpProblem(405, { Allow: 'POST' });
  if (!/^application\/soap\+xml\s*(;|$)/i.test(request.headers['content-type'] ?? '')) throw new HttpProblem(415);
  const soap = readSoap(await readBody(request));
  let isFault = true;
  try {
    const operation =
      soap.space === service.space && Object.hasOwn(service.operations, soap.operation) ? service.operations[soap.operation] : undefined;
    if (operation === undefined) throw new SoapFault('Receiver', ['ter:ActionNotSupported'], `No operation ${soap.operation} here`);
    if (operation.access !== 'PRE_AUTH') {
      const token = context.tokens().verify(soap.header);
      if (token.kind === 'refused') throw new SoapFault('Sender', NOT_AUTHORIZED, 'Sender not authorized');
      const hasDigest = request.headers.authorization !== undefined;
      const byDigest = token.kind === 'none' || hasDigest ? digestAccount(context, request) : undefined;
      const account = token.kind === 'ok' ? token.account : byDigest;
      if (account === undefined || !mayCall(account.level, operation.access)) {
        throw new SoapFault('Sender', NOT_AUTHORIZED, 'This user may not do this');
      }
    }
    const answer = answerOperation(operation, soap.body, context.call(request));
    isFault = false;
    return writeSoap(answer);
  } finally {
    context.onOperation(soap.operation, isFault);
  }
}

function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array, headers: object = {}): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

async function serve(context: WebContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?')[0];
  const soapType = 'application/soap+xml; charset=utf-8';
  try {
    if (path === '/counters' && request.method === 'GET') {
      const from = request.socket.remoteAddress ?? '';
      if (!/^(::ffff:)?127\./.test(from)) throw new HttpProblem(404);
      send(response, 200, 'application/json', JSON.stringify(context.counters()));
      return;
    }
    const slowMs = context.slowMs();
    if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs).unref());
    if (path === '/onvif/snapshot.jpg' && request.method === 'GET') {
      digestAccount(context, request);
      send(response, 200, 'image/jpeg', context.snapshot);
      return;
    }
    send(response, 200, soapType, await answerSoap(context, request));
  } catch (error) {
    if (error instanceof HttpProblem) send(response, error.status, 'text/plain', `${error.message}\n`, error.headers);
    else if (error instanceof SoapFault) send(response, error.code === 'Sender' ? 400 : 500, soapType, writeFault(error));
    else throw error;
  }
}

/** Listens and resolves with the port; rejects when it is taken. */
export async function startWebServer(context: WebContext, host: string, port: number): Promise<WebServer> {
  const server = createServer({ keepAliveTimeout: 5000 }, (request, response) => {
    serve(context, request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    if (context.isGone()) socket.destroy();
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    dropConnections: () => server.closeAllConnections(),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
