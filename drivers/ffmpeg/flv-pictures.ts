/**
 * Takes ffmpeg's FLV output apart (Video File Format Specification 10, annex E). FLV, because it says where a picture ends: a raw
 * stream tells that only with the next picture. No I/O; throws nothing.
 */

const FILE_HEADER_BYTES = 13;
const TAG_HEADER_BYTES = 11;
const VIDEO = 9;
const AVC = 7;
/** Larger than any picture at the bit rates asked for. */
const MAX_TAG_BYTES = 4 * 1024 * 1024;

/** One coded picture. */
export interface CodedPicture {
  readonly isKey: boolean;
  /** NAL units without start codes; of a key picture the parameter sets first. Valid only during the call. */
  readonly units: readonly Buffer[];
}

/** One per run of ffmpeg. */
export class FlvPictures {
  readonly #onPicture: (picture: CodedPicture) => void;
  #held: Buffer = Buffer.alloc(0);
  #hasHeader = false;
  #isBroken = false;
  #sets: readonly Buffer[] = [];

  constructor(onPicture: (picture: CodedPicture) => void) {
    this.#onPicture = onPicture;
  }

  /** Takes a piece of the output; false when it cannot be understood, then nothing follows. */
  push(piece: Buffer): boolean {
    if (this.#isBroken) return false;
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    if (!this.#hasHeader) {
      if (this.#held.length < FILE_HEADER_BYTES) return true;
      if (this.#held.toString('latin1', 0, 3) !== 'FLV') return this.#break();
      this.#held = this.#held.subarray(FILE_HEADER_BYTES);
      this.#hasHeader = true;
    }
    while (this.#held.length >= TAG_HEADER_BYTES) {
      const size = this.#held.readUIntBE(1, 3);
      if (size > MAX_TAG_BYTES) return this.#break();
      const end = TAG_HEADER_BYTES + size + 4;
      if (this.#held.length < end) break;
      if (((this.#held[0] ?? 0) & 0x1f) === VIDEO) this.#tag(this.#held.subarray(TAG_HEADER_BYTES, TAG_HEADER_BYTES + size));
      this.#held = this.#held.subarray(end);
    }
    return true;
  }

  #break(): false {
    this.#isBroken = true;
    return false;
  }

  /** Frame type and codec, packet type, composition time, then the configuration record or the picture. */
  #tag(body: Buffer): void {
    if (body.length < 5 || ((body[0] ?? 0) & 0x0f) !== AVC) return;
    if (body[1] === 0) this.#sets = setsOf(body.subarray(5));
    if (body[1] !== 1) return;
    const isKey = (body[0] ?? 0) >> 4 === 1;
    const units = unitsOf(body.subarray(5));
    if (units.length > 0) this.#onPicture({ isKey, units: isKey ? [...this.#sets, ...units] : units });
  }
}

/** Parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1). */
function setsOf(record: Buffer): readonly Buffer[] {
  const sets: Buffer[] = [];
  let at = 5;
  for (let round = 0; round < 2; round += 1) {
    let count = (record[at] ?? 0) & (round === 0 ? 0x1f : 0xff);
    at += 1;
    for (; count > 0 && at + 2 <= record.length; count -= 1) {
      const to = at + 2 + record.readUInt16BE(at);
      if (to > record.length) return sets;
      sets.push(Buffer.from(record.subarray(at + 2, to)));
      at = to;
    }
  }
  return sets;
}

/** NAL units behind lengths of four bytes. */
function unitsOf(bytes: Buffer): readonly Buffer[] {
  const units: Buffer[] = [];
  for (let at = 0; at + 4 < bytes.length; ) {
    const to = at + 4 + bytes.readUInt32BE(at);
    if (to > bytes.length || to === at + 4) return units;
    units.push(bytes.subarray(at + 4, to));
    at = to;
  }
  return units;
}
