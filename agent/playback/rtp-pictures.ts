import type { FootagePicture } from '../../drivers/port.js';

const HEAD_BYTES = 12;
const TICKS_PER_MS = 90;
const LEAST_STEP_TICKS = 90;

/**
 * Recorded pictures as RTP packets for the gate: one NAL unit each (RFC 6184 5.6, RFC 7798 4.4.1), whatever its size, since the gate cuts them.
 * Time stamps follow the instants at which pictures are due, not those of the footage: they only ever rise, at any speed and in both directions.
 */
export class RtpPictures {
  #sequence = 0;
  #ticks = 0;
  #hasBegun = false;
  #packet = Buffer.alloc(16 * 1024);

  /** Hands out the packets of one picture; `dueMs` is monotonic time. The bytes are valid during the call only. */
  write(picture: FootagePicture, dueMs: number, take: (bytes: Buffer, start: number, end: number) => void): void {
    const ticks = Math.round(dueMs * TICKS_PER_MS);
    this.#ticks = this.#hasBegun ? Math.max(ticks, this.#ticks + LEAST_STEP_TICKS) : ticks;
    this.#hasBegun = true;
    for (const [index, nal] of picture.nals.entries()) {
      const length = HEAD_BYTES + nal.length;
      if (length > this.#packet.length) this.#packet = Buffer.alloc(2 ** Math.ceil(Math.log2(length)));
      const packet = this.#packet;
      packet[0] = 0x80;
      packet[1] = 96 | (index === picture.nals.length - 1 ? 0x80 : 0);
      packet.writeUInt16BE(this.#sequence & 0xffff, 2);
      packet.writeUInt32BE(this.#ticks % 0x1_0000_0000, 4);
      packet.writeUInt32BE(1, 8);
      packet.set(nal, HEAD_BYTES);
      this.#sequence += 1;
      take(packet, 0, length);
    }
  }
}
