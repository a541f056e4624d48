/** NAL units of H.264 and H.265 as files hold them. Pure. */
import { broken } from './mp4-boxes.js';

/** Which of the two. */
export type Codec = 'H264' | 'H265';

/** The type of a NAL unit. */
export function nalType(codec: Codec, nal: Uint8Array): number {
  const head = nal[0] ?? 0;
  return codec === 'H264' ? head & 0x1f : (head >> 1) & 0x3f;
}

/** Whether a picture with this NAL unit can be decoded without those before it (IDR; H.265: IRAP, 16 to 21). */
export function isIntraNal(codec: Codec, nal: Uint8Array): boolean {
  const type = nalType(codec, nal);
  return codec === 'H264' ? type === 5 : type >= 16 && type <= 21;
}

/** Whether it is a parameter set (H.264: SPS, PPS; H.265: VPS, SPS, PPS). */
export function isParameterSet(codec: Codec, nal: Uint8Array): boolean {
  const type = nalType(codec, nal);
  return codec === 'H264' ? type === 7 || type === 8 : type >= 32 && type <= 34;
}

/** Access unit delimiters and filler say nothing to a viewer. */
export function isNeedless(codec: Codec, nal: Uint8Array): boolean {
  const type = nalType(codec, nal);
  return codec === 'H264' ? type === 9 || type === 12 : type === 35 || type === 38;
}

/** NAL units with a length of `lengthBytes` in front of each (ISO/IEC 14496-15). */
export function splitByLength(bytes: Buffer, lengthBytes: number): readonly Buffer[] {
  const units: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + lengthBytes > bytes.length) throw broken('a picture is cut short');
    const length = bytes.readUIntBE(at, lengthBytes);
    at += lengthBytes;
    if (at + length > bytes.length) throw broken('a picture is cut short');
    if (length > 0) units.push(bytes.subarray(at, at + length));
    at += length;
  }
  return units;
}

const START_CODE = Buffer.from([0, 0, 1]);

/** NAL units between start codes (ISO/IEC 14496-10, annex B). */
export function splitByStartCode(bytes: Buffer): readonly Buffer[] {
  const units: Buffer[] = [];
  let start = bytes.indexOf(START_CODE);
  while (start >= 0) {
    const from = start + 3;
    const next = bytes.indexOf(START_CODE, from);
    let end = next < 0 ? bytes.length : next;
    while (end > from && bytes[end - 1] === 0) end -= 1;
    if (end > from) units.push(bytes.subarray(from, end));
    start = next;
  }
  return units;
}

/** What a picture needs to begin with: the parameter sets that it does not bring itself, in front. */
export function withParameterSets(codec: Codec, nals: readonly Buffer[], sets: readonly Buffer[]): readonly Buffer[] {
  return nals.some((nal) => isParameterSet(codec, nal)) ? nals : [...sets, ...nals];
}
