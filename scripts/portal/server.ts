import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { DOOR_PATHS } from '../../agent/contract/door.js';
import { type Broker, type BrokerCounters, portTaken, startBroker } from './broker.js';
import { type Asset, type BuiltApp, buildApp } from './build.js';
import { DeviceRegister } from './device-register.js';
import { type IssuerServer, startIssuer } from './issuer.js';
import { makeVerifyPage } from './verify-page.js';

/** Where the reference cloud listens, and what it serves. */
export interface PortalOptions {
  /** Port of the web app and of MQTT over WebSocket (`/mqtt`); 0 takes any free one. */
  readonly port: number;
  /** Port of MQTT over TCP for recorders; 0 takes any free one. */
  readonly mqttPort: number;
  /** 127.0.0.1 unless told otherwise. */
  readonly host?: string | undefined;
  readonly tenant: string;
  /** WebSocket address of another MQTT broker that the app is to use; default this one's own `/mqtt`. */
  readonly relayUrl?: string | undefined;
  /** File with the keys of recorders seen; memory only without it. */
  readonly stateFile?: string | undefined;
  /** Issues client certificates to recorders over https; not without it. Port 0 takes any free one; the authority lies in the folder. */
  readonly enrol?: { readonly port: number; readonly folder: string } | undefined;
  /** An app that is built already; tests share one. */
  readonly app?: BuiltApp | undefined;
  readonly onTrouble?: (error: unknown) => void;
}

/** A reference cloud that listens: `url` of the web app, `mqttUrl` for recorders. */
export interface Portal {
  readonly url: string;
  readonly mqttUrl: string;
  /** Where certificates are issued, and the authority's certificate file; null where none are. */
  readonly enrolment: { readonly url: string; readonly caFile: string } | null;
  counters(): BrokerCounters & { requests: number };
  stop(): Promise<void>;
}

/** No inline script or style, nothing from elsewhere. blob: is for the QR scanner's worker and the camera's picture. */
const SECURITY_HEADERS = {
  'content-security-policy': [
    "default-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "style-src 'self'",
    "script-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** The app may then speak with that broker too, and with nobody else. */
function allowingRelay(relayUrl: string): Record<string, string> {
  const policy = SECURITY_HEADERS['content-security-policy'].replace(
    "connect-src 'self'",
    `connect-src 'self' ${new URL(relayUrl).origin}`,
  );
  return { ...SECURITY_HEADERS, 'content-security-policy': policy };
}

function sendAsset(request: IncomingMessage, response: ServerResponse, asset: Asset): void {
  response.setHeader('etag', asset.etag);
  response.setHeader('cache-control', asset.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.setHeader('vary', 'accept-encoding');
  if (request.headers['if-none-match'] === asset.etag) {
    response.writeHead(304).end();
    return;
  }
  const isZipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  const body = isZipped ? asset.gzip : asset.body;
  if (isZipped) response.setHeader('content-encoding', 'gzip');
  response.writeHead(200, { 'content-type': asset.type, 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Serves from a table that was filled at the start: no path of a request ever reaches the file system. */
function makeHandler(
  app: BuiltApp,
  tenant: string,
  relayUrl: string | undefined,
): (request: IncomingMessage, response: ServerResponse) => void {
  const verify = makeVerifyPage();
  const table = new Map([...app.assets, verify.asset].map((asset) => [asset.path, asset]));
  const config = JSON.stringify({ tenant, ...(relayUrl === undefined ? {} : { relayUrl }) });
  const headers = relayUrl === undefined ? SECURITY_HEADERS : allowingRelay(relayUrl);
  return (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    const path = (request.url ?? '/').replace(/[?#].*$/, '');
    const asset = table.get(path);
    if (asset === verify.asset) response.setHeader('content-security-policy', verify.policy);
    if (asset !== undefined) sendAsset(request, response, asset);
    // The same app also runs at a recorder's own door; here it learns that it does not.
    else if (path === DOOR_PATHS.facts) response.writeHead(204, { 'cache-control': 'no-store' }).end();
    else if (path === '/config.json') {
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(config);
    } else response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Nothing here.\n');
  };
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(portTaken(cause, port)));
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/**
 * The reference cloud in one process: web app, and message relay for recorders and apps.
 * @throws AgentError portal.port_taken | portal.port_refused | portal.state_unreadable | portal.too_large
 */
export async function startPortal(options: PortalOptions): Promise<Portal> {
  const host = options.host ?? '127.0.0.1';
  const handler = makeHandler(options.app ?? (await buildApp()), options.tenant, options.relayUrl);
  let requests = 0;
  const http = createServer({ requestTimeout: 15_000, headersTimeout: 10_000 }, (request, response) => {
    requests += 1;
    handler(request, response);
  });
  const port = await listen(http, options.port, host);
  const trouble = options.onTrouble === undefined ? {} : { onTrouble: options.onTrouble };
  let broker: Broker | undefined;
  let issuer: IssuerServer | undefined;
  try {
    const register = await DeviceRegister.open(options.stateFile);
    broker = await startBroker({ tenant: options.tenant, port: options.mqttPort, host, http, register, ...trouble });
    if (options.enrol !== undefined) issuer = await startIssuer({ ...options.enrol, host, register, ...trouble });
  } catch (error) {
    http.close();
    await broker?.stop();
    throw error;
  }
  return portalOf(http, { host, port, broker, issuer, requests: () => requests });
}

interface Running {
  readonly host: string;
  readonly port: number;
  readonly broker: Broker;
  readonly issuer: IssuerServer | undefined;
  readonly requests: () => number;
}

function portalOf(http: Server, { host, port, broker, issuer, requests }: Running): Portal {
  return {
    url: `http://${host}:${port}/`,
    mqttUrl: `mqtt://${host}:${broker.port}`,
    enrolment: issuer === undefined ? null : { url: issuer.url, caFile: issuer.caFile },
    counters: () => ({ ...broker.counters(), requests: requests() }),
    stop: async () => {
      const isClosed = new Promise<void>((resolve) => http.close(() => resolve()));
      await issuer?.stop();
      await broker.stop();
      http.closeAllConnections();
      await isClosed;
    },
  };
}
