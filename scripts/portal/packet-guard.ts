import { Duplex } from 'node:stream';

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

/**
 * `inner` with a limit on incoming packets: the broker's parser would otherwise collect up to 256 MB for a length that somebody made
 * up. A client that announces more is cut off before anything is collected; `onTooLarge` is called once then.
 */
export function guardPackets(inner: Duplex, maxBytes: number, onTooLarge: () => void): Duplex {
  const meter = new PacketMeter(maxBytes);
  const outer = new Duplex({
    read: () => inner.resume(),
    // The broker writes a packet in many small pieces; over WebSocket each would become a frame of its own.
    writev: (chunks, done) => {
      const whole = Buffer.concat(chunks.map(({ chunk }) => (typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array))));
      // Back-pressure of the real connection: the broker must learn that a reader is slow.
      if (inner.write(whole)) done();
      else inner.once('drain', () => done());
    },
    final: (done) => {
      inner.end();
      done();
    },
    destroy: (error, done) => {
      inner.destroy();
      done(error);
    },
  });
  inner.on('data', (chunk: Uint8Array) => {
    if (!meter.accept(chunk)) {
      onTooLarge();
      outer.destroy();
    } else if (!outer.push(chunk)) inner.pause();
  });
  inner.on('end', () => outer.push(null));
  inner.on('error', (error) => outer.destroy(error));
  inner.on('close', () => outer.destroy());
  return outer;
}
