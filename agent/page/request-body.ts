import type { IncomingMessage } from 'node:http';

/** What a body turned out to be. */
export type Body = Uint8Array | 'too_large' | 'cut_off';

/** The whole body, read as far as `mostBytes` and no further; what was announced as larger is not read at all. Never rejects. */
export function readBody(request: IncomingMessage, mostBytes: number): Promise<Body> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return Promise.resolve('too_large');
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let size = 0;
    request.on('data', (part: Buffer) => {
      size += part.byteLength;
      if (size > mostBytes) {
        request.pause();
        resolve('too_large');
      } else parts.push(part);
    });
    request.on('end', () => resolve(Buffer.concat(parts)));
    request.on('error', () => resolve('cut_off'));
    request.on('close', () => resolve('cut_off'));
  });
}
