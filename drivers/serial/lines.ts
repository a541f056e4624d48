/** Cuts a stream of bytes into lines for gear that speaks in text. Pure apart from its own memory. Never throws. */

/**
 * Lines end with one of the bytes of `ends`; empty ones are left out. A line longer than `mostBytes` is noise and dropped whole, up to its end.
 */
export class LineReader {
  readonly #ends: ReadonlySet<number>;
  readonly #mostBytes: number;
  #kept: number[] = [];
  #isTooLong = false;

  constructor(ends: readonly number[], mostBytes: number) {
    this.#ends = new Set(ends);
    this.#mostBytes = mostBytes;
  }

  /** Lines completed by these bytes, without their ends. */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    const found: Uint8Array[] = [];
    for (const byte of bytes) {
      if (this.#ends.has(byte)) {
        if (!this.#isTooLong && this.#kept.length > 0) found.push(Uint8Array.from(this.#kept));
        this.#kept = [];
        this.#isTooLong = false;
      } else if (this.#kept.length < this.#mostBytes) {
        if (!this.#isTooLong) this.#kept.push(byte);
      } else {
        this.#isTooLong = true;
        this.#kept = [];
      }
    }
    return found;
  }
}
