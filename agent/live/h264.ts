/** What is inside an H.264 RTP payload (RFC 6184): only as much as the gate needs. Pure. */
import { NAL_IDR, NAL_PPS, NAL_SPS, type NalSyntax, type ParameterSets, type Piece } from './nal-syntax.js';

const TYPE_IDR = 5;
const TYPE_SPS = 7;
const TYPE_PPS = 8;
const TYPE_STAP_A = 24;
const TYPE_FU_A = 28;
/** NAL type by bit; a camera's parameter sets come as single NAL units or inside a STAP-A. */
const BITS: Readonly<Record<number, number>> = { [TYPE_IDR]: NAL_IDR, [TYPE_SPS]: NAL_SPS, [TYPE_PPS]: NAL_PPS };

/** Calls `see` with type and place of every whole NAL unit of the payload at [start, end); a fragment counts when it is the first. */
function eachNal(bytes: Uint8Array, start: number, end: number, see: (type: number, from: number, to: number) => void): void {
  if (end - start < 1) return;
  const type = (bytes[start] ?? 0) & 0x1f;
  if (type === TYPE_FU_A) {
    const head = bytes[start + 1] ?? 0;
    if (end - start > 2 && (head & 0x80) !== 0) see(head & 0x1f, start, start);
  } else if (type === TYPE_STAP_A) {
    let at = start + 1;
    while (at + 2 < end) {
      const to = at + 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
      if (to > end || to === at + 2) return;
      see((bytes[at + 2] ?? 0) & 0x1f, at + 2, to);
      at = to;
    }
  } else see(type, start, end);
}

/** Bits NAL_SPS, NAL_PPS, NAL_IDR of the payload. Broken payloads give 0. */
export function inspectH264(bytes: Uint8Array, start: number, end: number): number {
  const type = (bytes[start] ?? 0) & 0x1f;
  // Nearly every packet is a slice or a fragment of one: answered without a call per NAL unit.
  if (type !== TYPE_STAP_A) {
    if (type !== TYPE_FU_A) return end > start ? (BITS[type] ?? 0) : 0;
    const head = bytes[start + 1] ?? 0;
    return end - start > 2 && (head & 0x80) !== 0 ? (BITS[head & 0x1f] ?? 0) : 0;
  }
  let bits = 0;
  eachNal(bytes, start, end, (nal) => {
    bits |= BITS[nal] ?? 0;
  });
  return bits;
}

/** Copies of the whole parameter sets in the payload laid over `known`; fragmented ones (never seen) are passed over. */
function readParameterSets(bytes: Uint8Array, start: number, end: number, known: ParameterSets): ParameterSets {
  let { sps, pps } = known;
  eachNal(bytes, start, end, (type, from, to) => {
    if (to === from) return;
    if (type === TYPE_SPS) sps = Uint8Array.prototype.slice.call(bytes, from, to);
    else if (type === TYPE_PPS) pps = Uint8Array.prototype.slice.call(bytes, from, to);
  });
  return { vps: undefined, sps, pps };
}

/** The parameter sets of a track description, by their own NAL type. */
function parameterSetsOf(units: readonly Uint8Array[]): ParameterSets {
  const ofType = (type: number): Uint8Array | undefined => units.find((unit) => ((unit[0] ?? 0) & 0x1f) === type);
  return { vps: undefined, sps: ofType(TYPE_SPS), pps: ofType(TYPE_PPS) };
}

/**
 * Pieces of at most `limit` bytes each (FU head included) for a payload that is larger: FU-A fragments (RFC 6184 5.8) of a single
 * NAL unit or of a fragment, whose start and end bits go to the first and last piece; a STAP-A is taken apart. Empty for what
 * cannot be cut.
 */
function cutH264(bytes: Uint8Array, start: number, end: number, limit: number): readonly Piece[] {
  const head = bytes[start] ?? 0;
  const type = head & 0x1f;
  if (type === TYPE_FU_A) return fragments(head, bytes[start + 1] ?? 0, start + 2, end, limit);
  if (type > 0 && type < TYPE_STAP_A) return fragments(head, 0xc0 | type, start + 1, end, limit);
  const pieces: Piece[] = [];
  eachNal(bytes, start, end, (nal, from, to) => {
    if (type !== TYPE_STAP_A || nal === 0 || nal >= TYPE_STAP_A) return;
    if (to - from <= limit) pieces.push({ head: [], from, to });
    else pieces.push(...fragments(bytes[from] ?? 0, 0xc0 | nal, from + 1, to, limit));
  });
  return pieces;
}

function fragments(head: number, fu: number, from: number, end: number, limit: number): readonly Piece[] {
  const count = Math.ceil((end - from) / (limit - 2));
  // Even pieces: a small tail packet costs as much as a large one.
  const size = Math.ceil((end - from) / count);
  return Array.from({ length: count }, (_, index) => ({
    head: [(head & 0xe0) | TYPE_FU_A, (fu & 0x1f) | (index === 0 ? fu & 0x80 : 0) | (index === count - 1 ? fu & 0x40 : 0)],
    from: from + index * size,
    to: Math.min(end, from + (index + 1) * size),
  }));
}

/** H.264 for the gate and the packet writer. */
export const H264: NalSyntax = {
  neededSets: NAL_SPS | NAL_PPS,
  inspect: inspectH264,
  readSets: readParameterSets,
  setsOf: parameterSetsOf,
  cut: cutH264,
};
