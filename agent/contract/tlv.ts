import { AgentError } from '../kernel/errors.js';
import { concatBytes } from './text.js';

/**
 * The encoding beneath X.509: DER (ITU-T X.690), as much of it as certificates with P-256 keys need. One octet of tag, definite lengths up to
 * 65 535 in their shortest form; anything else is refused. Pure.
 */

/** Tags of X.690 that are used here. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element as it was read. `whole` includes tag and length. */
export interface Element {
  readonly tag: number;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly whole: Uint8Array<ArrayBuffer>;
}

/** The error for bytes that are not what they should be. */
export function malformed(what: string, cause?: unknown): AgentError {
  return new AgentError({
    code: 'certificate.malformed',
    say: `The certificate or certificate request cannot be read: ${what}.`,
    fix: 'Make it anew with a P-256 key and ECDSA with SHA-256.',
    cause,
  });
}

/** An element of this tag with these parts, one after the other. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concatBytes(...parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  if (size > 0xffff) throw malformed('it is longer than 65 535 bytes');
  return concatBytes(Uint8Array.of(tag, ...length), content);
}

/** A sequence of these parts. */
export const sequence = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => element(TAG.sequence, ...parts);

/** A number that is not negative, from its big-endian bytes: shortest form, with a zero in front where the first bit is set. */
export function unsigned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from += 1;
  const short = bytes.subarray(from);
  return element(TAG.integer, ((short[0] ?? 0) & 0x80) === 0 ? short : concatBytes(Uint8Array.of(0), short));
}

/** A bit string of whole bytes. */
export const bitString = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => element(TAG.bitString, Uint8Array.of(0), bytes);

/** Reads elements one after the other and never past the end of what it was given. */
export class ElementReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The tag of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** The next element, which must have this tag. @throws AgentError certificate.malformed */
  read(tag: number): Element {
    const start = this.#at;
    if (this.nextTag !== tag) throw malformed(`at byte ${start} an element 0x${tag.toString(16)} is missing`);
    this.#at += 1;
    const size = this.#readLength();
    const from = this.#at;
    if (from + size > this.#bytes.length) throw malformed('an element is longer than what holds it');
    this.#at = from + size;
    return { tag, content: this.#bytes.subarray(from, this.#at), whole: this.#bytes.subarray(start, this.#at) };
  }

  /** The elements inside the next one. @throws AgentError certificate.malformed */
  enter(tag: number): ElementReader {
    return new ElementReader(this.read(tag).content);
  }

  /** @throws AgentError certificate.malformed when something is left */
  end(): void {
    if (!this.isAtEnd) throw malformed('there is more than belongs there');
  }

  #readLength(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count !== 1 && count !== 2) throw malformed('a length is not definite and short');
    const size = count === 1 ? this.#byte() : this.#byte() * 0x100 + this.#byte();
    if (size < (count === 1 ? 0x80 : 0x100)) throw malformed('a length is not in its shortest form');
    return size;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw malformed('it ends too early');
    this.#at += 1;
    return byte;
  }
}

/** Whether two byte strings are the same. For public values only: it takes longer for longer equal beginnings. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
