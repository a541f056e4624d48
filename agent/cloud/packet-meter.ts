/** Finds the sizes of MQTT packets in a stream of bytes without keeping any of them (MQTT 3.1.1, section 2.2). */
export class PacketMeter {
  readonly #maxBytes: number;
  #header = 0;
  #length = 0;
  #left = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False as soon as a packet announces more than the limit, or a length that is not one. */
  accept(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at);
        this.#left -= skipped;
        at += skipped;
      } else {
        const byte = chunk[at] ?? 0;
        at += 1;
        if (!this.#readHeader(byte)) return false;
      }
    }
    return true;
  }

  #readHeader(byte: number): boolean {
    this.#header += 1;
    if (this.#header === 1) return true;
    this.#length += (byte & 127) * 128 ** (this.#header - 2);
    if (byte >= 128) return this.#header < 5;
    const isFine = this.#length <= this.#maxBytes;
    this.#left = this.#length;
    this.#header = 0;
    this.#length = 0;
    return isFine;
  }
}
