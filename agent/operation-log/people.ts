import { createHmac, hash, randomBytes } from 'node:crypto';
import { toBase64url } from '../contract/text.js';
import type { Hash } from './chain.js';
import { canonicalPerson, type Person } from './entry.js';
import type { LogStore, SubjectRow } from './ports.js';

const SALT_BYTES = 32;
const COMMITMENT_BYTES = 16;
const MOST_KNOWN = 256;

/**
 * One-shot and through a text, so that neither a hash object nor a buffer of its own is left to the collector for every hash: over many
 * rows their clean-up alone stopped the event loop for 18 ms at a time.
 */
export const sha256: Hash = (...parts) => Buffer.from(hash('sha256', Buffer.concat(parts), 'binary'), 'binary');

/** 16 bytes of HMAC-SHA256: binds to the text without telling it; without the salt nobody can try out names. */
export function commitment(salt: Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', salt).update(text).digest().subarray(0, COMMITMENT_BYTES);
}

/** 32 random bytes. */
export function newSalt(): Uint8Array {
  return randomBytes(SALT_BYTES);
}

/** Finds the commitment of a person; the same person keeps the same one while its subject row lives. */
export class People {
  readonly #store: LogStore;
  readonly #known = new Map<string, string>();

  constructor(store: LogStore) {
    this.#store = store;
  }

  /** The ref, base64url. A person who is new is added to `fresh`, to be stored together with the row; confirm with `remember`. */
  async refOf(person: Person, fresh: Map<string, SubjectRow>): Promise<string> {
    const canonical = canonicalPerson(person);
    const key = keyOf(canonical);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const row = fresh.get(key) ?? (await this.#store.findSubject(canonical)) ?? made(canonical);
    fresh.set(key, row);
    return toBase64url(row.ref);
  }

  /** Called once the subjects are on the disk. */
  remember(fresh: ReadonlyMap<string, SubjectRow>): void {
    if (this.#known.size + fresh.size > MOST_KNOWN) this.#known.clear();
    for (const [key, row] of fresh) this.#known.set(key, toBase64url(row.ref));
  }

  /** After an erasure nothing may be known by heart. */
  forget(): void {
    this.#known.clear();
  }
}

function keyOf(person: Person): string {
  return JSON.stringify({ name: person.name, email: person.email });
}

function made(person: Person): SubjectRow {
  const salt = newSalt();
  return { ref: commitment(salt, keyOf(person)), salt, name: person.name, email: person.email, erasedAt: null };
}
