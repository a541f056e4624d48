import { createReadStream } from 'node:fs';

/** True when the file's bytes hold one of the texts (UTF-8, exact). Reads in pieces; false when it cannot be read. */
export async function fileHolds(path: string, texts: readonly string[]): Promise<boolean> {
  const needles = texts.filter((text) => text !== '').map((text) => Buffer.from(text, 'utf8'));
  const overlap = Math.max(0, ...needles.map((needle) => needle.byteLength - 1));
  let tail = Buffer.alloc(0);
  try {
    for await (const piece of createReadStream(path)) {
      const window = Buffer.concat([tail, piece as Buffer]);
      if (needles.some((needle) => window.includes(needle))) return true;
      tail = window.subarray(Math.max(0, window.byteLength - overlap));
    }
  } catch {
    return false;
  }
  return false;
}
