/** What a sequence parameter set says of the size of the picture (ITU-T H.264 7.3.2.1.1, H.265 7.3.2.2.1). Pure; never throws. */

/** Pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Bits of a NAL unit without the bytes that keep start codes apart; zeros beyond the end. */
class Bits {
  readonly #bytes: readonly number[];
  #at = 0;

  constructor(nal: Uint8Array, skipBytes: number) {
    const bytes: number[] = [];
    for (let index = skipBytes; index < Math.min(nal.length, 512); index += 1) {
      const isStuffing = nal[index] === 3 && index >= 2 && nal[index - 1] === 0 && nal[index - 2] === 0;
      if (!isStuffing) bytes.push(nal[index] ?? 0);
    }
    this.#bytes = bytes;
  }

  u(count: number): number {
    let value = 0;
    for (let left = count; left > 0; left -= 1) {
      value = value * 2 + (((this.#bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
      this.#at += 1;
    }
    return value;
  }

  /** Unsigned Exp-Golomb (9.1). */
  ue(): number {
    let zeros = 0;
    while (zeros < 32 && this.#at < this.#bytes.length * 8 && this.u(1) === 0) zeros += 1;
    return 2 ** zeros - 1 + this.u(zeros);
  }

  se(): number {
    const code = this.ue();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}

const HIGH_PROFILES: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

function skipScalingLists(bits: Bits, count: number): void {
  for (let list = 0; list < count; list += 1) {
    if (bits.u(1) === 0) continue;
    let next = 8;
    for (let index = 0, last = 8; index < (list < 6 ? 16 : 64) && next !== 0; index += 1) {
      next = (last + bits.se() + 256) % 256;
      if (next !== 0) last = next;
    }
  }
}

/** Of an H.264 SPS, NAL header included; zeros when it cannot be told. */
export function sizeOfH264(sps: Uint8Array): PictureSize {
  const bits = new Bits(sps, 1);
  const profile = bits.u(8);
  bits.u(16);
  bits.ue();
  let chroma = 1;
  if (HIGH_PROFILES.has(profile)) {
    chroma = bits.ue();
    if (chroma === 3) bits.u(1);
    bits.ue();
    bits.ue();
    bits.u(1);
    if (bits.u(1) === 1) skipScalingLists(bits, chroma === 3 ? 12 : 8);
  }
  bits.ue();
  const order = bits.ue();
  if (order === 0) bits.ue();
  else if (order === 1) {
    bits.u(1);
    bits.se();
    bits.se();
    for (let left = Math.min(255, bits.ue()); left > 0; left -= 1) bits.se();
  }
  bits.ue();
  bits.u(1);
  const [widthUnits, heightUnits] = [bits.ue() + 1, bits.ue() + 1];
  const fields = 2 - bits.u(1);
  if (fields === 2) bits.u(1);
  bits.u(1);
  const isCropped = bits.u(1) === 1;
  const [left, right, top, bottom] = isCropped ? [bits.ue(), bits.ue(), bits.ue(), bits.ue()] : [0, 0, 0, 0];
  const [stepX, stepY] = [chroma === 1 || chroma === 2 ? 2 : 1, (chroma === 1 ? 2 : 1) * fields];
  return sane(widthUnits * 16 - (left + right) * stepX, heightUnits * 16 * fields - (top + bottom) * stepY);
}

/** Of an H.265 SPS, NAL header included. */
export function sizeOfH265(sps: Uint8Array): PictureSize {
  const bits = new Bits(sps, 2);
  bits.u(4);
  const layers = bits.u(3);
  bits.u(1);
  for (let left = 12; left > 0; left -= 1) bits.u(8);
  const present = Array.from({ length: layers }, () => [bits.u(1), bits.u(1)] as const);
  for (let left = layers; layers > 0 && left < 8; left += 1) bits.u(2);
  for (const [hasProfile, hasLevel] of present) bits.u((hasProfile === 1 ? 88 : 0) + (hasLevel === 1 ? 8 : 0));
  bits.ue();
  const chroma = bits.ue();
  if (chroma === 3) bits.u(1);
  const [width, height] = [bits.ue(), bits.ue()];
  const [left, right, top, bottom] = bits.u(1) === 1 ? [bits.ue(), bits.ue(), bits.ue(), bits.ue()] : [0, 0, 0, 0];
  return sane(width - (left + right) * (chroma === 1 || chroma === 2 ? 2 : 1), height - (top + bottom) * (chroma === 1 ? 2 : 1));
}

/** The 12 bytes of profile, tier and level of an H.265 SPS. */
export function profileOfH265(sps: Uint8Array): Uint8Array {
  const bits = new Bits(sps, 3);
  return Uint8Array.from({ length: 12 }, () => bits.u(8));
}

function sane(width: number, height: number): PictureSize {
  const isSane = width >= 16 && height >= 16 && width <= 16_384 && height <= 16_384;
  return isSane ? { width, height } : { width: 0, height: 0 };
}
