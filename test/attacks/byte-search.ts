/** Looks for a text in files as a thief would: in every spelling in which it may lie there without being protected. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The ways in which a secret may lie in a file without being protected. */
export function spellings(secret: string): readonly Buffer[] {
  const bytes = Buffer.from(secret, 'utf8');
  const base64 = [0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // Only the characters that depend on nothing but the secret.
    const whole = shifted.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const texts = [
    secret,
    secret.toLowerCase(),
    encodeURIComponent(secret),
    [...secret].reverse().join(''),
    bytes.toString('hex'),
    ...base64,
  ];
  return [...new Set(texts)].map((text) => Buffer.from(text, 'latin1')).concat([Buffer.from(secret, 'utf16le')]);
}

/** Every plain file below `folder`. */
export async function filesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Files below `folder` that hold any spelling of any of the secrets. */
export async function holders(folder: string, secrets: readonly string[]): Promise<readonly string[]> {
  const wanted = secrets.flatMap(spellings);
  const found: string[] = [];
  for (const path of await filesOf(folder)) {
    // The agent may be at work: a file that is gone holds nothing.
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    if (wanted.some((one) => bytes.includes(one))) found.push(path.slice(folder.length + 1));
  }
  return found;
}
