/** Fragmented mp4 (ISO/IEC 14496-12, 8.8; 14496-15) of one video track, written piece by piece as it is read. Pure. */
import type { FootagePicture } from '../../drivers/port.js';
import { profileOfH265, sizeOfH264, sizeOfH265 } from './sps.js';

const TICKS_PER_MS = 90;
const TRACK = 1;
/** Sample flags: an intra picture depends on nothing; the others do and are no place to begin. */
const INTRA_FLAGS = 0x0200_0000;
const OTHER_FLAGS = 0x0101_0000;
/** The last picture of all, whose end nobody knows. */
const LAST_MS = 40;
/** A time that steps back further within a fragment is no order of decoding but a clock that was set. */
const MOST_REORDER_MS = 2_000;
/** A fragment is written when it is so large, whether or not an intra picture comes. */
const FULL_BYTES = 4 * 1024 * 1024;
/** Pictures that are shown in another order than they come stay together up to this. */
const FULL_REORDERED_BYTES = 32 * 1024 * 1024;

const u8 = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const u16 = (value: number): Uint8Array => u8((value >> 8) & 255, value & 255);
const u32 = (value: number): Uint8Array => u8((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
const u64 = (value: number): Uint8Array => join([u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32)]);
const text = (word: string): Uint8Array => Uint8Array.from(word, (letter) => letter.charCodeAt(0));
const zeros = (count: number): Uint8Array => new Uint8Array(count);

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function box(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  return join([u32(size), text(type), ...parts]);
}

const full = (type: string, version: number, flags: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  box(type, u8(version, flags >> 16, (flags >> 8) & 255, flags & 255), ...parts);

const MATRIX = join([1, 0, 0, 0, 1, 0, 0, 0, 0x4000].map((value) => u32(value * 0x1_0000)));

const typeOf = (codec: FootagePicture['codec'], nal: Uint8Array): number =>
  codec === 'H264' ? (nal[0] ?? 0) & 0x1f : ((nal[0] ?? 0) >> 1) & 0x3f;

function units(nals: readonly Uint8Array[]): Uint8Array {
  return join(nals.flatMap((nal) => [u16(nal.length), nal]));
}

function sampleEntry(picture: FootagePicture): { entry: Uint8Array; width: number; height: number } | undefined {
  const { codec, nals } = picture;
  const of = (type: number): readonly Uint8Array[] => nals.filter((nal) => typeOf(codec, nal) === type);
  const [vps, sps, pps] = codec === 'H264' ? [[], of(7), of(8)] : [of(32), of(33), of(34)];
  const [first] = sps;
  if (first === undefined || pps.length === 0) return undefined;
  const { width, height } = codec === 'H264' ? sizeOfH264(first) : sizeOfH265(first);
  const head = [
    zeros(6),
    u16(1),
    zeros(16),
    u16(width),
    u16(height),
    u32(0x48_0000),
    u32(0x48_0000),
    zeros(4),
    u16(1),
    zeros(32),
    u16(24),
    u16(0xffff),
  ];
  if (codec === 'H264') {
    const config = [u8(1, first[1] ?? 0, first[2] ?? 0, first[3] ?? 0, 0xff, 0xe0 | sps.length), units(sps), u8(pps.length), units(pps)];
    return { entry: box('avc1', ...head, box('avcC', ...config)), width, height };
  }
  const arrays = [vps, sps, pps].map((sets, index) => join([u8(0x80 | (32 + index)), u16(sets.length), units(sets)]));
  const config = [u8(1), profileOfH265(first), u8(0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f, 3), ...arrays];
  return { entry: box('hvc1', ...head, box('hvcC', ...config)), width, height };
}

function beginning(picture: FootagePicture): Uint8Array | undefined {
  const described = sampleEntry(picture);
  if (described === undefined) return undefined;
  const { entry, width, height } = described;
  const scale = u32(TICKS_PER_MS * 1000);
  const mvhd = full('mvhd', 0, 0, zeros(8), scale, u32(0), u32(0x1_0000), u16(0x100), zeros(10), MATRIX, zeros(24), u32(TRACK + 1));
  const tkhd = full('tkhd', 0, 3, zeros(8), u32(TRACK), zeros(4), u32(0), zeros(16), MATRIX, u32(width * 0x1_0000), u32(height * 0x1_0000));
  const mdhd = full('mdhd', 0, 0, zeros(8), scale, u32(0), u16(0x55c4), u16(0));
  const hdlr = full('hdlr', 0, 0, zeros(4), text('vide'), zeros(12), text('video'), u8(0));
  const dinf = box('dinf', full('dref', 0, 0, u32(1), full('url ', 0, 1)));
  const empty = ['stts', 'stsc', 'stco'].map((type) => full(type, 0, 0, u32(0)));
  const stbl = box('stbl', full('stsd', 0, 0, u32(1), entry), ...empty, full('stsz', 0, 0, u32(0), u32(0)));
  const minf = box('minf', full('vmhd', 0, 1, zeros(8)), dinf, stbl);
  const mvex = box('mvex', full('trex', 0, 0, u32(TRACK), u32(1), u32(0), u32(0), u32(0)));
  const brands = box('ftyp', text('isom'), u32(0x200), text('isomiso6mp41'));
  return join([brands, box('moov', mvhd, box('trak', tkhd, box('mdia', mdhd, hdlr, minf)), mvex)]);
}

interface Sample {
  readonly atMs: number;
  readonly isIntra: boolean;
  readonly bytes: Uint8Array;
}

/**
 * When pictures are decoded that are shown at these times: the same times in rising order, so that each comes when it is due at the latest. The
 * very array where nothing is out of order.
 */
function decodeOrder(shownTicks: readonly number[]): readonly number[] {
  const sorted = [...shownTicks].sort((one, other) => one - other);
  const most = Math.max(...sorted.map((at, index) => Math.abs(at - (shownTicks[index] ?? 0))));
  return most === 0 || most > MOST_REORDER_MS * TICKS_PER_MS ? shownTicks : sorted;
}

/** Writes one file. Pictures come in the order of decoding; a fragment ends where the next intra picture begins. */
export class Fmp4Writer {
  #firstMs: number | undefined;
  #samples: Sample[] = [];
  #number = 0;
  #bytes = 0;
  #isReordered = false;

  /** Whether a picture was taken at all: those before the first that can be described are left out. */
  get hasBegun(): boolean {
    return this.#firstMs !== undefined;
  }

  /** Takes a picture in; gives the bytes that are complete with it, often none. */
  add(picture: FootagePicture): readonly Uint8Array[] {
    const out: Uint8Array[] = [];
    if (this.#firstMs === undefined) {
      const head = picture.isIntra ? beginning(picture) : undefined;
      if (head === undefined) return [];
      this.#firstMs = picture.atMs;
      out.push(head);
    }
    const isFull = picture.isIntra || this.#bytes > (this.#isReordered ? FULL_REORDERED_BYTES : FULL_BYTES);
    if (isFull && this.#samples.length > 0) out.push(this.#fragment(picture.atMs));
    const bytes = join(picture.nals.flatMap((nal) => [u32(nal.length), nal]));
    this.#isReordered ||= picture.atMs < (this.#samples.at(-1)?.atMs ?? picture.atMs);
    this.#samples.push({ atMs: picture.atMs, isIntra: picture.isIntra, bytes });
    this.#bytes += bytes.length;
    return out;
  }

  /** What is still held back. */
  end(): readonly Uint8Array[] {
    if (this.#samples.length === 0) return [];
    return [this.#fragment(Math.max(...this.#samples.map(({ atMs }) => atMs)) + LAST_MS)];
  }

  #fragment(endMs: number): Uint8Array {
    const samples = this.#samples;
    this.#samples = [];
    this.#bytes = 0;
    this.#isReordered = false;
    this.#number += 1;
    const ticks = (atMs: number): number => Math.round((atMs - (this.#firstMs ?? 0)) * TICKS_PER_MS);
    const shownTicks = samples.map(({ atMs }) => ticks(atMs));
    const decodeTicks = decodeOrder(shownTicks);
    const isReordered = decodeTicks !== shownTicks;
    const entries = samples.map(({ isIntra, bytes }, index) => {
      // Whole ticks from place to place, so that no rounding adds up; a time that steps back is a joint of files.
      const duration = Math.max(1, (decodeTicks[index + 1] ?? ticks(endMs)) - (decodeTicks[index] ?? 0));
      const shift = isReordered ? [u32((shownTicks[index] ?? 0) - (decodeTicks[index] ?? 0))] : [];
      return join([u32(duration), u32(bytes.length), u32(isIntra ? INTRA_FLAGS : OTHER_FLAGS), ...shift]);
    });
    const build = (offset: number): Uint8Array => {
      const trun = full('trun', isReordered ? 1 : 0, isReordered ? 0xf01 : 0x701, u32(samples.length), u32(offset), ...entries);
      const tfhd = full('tfhd', 0, 0x2_0000, u32(TRACK));
      const tfdt = full('tfdt', 1, 0, u64(Math.max(0, decodeTicks[0] ?? 0)));
      return box('moof', full('mfhd', 0, 0, u32(this.#number)), box('traf', tfhd, tfdt, trun));
    };
    const moof = build(build(0).length + 8);
    return join([moof, box('mdat', ...samples.map(({ bytes }) => bytes))]);
  }
}
