import type { IncomingMessage, ServerResponse } from 'node:http';
import { formOf, type PageFile } from './page-files.js';

/**
 * No inline script or style, nothing from elsewhere, no frame around it. blob: is for the QR scanner's worker and the camera's picture. There
 * is no Strict-Transport-Security on purpose: with it a browser would no longer let a person accept the self-made certificate.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "connect-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "style-src 'self'",
    "script-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** On every answer, refusals included. */
export function setHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

const REFUSALS = {
  'lan.bad_host': [421, 'This address is not the recorder’s.', 'Open it by the address or name on its label.'],
  'lan.other_page': [403, 'This request comes from another page.', 'Open the recorder’s own page.'],
  'lan.not_found': [404, 'Nothing here.', 'Go to the start page.'],
  'lan.no_page': [404, 'The page is not installed on this recorder.', 'Use the portal, or install the recorder’s software anew.'],
  'lan.method': [405, 'This cannot be done here.', 'Use the recorder’s own page.'],
  'lan.too_large': [413, 'The letter is too large.', 'Send letters of up to 64 KiB.'],
  'lan.bad_type': [415, 'A letter of this type is not read.', 'Send it as text/plain or application/octet-stream.'],
  'lan.malformed': [400, 'The request is not as expected.', 'Use an app of this recorder’s version.'],
  'lan.unknown_stream': [410, 'This stream has ended.', 'Open a new one.'],
  'lan.topic_not_allowed': [403, 'This cannot be listened to here.', 'Name topics of this recorder, one by one.'],
  'lan.too_many_topics': [409, 'Too many topics in one stream.', 'Leave some first.'],
  'lan.too_fast': [429, 'Too many requests at once.', 'Wait a second.'],
  'lan.too_many': [503, 'Too many listen at this recorder.', 'Close a page elsewhere and try again.'],
} as const;

/** Why a request is refused. */
export type Refusal = keyof typeof REFUSALS;

/** One sentence for a person, the next step and the code. Closes the connection where the rest of the request is not wanted. */
export function refuse(response: ServerResponse, code: Refusal, allow?: string): void {
  if (response.headersSent || response.destroyed) return;
  const [status, say, fix] = REFUSALS[code];
  const body = `${say} ${fix} (${code})\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(allow === undefined ? {} : { allow }),
    ...(status === 429 ? { 'retry-after': '1' } : {}),
    ...(response.req.method === 'POST' && !response.req.complete ? { connection: 'close' } : {}),
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** A small JSON answer. */
export function sendJson(response: ServerResponse, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** A file of the page, or that the browser has it already. */
export function sendFile(request: IncomingMessage, response: ServerResponse, file: PageFile): void {
  const { body, etag, isZipped } = formOf(file, request.headers['accept-encoding']?.toString());
  response.setHeader('etag', etag);
  response.setHeader('cache-control', file.isImmutable ? 'private, max-age=31536000, immutable' : 'no-cache');
  response.setHeader('vary', 'accept-encoding');
  if ((request.headers['if-none-match'] ?? '').split(/\s*,\s*/).includes(etag)) {
    response.writeHead(304).end();
    return;
  }
  if (isZipped) response.setHeader('content-encoding', 'gzip');
  response.writeHead(200, { 'content-type': file.type, 'content-length': body.byteLength });
  response.end(request.method === 'HEAD' ? undefined : body);
}
