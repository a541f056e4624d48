/**
 * An ONVIF endpoint made of canned answers, for everything a well-behaved camera never does: the test decides about every byte.
 * Requests are kept as they came, so that they can be checked against the published schemas.
 */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface FakeRequest {
  /** Local name of the first element in the Body, e.g. GetProfiles. */
  readonly operation: string;
  readonly xml: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly socket: Socket;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
}

/** Undefined: nothing is answered; the responder may write to `socket` itself. */
export type Responder = (request: FakeRequest) => FakeAnswer | undefined | Promise<FakeAnswer | undefined>;

export interface SoapFake {
  readonly deviceUri: string;
  readonly host: string;
  readonly requests: FakeRequest[];
  /** Connections accepted so far. */
  connections(): number;
  respond(responder: Responder): void;
  stop(): Promise<void>;
}

export interface SoapFakeOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly port?: number;
  readonly keepAliveTimeoutMs?: number;
}

const operationOf = (xml: string): string => /<(?:\w+:)?Body>\s*<(?:\w+:)?(\w+)/.exec(xml)?.[1] ?? '';

export async function startSoapFake(responder: Responder, options: SoapFakeOptions = {}): Promise<SoapFake> {
  let respond = responder;
  let connections = 0;
  const requests: FakeRequest[] = [];
  const sockets = new Set<Socket>();
  const onRequest = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const xml = Buffer.concat(chunks).toString('utf8');
    const request = { operation: operationOf(xml), xml, path: incoming.url ?? '', headers: incoming.headers, socket: incoming.socket };
    requests.push(request);
    const answer = await respond(request);
    if (answer === undefined) return;
    outgoing.writeHead(answer.status ?? 200, { 'Content-Type': 'application/soap+xml', ...answer.headers } as http.OutgoingHttpHeaders);
    outgoing.end(answer.body);
  };
  const handler = (incoming: http.IncomingMessage, outgoing: http.ServerResponse): void => {
    onRequest(incoming, outgoing).catch(() => incoming.socket.destroy());
  };
  const server = options.tls === undefined ? http.createServer(handler) : https.createServer(options.tls, handler);
  server.keepAliveTimeout = options.keepAliveTimeoutMs ?? 5_000;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    deviceUri: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/onvif/device_service`,
    host: `127.0.0.1:${port}`,
    requests,
    connections: () => connections,
    respond: (next) => {
      respond = next;
    },
    stop: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
