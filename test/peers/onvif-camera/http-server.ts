/** The camera's web server: SOAP, the snapshot, the place for new firmware, and its counters for tests. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { CertificatePair } from './certificate.js';
import type { ConnectionQuirks } from './connection-quirks.js';
import { HttpProblem, type LoginGate } from './login-gate.js';
import { DeadProgram } from './media2-service.js';
import { answerOperation, type Call, type Operation, type Service } from './operation.js';
import type { CameraQuirks } from './quirks.js';
import { readSoap, SoapFault, type SoapRequest, writeFault, writeSoap } from './soap.js';

/** Operations at one path in one namespace. */
export interface ServiceFace {
  readonly space: string;
  readonly operations: Service;
}

/** What the web server needs of the camera. */
export interface WebContext {
  /** By path, without query. */
  readonly services: ReadonlyMap<string, readonly ServiceFace[]>;
  readonly snapshot: () => Uint8Array;
  readonly gate: LoginGate;
  readonly connections: ConnectionQuirks;
  readonly quirks: () => CameraQuirks;
  call(request: IncomingMessage, soap: SoapRequest): Call;
  counters(): unknown;
  /** Told of each answered operation, for the counters. */
  onOperation(name: string, isFault: boolean): void;
  /** Somebody asked for what is not there. */
  onUnknownPath(): void;
  /** A whole new firmware came. */
  onFirmware(sizeBytes: number): void;
  /** The camera's clock, which every answer carries as Date. */
  now(): number;
  slowMs(): number;
  isGone(): boolean;
  hangs(): boolean;
}

export interface WebServer {
  readonly port: number;
  /** Over TLS: shows another certificate to whoever connects from now on. */
  use(pair: CertificatePair): void;
  dropConnections(): void;
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 65_536;
const SOAP_TYPE = 'application/soap+xml; charset=utf-8';
const DEAD_PROGRAM = '<html><head><title>500 Internal Server Error</title></head><body>The CGI process ended with signal 11</body></html>';

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

function findOperation(faces: readonly ServiceFace[], soap: SoapRequest, quirks: CameraQuirks): Operation {
  const isHidden = quirks.noServiceCapabilities && soap.operation === 'GetServiceCapabilities';
  const face = faces.find(({ space, operations }) => space === soap.space && Object.hasOwn(operations, soap.operation));
  const operation = face?.operations[soap.operation];
  if (operation === undefined || isHidden)
    throw new SoapFault('Receiver', ['ter:ActionNotSupported'], `No operation ${soap.operation} here`);
  return operation;
}

async function answerSoap(context: WebContext, request: IncomingMessage): Promise<string> {
  const faces = context.services.get((request.url ?? '').split('?')[0] ?? '');
  if (faces === undefined) {
    context.onUnknownPath();
    throw new HttpProblem(404);
  }
  if (request.method !== 'POST') throw new HttpProblem(405, { Allow: 'POST' });
  if (!/^application\/soap\+xml\s*(;|$)/i.test(request.headers['content-type'] ?? '')) throw new HttpProblem(415);
  context.connections.checkContentType(request);
  const text = await readBody(request);
  const soap = readSoap(text);
  let isFault = true;
  try {
    const operation = findOperation(faces, soap, context.quirks());
    context.gate.check(request, soap, text, operation.access);
    const call = context.call(request, soap);
    const body = await answerOperation(operation, soap.body, call);
    isFault = false;
    const whole = writeSoap(body, operation.header?.(call));
    // gSOAP's habit: the prefix is used as everyone knows it, and declared nowhere.
    return context.quirks().undeclaredPrefix ? whole.replace(/ xmlns:wsa5="[^"]*"/, '').replaceAll('wsa5:', 'wsa:') : whole;
  } finally {
    context.onOperation(soap.operation, isFault);
  }
}

function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array, headers: object = {}): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

async function takeFirmware(context: WebContext, request: IncomingMessage): Promise<void> {
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) size += piece.length;
  context.onFirmware(size);
}

/** Everything that is no SOAP; false when the path is none of these. */
async function servePlain(context: WebContext, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  const path = (request.url ?? '').split('?')[0];
  if (path === '/onvif/snapshot.jpg' && request.method === 'GET') {
    if (context.quirks().snapshotNeedsQuery && !request.url?.includes('?')) throw new HttpProblem(404);
    context.gate.checkPlain(request);
    send(response, 200, 'image/jpeg', context.snapshot());
    return true;
  }
  if (path === '/onvif/firmware' && request.method === 'POST') {
    context.gate.checkPlain(request);
    await takeFirmware(context, request);
    send(response, 200, 'text/plain', '');
    return true;
  }
  return false;
}

function sendProblem(response: ServerResponse, error: unknown): void {
  if (error instanceof HttpProblem) send(response, error.status, 'text/plain', error.body ?? `${error.message}\n`, error.headers);
  else if (error instanceof SoapFault) send(response, error.code === 'Sender' ? 400 : 500, SOAP_TYPE, writeFault(error));
  else if (error instanceof DeadProgram) send(response, 500, 'text/html', DEAD_PROGRAM);
  else throw error;
}

async function serve(context: WebContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    if (request.url === '/counters' && request.method === 'GET') {
      const from = request.socket.remoteAddress ?? '';
      if (!/^((::ffff:)?127\.|::1$)/.test(from)) throw new HttpProblem(404);
      send(response, 200, 'application/json', JSON.stringify(context.counters()));
      return;
    }
    const fate = context.hangs() ? 'hang' : context.connections.fateOf(request);
    if (fate === 'cut') request.socket.destroy();
    if (fate !== 'serve') return;
    response.setHeader('Date', new Date(context.now()).toUTCString());
    const slowMs = context.slowMs();
    if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs).unref());
    if (await servePlain(context, request, response)) return;
    send(response, 200, SOAP_TYPE, await answerSoap(context, request));
  } catch (error) {
    sendProblem(response, error);
  }
}

/** Listens, over TLS where there is a certificate, and resolves with the port; rejects when it is taken. */
export async function startWebServer(context: WebContext, host: string, port: number, pair?: CertificatePair): Promise<WebServer> {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    serve(context, request, response).catch(() => response.destroy());
  };
  const options = { keepAliveTimeout: 5000 };
  const secure = pair === undefined ? undefined : createSecureServer({ ...options, ...pair }, onRequest);
  const server = secure ?? createServer(options, onRequest);
  server.on('connection', (socket) => {
    if (context.isGone()) socket.destroy();
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    use: (next) => secure?.setSecureContext({ ...next }),
    dropConnections: () => server.closeAllConnections(),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
