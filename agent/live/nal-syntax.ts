/** What gate and packet writer need to know of a codec's RTP payload; h264.ts and h265.ts know it. Pure. */

/** Bits of `inspect`: the payload holds a sequence parameter set. */
export const NAL_SPS = 1;
/** The payload holds a picture parameter set. */
export const NAL_PPS = 2;
/** The payload begins an intra picture at which decoding can begin. */
export const NAL_IDR = 4;
/** The payload holds a video parameter set (H.265 only). */
export const NAL_VPS = 8;

/** The newest parameter sets, raw NAL units; undefined while unknown. */
export interface ParameterSets {
  readonly vps: Uint8Array | undefined;
  readonly sps: Uint8Array | undefined;
  readonly pps: Uint8Array | undefined;
}

/** None known. */
export const NO_SETS: ParameterSets = { vps: undefined, sps: undefined, pps: undefined };

/** One piece of a payload that was too large: bytes in front, and a range of the original. */
export interface Piece {
  readonly head: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** One codec. */
export interface NalSyntax {
  /** Bits of the parameter sets that must stand before an intra picture. */
  readonly neededSets: number;
  /** Bits of the payload at [start, end); 0 for a broken one. */
  inspect(bytes: Uint8Array, start: number, end: number): number;
  /** Copies of the whole parameter sets in the payload laid over `known`. */
  readSets(bytes: Uint8Array, start: number, end: number, known: ParameterSets): ParameterSets;
  /** The parameter sets of a track description, by their own NAL type. */
  setsOf(units: readonly Uint8Array[]): ParameterSets;
  /** Pieces of at most `limit` bytes, heads included, for a payload that is larger; empty for what cannot be cut. */
  cut(bytes: Uint8Array, start: number, end: number, limit: number): readonly Piece[];
}
