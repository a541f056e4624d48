import { Agent, type RequestOptions, request } from 'node:https';
import { Readable } from 'node:stream';

/** An answer of the door, read to its end. */
export interface DoorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What a test asks of the door; `path` is sent as it stands. */
export interface DoorRequest {
  readonly port: number;
  /** PEM; the one certificate that is taken. */
  readonly ca: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Address to connect to. */
  readonly host?: string;
}

/** One request on a connection of its own. Sends our own Origin with a POST, as a browser does, unless the headers say otherwise. */
export function askDoor({ port, ca, path, method = 'GET', headers = {}, body, host = '127.0.0.1' }: DoorRequest): Promise<DoorReply> {
  const origin = method === 'POST' ? { origin: `https://${host}:${port}` } : {};
  const pinned = { ca, checkServerIdentity: () => undefined };
  const options: RequestOptions = { ...pinned, host, port, path, method, agent: false, headers: { ...origin, ...headers } };
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/**
 * `fetch` as the recorder's own page has it in a browser: trusts one certificate, sends the page's Origin with every POST, keeps up to six
 * connections and streams the answer.
 */
export function pageFetch(origin: string, ca: () => string): typeof fetch {
  const agent = new Agent({ keepAlive: true, maxSockets: 6 });
  return (input, init = {}) =>
    new Promise((resolve, reject) => {
      const headers = { ...(init.headers as Record<string, string>), ...(init.method === 'POST' ? { origin } : {}) };
      const options: RequestOptions = {
        method: init.method ?? 'GET',
        ca: ca(),
        headers,
        agent,
        ...(init.signal === null || init.signal === undefined ? {} : { signal: init.signal }),
      };
      const sent = request(String(input), options, (response) => {
        const status = response.statusCode ?? 0;
        const isEmpty = status === 204 || status === 304;
        resolve(new Response(isEmpty ? null : (Readable.toWeb(response) as ReadableStream<Uint8Array>), { status }));
        if (isEmpty) response.resume();
      });
      sent.on('error', reject);
      sent.end(init.body as string | undefined);
    });
}
