/** H.264 pictures as RTP packets (RFC 6184, packetization mode 1), as a camera would send them. No I/O. */
import type { RtpHandler } from '../port.js';
import type { CodedPicture } from './flv-pictures.js';

/** The payload type of converted streams. */
export const CONVERTED_PAYLOAD_TYPE = 96;
const HEADER_BYTES = 12;
const MAX_PAYLOAD_BYTES = 1_380;
const FU_A = 28;
/** Of no use to a viewer: what the encoder says of itself (SEI), delimiters and filler. */
const NEEDLESS: ReadonlySet<number> = new Set([6, 9, 12]);

/** One per stream. */
export class H264Packets {
  readonly #onRtp: RtpHandler;
  readonly #packet = Buffer.alloc(HEADER_BYTES + MAX_PAYLOAD_BYTES);
  #sequence = 0;
  #timestamp = 0;

  constructor(onRtp: RtpHandler) {
    this.#onRtp = onRtp;
    this.#packet[0] = 0x80;
  }

  /** Hands out the packets of one picture; `timestamp` in 90 kHz. */
  send(picture: CodedPicture, timestamp: number): void {
    this.#timestamp = timestamp >>> 0;
    const units = picture.units.filter((unit) => !NEEDLESS.has((unit[0] ?? 0) & 0x1f));
    units.forEach((unit, index) => {
      this.#unit(unit, index === units.length - 1);
    });
  }

  #unit(unit: Buffer, isLast: boolean): void {
    if (unit.length <= MAX_PAYLOAD_BYTES) {
      unit.copy(this.#packet, HEADER_BYTES);
      this.#emit(unit.length, isLast);
      return;
    }
    const head = unit[0] ?? 0;
    const room = MAX_PAYLOAD_BYTES - 2;
    for (let from = 1; from < unit.length; from += room) {
      const to = Math.min(unit.length, from + room);
      this.#packet[HEADER_BYTES] = (head & 0xe0) | FU_A;
      this.#packet[HEADER_BYTES + 1] = (head & 0x1f) | (from === 1 ? 0x80 : 0) | (to === unit.length ? 0x40 : 0);
      unit.copy(this.#packet, HEADER_BYTES + 2, from, to);
      this.#emit(2 + to - from, isLast && to === unit.length);
    }
  }

  #emit(payloadBytes: number, marker: boolean): void {
    this.#packet[1] = CONVERTED_PAYLOAD_TYPE | (marker ? 0x80 : 0);
    this.#packet.writeUInt16BE(this.#sequence, 2);
    this.#packet.writeUInt32BE(this.#timestamp, 4);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#onRtp(this.#packet, 0, HEADER_BYTES + payloadBytes);
  }
}
