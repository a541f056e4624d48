/** What is inside an H.265 RTP payload (RFC 7798): only as much as the gate needs. Pure. */
import { NAL_IDR, NAL_PPS, NAL_SPS, NAL_VPS, type NalSyntax, type ParameterSets, type Piece } from './nal-syntax.js';

const TYPE_VPS = 32;
const TYPE_SPS = 33;
const TYPE_PPS = 34;
const TYPE_AP = 48;
const TYPE_FU = 49;
/** Pictures at which decoding can begin: BLA, IDR and CRA (H.265 table 7-1). */
const FIRST_IRAP = 16;
const LAST_IRAP = 21;
const HEADER_BYTES = 2;

const typeOf = (first: number): number => (first >> 1) & 0x3f;

function bitOf(type: number): number {
  if (type >= FIRST_IRAP && type <= LAST_IRAP) return NAL_IDR;
  if (type === TYPE_VPS) return NAL_VPS;
  if (type === TYPE_SPS) return NAL_SPS;
  return type === TYPE_PPS ? NAL_PPS : 0;
}

/** Calls `see` with type and place of every whole NAL unit of an aggregation packet; ends at the first broken length. */
function eachAggregated(bytes: Uint8Array, start: number, end: number, see: (type: number, from: number, to: number) => void): void {
  let at = start + HEADER_BYTES;
  while (at + 2 + HEADER_BYTES <= end) {
    const to = at + 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
    if (to > end || to < at + 2 + HEADER_BYTES) return;
    see(typeOf(bytes[at + 2] ?? 0), at + 2, to);
    at = to;
  }
}

function inspect(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < HEADER_BYTES) return 0;
  const type = typeOf(bytes[start] ?? 0);
  if (type === TYPE_FU) {
    const head = bytes[start + 2] ?? 0;
    return end - start > 3 && (head & 0x80) !== 0 ? bitOf(head & 0x3f) : 0;
  }
  if (type !== TYPE_AP) return bitOf(type);
  let bits = 0;
  eachAggregated(bytes, start, end, (nal) => {
    bits |= bitOf(nal);
  });
  return bits;
}

function readSets(bytes: Uint8Array, start: number, end: number, known: ParameterSets): ParameterSets {
  const found: { vps: Uint8Array | undefined; sps: Uint8Array | undefined; pps: Uint8Array | undefined } = { ...known };
  const see = (type: number, from: number, to: number): void => {
    const unit = (): Uint8Array => Uint8Array.prototype.slice.call(bytes, from, to);
    if (type === TYPE_VPS) found.vps = unit();
    else if (type === TYPE_SPS) found.sps = unit();
    else if (type === TYPE_PPS) found.pps = unit();
  };
  const type = typeOf(bytes[start] ?? 0);
  if (type === TYPE_AP) eachAggregated(bytes, start, end, see);
  else if (type !== TYPE_FU) see(type, start, end);
  return found;
}

function setsOf(units: readonly Uint8Array[]): ParameterSets {
  const ofType = (type: number): Uint8Array | undefined => units.find((unit) => typeOf(unit[0] ?? 0) === type);
  return { vps: ofType(TYPE_VPS), sps: ofType(TYPE_SPS), pps: ofType(TYPE_PPS) };
}

/** Fragments (RFC 7798 4.4.3) of a NAL unit or of a fragment; an aggregation packet is taken apart. */
function cut(bytes: Uint8Array, start: number, end: number, limit: number): readonly Piece[] {
  if (end - start <= HEADER_BYTES) return [];
  const [first, second] = [bytes[start] ?? 0, bytes[start + 1] ?? 0];
  const type = typeOf(first);
  if (type === TYPE_FU) return fragments([first, second], bytes[start + 2] ?? 0, start + 3, end, limit);
  if (type < TYPE_AP) return fragments([first, second], 0xc0 | type, start + HEADER_BYTES, end, limit);
  const pieces: Piece[] = [];
  if (type !== TYPE_AP) return pieces;
  eachAggregated(bytes, start, end, (nal, from, to) => {
    if (to - from <= limit) pieces.push({ head: [], from, to });
    else pieces.push(...fragments([bytes[from] ?? 0, bytes[from + 1] ?? 0], 0xc0 | nal, from + HEADER_BYTES, to, limit));
  });
  return pieces;
}

function fragments([first, second]: readonly [number, number], fu: number, from: number, end: number, limit: number): readonly Piece[] {
  const count = Math.ceil((end - from) / (limit - 3));
  // Even pieces: a small tail packet costs as much as a large one.
  const size = Math.ceil((end - from) / count);
  return Array.from({ length: count }, (_, index) => ({
    head: [(first & 0x81) | (TYPE_FU << 1), second, (fu & 0x3f) | (index === 0 ? fu & 0x80 : 0) | (index === count - 1 ? fu & 0x40 : 0)],
    from: from + index * size,
    to: Math.min(end, from + (index + 1) * size),
  }));
}

/** H.265 for the gate and the packet writer. */
export const H265: NalSyntax = { neededSets: NAL_VPS | NAL_SPS | NAL_PPS, inspect, readSets, setsOf, cut };
