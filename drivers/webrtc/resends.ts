/** The last packets sent to one viewer, and which of them go out once more when it missed them (RFC 4585 6.2.1). No I/O; time is an argument. */

/** Packets kept: at 300 packets/s 1.7 s, which covers several round trips of any usable line. */
export const KEPT_PACKETS = 512;
/** Larger packets are never sent (see the packet writer's limit), so a slot has this size. */
const SLOT_BYTES = 1500;
/** Of what is sent, so much may go out a second time: a viewer that misses more needs a smaller stream, not more packets on its line. */
const SHARE = 0.25;
/** What may be resent at once: the first intra picture of a session must be repairable, and one loss of a tenth of a second. */
const MAX_CREDIT_BYTES = 131_072;
/** A packet that is on its way again is not sent again before the viewer can know. */
const AGAIN_AFTER_MS = 15;
/** Browsers give up after ten requests; so do we. */
const MAX_TIMES = 10;

/** One per viewer. The memory is taken with the first packet. */
export class Resends {
  /** Packets that were asked for, each counted once, since `takeAsked`. */
  #asked = 0;
  #sent = 0;
  #credit = MAX_CREDIT_BYTES;
  #bytes: Buffer | undefined;
  /** Per slot: sequence number (-1: empty), length, how often and when resent. */
  readonly #numbers = new Int32Array(KEPT_PACKETS).fill(-1);
  readonly #lengths = new Uint16Array(KEPT_PACKETS);
  readonly #times = new Uint8Array(KEPT_PACKETS);
  readonly #resentAt = new Float64Array(KEPT_PACKETS);

  /** Copies a packet that was sent. Too large ones are not kept. */
  keep(packet: Buffer): void {
    if (packet.length > SLOT_BYTES || packet.length < 4) return;
    this.#bytes ??= Buffer.allocUnsafeSlow(KEPT_PACKETS * SLOT_BYTES);
    const number = packet.readUInt16BE(2);
    const slot = number % KEPT_PACKETS;
    packet.copy(this.#bytes, slot * SLOT_BYTES);
    this.#numbers[slot] = number;
    this.#lengths[slot] = packet.length;
    this.#times[slot] = 0;
    this.#sent += 1;
    this.#credit = Math.min(MAX_CREDIT_BYTES, this.#credit + packet.length * SHARE);
  }

  /** Hands out what of `missing` is kept and may go; `send` must not keep the bytes, and its false stops the rest. */
  answer(missing: readonly number[], nowMs: number, send: (packet: Buffer) => boolean): void {
    for (const number of missing) {
      const slot = number % KEPT_PACKETS;
      const times = this.#times[slot] ?? 0;
      if (this.#bytes === undefined || this.#numbers[slot] !== number || times >= MAX_TIMES) continue;
      if (times === 0) this.#asked += 1;
      else if (nowMs - (this.#resentAt[slot] ?? 0) < AGAIN_AFTER_MS) continue;
      const length = this.#lengths[slot] ?? 0;
      if (length > this.#credit || !send(this.#bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + length))) return;
      this.#credit -= length;
      this.#times[slot] = times + 1;
      this.#resentAt[slot] = nowMs;
    }
  }

  /** Share of the packets sent since the last call that the viewer missed, 0..1. */
  takeAskedShare(): number {
    const share = this.#sent === 0 ? 0 : Math.min(1, this.#asked / this.#sent);
    this.#asked = 0;
    this.#sent = 0;
    return share;
  }
}
