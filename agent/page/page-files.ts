import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*\.(html|js|css|svg)\.gz$/;
const MOST_FILES = 64;
const LARGEST_BYTES = 1024 * 1024;
const LARGEST_PLAIN_BYTES = 8 * LARGEST_BYTES;

/** One file of the page as it is sent. */
export interface PageFile {
  readonly type: string;
  readonly gzip: Uint8Array;
  /** Strong, of the zipped form. */
  readonly etag: string;
  /** The name holds a hash of the content. */
  readonly isImmutable: boolean;
}

/** Path of the request (`/`, `/assets/main-1A2B.js`) to its file. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/**
 * The built page: zipped files in `folder` and `folder/assets`, read once, so that no path of a request ever reaches the file system. Empty
 * when the page is not installed. Links, other names and files over 1 MiB are passed over.
 */
export async function readPage(folder: string): Promise<PageFiles> {
  const files = new Map<string, PageFile>();
  for (const [under, isImmutable] of [
    ['', false],
    ['assets', true],
  ] as const) {
    const names = await fileNames(join(folder, under));
    for (const name of names.slice(0, MOST_FILES)) {
      const gzip = await fs.readFile(join(folder, under, name));
      if (gzip.byteLength > LARGEST_BYTES) continue;
      files.set(pathOf(under, name), { type: typeOf(name), gzip, etag: tagOf(gzip), isImmutable });
    }
  }
  // Half a page is worse than none: without its beginning there is nothing to open.
  return files.has('/') ? files : new Map();
}

async function fileNames(folder: string): Promise<string[]> {
  try {
    const entries = await fs.readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile() && FILE_NAME.test(entry.name)).map(({ name }) => name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

const bareName = (name: string): string => name.replace(/\.gz$/, '');
const pathOf = (under: string, name: string): string => {
  const bare = bareName(name);
  if (under !== '') return `/${under}/${bare}`;
  return bare === 'index.html' ? '/' : `/${bare}`;
};
const typeOf = (name: string): string => TYPES[bareName(name).split('.').at(-1) ?? ''] ?? 'application/octet-stream';
const tagOf = (bytes: Uint8Array): string => `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;

/** A file in the form that the client reads: zipped where it says so. */
export interface SentForm {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly isZipped: boolean;
}

/** The zipped form is kept; the plain one is made for the rare client that wants it. */
export function formOf(file: PageFile, acceptEncoding: string | undefined): SentForm {
  if (/\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(acceptEncoding ?? '')) return { body: file.gzip, etag: file.etag, isZipped: true };
  const body = gunzipSync(file.gzip, { maxOutputLength: LARGEST_PLAIN_BYTES });
  return { body, etag: file.etag.replace(/"$/, '-p"'), isZipped: false };
}
