import { randomBytes, scrypt } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newCode } from '../contract/code.js';
import { parseGuarded } from '../contract/guard.js';
import { KEY_DERIVATION } from '../contract/pairing.js';
import { parseShape } from '../contract/shapes.js';
import { makeVerifier, splitPasswordKey, type Verifier } from '../contract/spake2plus.js';
import { CodeRecord, type CodeVerifier } from '../contract/stored.js';
import { fromBase64url, toBase64url } from '../contract/text.js';
import { readFileIfThere, writeFileDurably } from '../kernel/atomic-file.js';
import { NO_FAILS, type Purpose, type TryState } from './window.js';

const derive = promisify(scrypt) as (code: string, salt: Uint8Array, length: number, options: object) => Promise<Buffer>;

/** What the recorder keeps of one verification code: enough to check it, not to know it. */
export interface KeptCode {
  readonly salt: Uint8Array;
  readonly verifier: Verifier;
}

/**
 * The codes of this recorder. `label` is the one printed at the factory and is kept for good; `once` was shown once and dies with its use.
 * `armed` says which of them counts now, `purpose` what it is good for.
 */
export interface CodeMemory {
  readonly label: KeptCode | null;
  readonly once: KeptCode | null;
  readonly armed: 'none' | 'label' | 'once';
  readonly purpose: Purpose;
  readonly tries: TryState;
}

/** No code was ever made. */
export const NO_CODE: CodeMemory = { label: null, once: null, armed: 'none', purpose: 'own', tries: NO_FAILS };

/** The code that counts now, if one does. */
export function armedCode(memory: CodeMemory): KeptCode | null {
  return memory.armed === 'none' ? null : memory[memory.armed];
}

/** The code has done its work, or was called off: what is left cannot be paired with until a press. The printed label stays known. */
export function disarmed(memory: CodeMemory): CodeMemory {
  return { ...memory, once: null, armed: 'none', purpose: 'own' };
}

/** `pairing.json` in the state folder: the verifiers and the count of failed tries. Every change is durable when it resolves. */
export class CodeFile {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, 'pairing.json');
  }

  /** A damaged file counts as one without codes (`onDamaged` is told): a new code needs a press. */
  async load(onDamaged: (cause: unknown) => void = () => undefined): Promise<CodeMemory> {
    const bytes = await readFileIfThere(this.#path);
    if (bytes === undefined) return NO_CODE;
    try {
      return readMemory(parseGuarded(bytes));
    } catch (cause) {
      onDamaged(cause);
      return NO_CODE;
    }
  }

  async save(memory: CodeMemory): Promise<void> {
    const record: CodeRecord = {
      v: 2,
      label: memory.label === null ? null : writeCode(memory.label),
      once: memory.once === null ? null : writeCode(memory.once),
      armed: memory.armed,
      purpose: memory.purpose,
      fails: { ...memory.tries.fails },
    };
    await writeFileDurably(this.#path, `${JSON.stringify(record)}\n`);
  }
}

/** A new code and what is kept of it. The code itself exists only in the answer: show it once. About 0.1 s (scrypt, 32 MiB). */
export async function makeCode(): Promise<{ code: string; kept: KeptCode }> {
  const code = newCode((length) => randomBytes(length));
  const salt = new Uint8Array(randomBytes(16));
  const { N, r, p } = KEY_DERIVATION;
  const { w0, w1 } = splitPasswordKey(await derive(code, salt, 80, { N, r, p, maxmem: 64 * 1024 * 1024 }));
  return { code, kept: { salt, verifier: makeVerifier(w0, w1) } };
}

function readMemory(value: unknown): CodeMemory {
  const record = parseShape(CodeRecord, asCurrent(value));
  const memory: CodeMemory = {
    label: record.label === null ? null : readCode(record.label),
    once: record.once === null ? null : readCode(record.once),
    armed: record.armed,
    purpose: record.purpose,
    tries: { fails: record.fails },
  };
  // "Armed" without the code that it names: nothing counts.
  return armedCode(memory) === null ? disarmed(memory) : memory;
}

/** Version 0.1 kept one code, shown once, and left `{}` behind when it was used. */
function asCurrent(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Object.keys(value).length === 0) return { v: 2, label: null, once: null, armed: 'none', purpose: 'own', fails: NO_FAILS.fails };
  const { v, fails, ...once } = value as { v?: unknown; fails?: unknown };
  return v === 1 ? { v: 2, label: null, once, armed: 'once', purpose: 'own', fails } : value;
}

function readCode(kept: CodeVerifier): KeptCode {
  return { salt: fromBase64url(kept.salt), verifier: { w0: fromBase64url(kept.w0), L: fromBase64url(kept.L) } };
}

function writeCode({ salt, verifier }: KeptCode): CodeVerifier {
  return { salt: toBase64url(salt), w0: toBase64url(verifier.w0), L: toBase64url(verifier.L) };
}
