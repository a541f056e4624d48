import { randomBytes, scrypt } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newCode } from '../contract/code.js';
import { parseGuarded } from '../contract/guard.js';
import { KEY_DERIVATION } from '../contract/pairing.js';
import { parseShape } from '../contract/shapes.js';
import { makeVerifier, splitPasswordKey, type Verifier } from '../contract/spake2plus.js';
import { CodeRecord } from '../contract/stored.js';
import { fromBase64url, toBase64url } from '../contract/text.js';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import { NO_FAILS, type TryState } from './window.js';

const derive = promisify(scrypt) as (code: string, salt: Uint8Array, length: number, options: object) => Promise<Buffer>;

/** What the recorder keeps of a verification code: enough to check it, not to know it. */
export interface CodeMemory {
  readonly salt: Uint8Array;
  readonly verifier: Verifier;
  readonly tries: TryState;
}

/** `pairing.json` in the state folder: the verifier and the count of failed tries. Every change is durable when it resolves. */
export class CodeFile {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, 'pairing.json');
  }

  /** Undefined when there is no code: none was made, or it was used. A damaged file counts as none: a new code needs a press. */
  async load(): Promise<CodeMemory | undefined> {
    const bytes = await readFileIfThere(this.#path);
    if (bytes === undefined) return undefined;
    try {
      const record = parseShape(CodeRecord, parseGuarded(bytes));
      const verifier = { w0: fromBase64url(record.w0), L: fromBase64url(record.L) };
      return { salt: fromBase64url(record.salt), verifier, tries: { fails: record.fails } };
    } catch {
      return undefined;
    }
  }

  async save(memory: CodeMemory): Promise<void> {
    const { salt, verifier, tries } = memory;
    const record: CodeRecord = {
      v: 1,
      salt: toBase64url(salt),
      w0: toBase64url(verifier.w0),
      L: toBase64url(verifier.L),
      fails: tries.fails,
    };
    await writeFileDurably(this.#path, `${JSON.stringify(record)}\n`);
  }

  /** The code has done its work: what is left cannot be paired with until a press. */
  async forget(): Promise<void> {
    await writeFileDurably(this.#path, '{}\n');
  }
}

/** A new code and what is kept of it. The code itself exists only in the answer: show it once. About 0.1 s (scrypt, 32 MiB). */
export async function makeCode(tries: TryState = NO_FAILS): Promise<{ code: string; memory: CodeMemory }> {
  const code = newCode((length) => randomBytes(length));
  const salt = new Uint8Array(randomBytes(16));
  const { N, r, p } = KEY_DERIVATION;
  const { w0, w1 } = splitPasswordKey(await derive(code, salt, 80, { N, r, p, maxmem: 64 * 1024 * 1024 }));
  return { code, memory: { salt, verifier: makeVerifier(w0, w1), tries } };
}
