import type { IncomingMessage, ServerResponse } from 'node:http';
import { DOOR_PATHS, type DoorFacts, readUpTopic, TopicChange } from '../contract/door.js';
import { MAX_MESSAGE_BYTES, parseGuarded } from '../contract/guard.js';
import { parseShape } from '../contract/shapes.js';
import { readDownTopic } from '../contract/topics.js';
import type { Log } from '../kernel/log.js';
import { type Refusal, refuse, sendFile, sendJson, setHeaders } from './answers.js';
import type { EventStreams, StreamSink } from './event-streams.js';
import { isOwnHost, mayRead, mayWrite, type RequestSource } from './host-policy.js';
import type { PageFiles } from './page-files.js';
import type { LanDoorParts } from './ports.js';
import { readBody } from './request-body.js';

/** Body of a change of topics: 64 names of 200 characters. */
const MOST_CHANGE_BYTES = 16 * 1024;
const LETTER_TYPES = new Set(['application/octet-stream', 'text/plain']);

/** What the routes need beside the recorder. */
export interface RouteParts extends Pick<LanDoorParts, 'scope' | 'receive' | 'kept'> {
  readonly page: PageFiles;
  readonly streams: EventStreams;
  /** Whether one more request of this address is answered now. */
  readonly takeRate: (address: string) => boolean;
  readonly remoteOf: (address: string) => string;
  readonly onRefused: (code: Refusal, address: string) => void;
  readonly log: Log;
}

/** One request from one address. */
interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly address: string;
  /** As sent, except that for files what follows a `?` does not count. */
  readonly path: string;
  readonly source: RequestSource;
}

/** Everything that can be asked at the door. A request is judged from outside to inside: rate, host, origin, path, size, type. */
export class DoorRoutes {
  readonly #parts: RouteParts;

  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  /** Never rejects. `address` is the client's, in its plain form. */
  async answer(request: IncomingMessage, response: ServerResponse, address: string): Promise<void> {
    setHeaders(response);
    const { host, origin } = request.headers;
    const site = request.headers['sec-fetch-site']?.toString();
    const visit: Visit = { request, response, address, path: request.url ?? '', source: { host, origin, site } };
    const localAddress = request.socket.localAddress ?? '';
    if (!this.#parts.takeRate(address)) this.#refuse(visit, 'lan.too_fast');
    else if (!isOwnHost(host, { localAddress, serial: this.#parts.scope.serial })) this.#refuse(visit, 'lan.bad_host');
    else if (request.method === 'POST') await this.#write(visit);
    else if (request.method === 'GET' || request.method === 'HEAD') await this.#read(visit);
    else this.#refuse(visit, 'lan.method', 'GET, HEAD, POST');
  }

  async #read(visit: Visit): Promise<void> {
    const { request, response, path, source } = visit;
    const { scope, page } = this.#parts;
    if (path === DOOR_PATHS.facts || path === DOOR_PATHS.events) {
      // Another site's page must not even learn that there is a recorder, nor use up its streams.
      if (!mayRead(source)) this.#refuse(visit, 'lan.other_page');
      else if (request.method !== 'GET') this.#refuse(visit, 'lan.method', 'GET');
      else if (path === DOOR_PATHS.facts) sendJson(response, { serial: scope.serial, tenant: scope.tenant } satisfies DoorFacts);
      else this.#openStream(visit);
      return;
    }
    const file = page.get(path.replace(/[?#].*$/s, ''));
    if (file !== undefined) sendFile(request, response, file);
    else this.#refuse(visit, path === '/' && page.size === 0 ? 'lan.no_page' : 'lan.not_found');
  }

  #openStream(visit: Visit): void {
    const { response, address } = visit;
    const sink: StreamSink = {
      get waitingBytes() {
        return response.writableLength;
      },
      write: (line) => {
        if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        response.write(line);
      },
      // The listener may be one that does not read: there is nothing to be gained by waiting for it.
      end: () => response.destroy(),
    };
    const name = this.#parts.streams.open(address, sink);
    if (name === undefined) this.#refuse(visit, 'lan.too_many');
    else response.on('close', () => this.#parts.streams.close(name));
  }

  async #write(visit: Visit): Promise<void> {
    const { request, path, source } = visit;
    if (!mayWrite(source)) return this.#refuse(visit, 'lan.other_page');
    const stream = /^\/events\/([A-Za-z0-9_-]{22})$/.exec(path)?.[1];
    const to = readDownTopic(this.#parts.scope, path.slice(1));
    if (stream === undefined && (to === undefined || !path.startsWith('/'))) return this.#refuse(visit, 'lan.not_found');
    const type = (request.headers['content-type'] ?? '').replace(/\s*;.*$/s, '').toLowerCase();
    const isTyped = stream === undefined ? LETTER_TYPES.has(type) : type === 'application/json';
    if (!isTyped || request.headers['content-encoding'] !== undefined) return this.#refuse(visit, 'lan.bad_type');
    const body = await readBody(request, stream === undefined ? MAX_MESSAGE_BYTES : MOST_CHANGE_BYTES);
    if (body === 'cut_off') return undefined;
    if (body === 'too_large') return this.#refuse(visit, 'lan.too_large');
    if (stream === undefined) this.#takeLetter(visit, body);
    else await this.#changeTopics(visit, stream, body);
    return undefined;
  }

  /** Taken means taken in: what comes of it is told on the topic of the answer. */
  #takeLetter({ path, response, address }: Visit, letter: Uint8Array): void {
    const { receive, remoteOf, log } = this.#parts;
    receive(path.slice(1), letter, remoteOf(address)).catch((error: unknown) => log.error('a letter could not be handled', { error }));
    response.writeHead(204).end();
  }

  async #changeTopics(visit: Visit, name: string, body: Uint8Array): Promise<void> {
    const { streams, log } = this.#parts;
    let change: TopicChange;
    try {
      change = parseShape(TopicChange, parseGuarded(body));
    } catch {
      return this.#refuse(visit, 'lan.malformed');
    }
    const result = streams.change(name, change);
    if (result !== 'done') return this.#refuse(visit, `lan.${result}`);
    visit.response.writeHead(204).end();
    for (const topic of change.add)
      await this.#tellKept(name, topic).catch((error: unknown) => log.error('a new listener could not be told', { error }));
    return undefined;
  }

  async #tellKept(name: string, topic: string): Promise<void> {
    const { scope, streams, kept } = this.#parts;
    const kind = readUpTopic(scope, topic);
    const message = kind === undefined ? undefined : await kept(kind, topic);
    if (message !== undefined) streams.tell(name, topic, message);
  }

  #refuse({ response, address }: Visit, code: Refusal, allow?: string): void {
    this.#parts.onRefused(code, address);
    refuse(response, code, allow);
  }
}
