const FIRST_BYTES = 64 * 1024;

/**
 * Camera packets held back until the viewer can have them: copies in one buffer that grows up to `limitBytes` and is given up
 * by `clear`. In memory only; nothing of it is ever written anywhere.
 */
export class HeldPackets {
  readonly #limitBytes: number;
  #buffer = Buffer.alloc(0);
  #used = 0;
  /** Where each packet ends. */
  #ends: number[] = [];

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get count(): number {
    return this.#ends.length;
  }

  get bytes(): number {
    return this.#used;
  }

  /** Copies the packet at [start, end); false when there is no room for it. */
  append(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (this.#used + length > this.#limitBytes) return false;
    if (this.#used + length > this.#buffer.length) this.#grow(this.#used + length);
    this.#buffer.set(bytes.subarray(start, end), this.#used);
    this.#used += length;
    this.#ends.push(this.#used);
    return true;
  }

  /** Forgets the first `count` packets. */
  dropFirst(count: number): void {
    const gone = count === 0 ? 0 : (this.#ends[count - 1] ?? this.#used);
    this.#buffer.copyWithin(0, gone, this.#used);
    this.#used -= gone;
    this.#ends = this.#ends.slice(count).map((end) => end - gone);
  }

  /** Hands out every packet in order; `take` must not keep the bytes and ends the walk by returning false. */
  each(take: (bytes: Uint8Array, start: number, end: number) => boolean): void {
    let start = 0;
    for (const end of this.#ends) {
      if (!take(this.#buffer, start, end)) return;
      start = end;
    }
  }

  /** Forgets all and gives the memory back. */
  clear(): void {
    this.#buffer = Buffer.alloc(0);
    this.#used = 0;
    this.#ends = [];
  }

  #grow(needed: number): void {
    let size = Math.max(FIRST_BYTES, this.#buffer.length);
    while (size < needed) size *= 2;
    const larger = Buffer.allocUnsafe(Math.min(size, Math.max(needed, this.#limitBytes)));
    this.#buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }
}
