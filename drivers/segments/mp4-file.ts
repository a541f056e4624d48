/** Opens an mp4 file, plain or fragmented, whole or cut off by a power failure: reads its tables, and pictures one by one. */
import { DriverError } from '../port.js';
import { type FileBytes, MAX_PICTURE_BYTES, type SegmentMedia } from './media.js';
import { boxHead, broken } from './mp4-boxes.js';
import { readMoof } from './mp4-fragment.js';
import { readMoov, type Samples, type Track } from './mp4-track.js';
import { isIntraNal, isNeedless, splitByLength, withParameterSets } from './nal.js';

/** The tables of 4 hours at 25 pictures a second take about 2 MiB. */
const MAX_MOOV_BYTES = 16 * 1024 * 1024;
const MAX_MOOF_BYTES = 1024 * 1024;
/** One read takes a fragment's tables with its header: they are small and lie side by side. */
const HEAD_BYTES = 4096;
/** Fragments of a second each for a day. */
const MAX_TOP_BOXES = 200_000;

/** Every number in a file is a stranger's: what leads out of a buffer is a broken file, not a fault of ours. */
function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw broken('a table leads out of its box');
    throw error;
  }
}

interface Tables {
  readonly track: Track;
  readonly samples: Samples;
  /** Where the last fragment ends, in ticks; undefined in a plain file. */
  readonly endTicks: number | undefined;
}

async function payload(file: FileBytes, have: Buffer, at: number, headBytes: number, size: number, most: number): Promise<Buffer> {
  if (size > most) throw new DriverError('footage.refused', 'A table of the recording is larger than any recorder writes.');
  const bytes = size <= have.length ? have.subarray(0, size) : await file.read(at, size);
  return bytes.subarray(headBytes);
}

/** Walks the boxes of the file. What is cut off at the end of a fragmented file is left out; a file without tables is broken. */
async function readTables(file: FileBytes): Promise<Tables> {
  let track: Track | undefined;
  let samples: Samples | undefined;
  let endTicks: number | undefined;
  let at = 0;
  for (let count = 0; at + 8 <= file.sizeBytes; count += 1) {
    if (count >= MAX_TOP_BOXES) throw broken('it has too many boxes');
    const have = await file.read(at, Math.min(HEAD_BYTES, file.sizeBytes - at));
    const head = guarded(() => boxHead(have, 0, have.length));
    if (head === undefined) break;
    const size = head.size === 0 ? file.sizeBytes - at : head.size;
    if (size < head.headBytes) throw broken('a box is smaller than its own head');
    const isWhole = at + size <= file.sizeBytes;
    if (head.type === 'moov' && isWhole && track === undefined) {
      const bytes = await payload(file, have, at, head.headBytes, size, MAX_MOOV_BYTES);
      track = guarded(() => readMoov(bytes));
      samples = track.samples;
    } else if (head.type === 'moof' && isWhole && track !== undefined && samples !== undefined) {
      const bytes = await payload(file, have, at, head.headBytes, size, MAX_MOOF_BYTES);
      const [known, into, from] = [track, samples, endTicks ?? 0];
      endTicks = guarded(() => readMoof(bytes, at, known, from, into));
    }
    at += size;
  }
  if (track === undefined || samples === undefined) throw broken('it has no table of its pictures; the recorder was cut off while writing');
  return { track, samples, endTicks };
}

/** Pictures whose bytes are all in the file; the first that is not ends them. */
function wholeCount({ offsets, sizes }: Samples, sizeBytes: number): number {
  for (let index = 0; index < offsets.length; index += 1) {
    const [offset, size] = [offsets[index] ?? 0, sizes[index] ?? 0];
    if (offset < 0 || size <= 0 || size > MAX_PICTURE_BYTES || offset + size > sizeBytes) return index;
  }
  return offsets.length;
}

/** Takes the file over, also when it fails. Rejects with footage.broken, footage.refused or stream.unsupported. */
export async function openMp4(file: FileBytes): Promise<SegmentMedia> {
  try {
    const { track, samples, endTicks } = await readTables(file);
    const count = wholeCount(samples, file.sizeBytes);
    if (count === 0) throw broken('there is no whole picture in it');
    return new Mp4Media(file, track, samples, count, endTicks);
  } catch (error) {
    await file.close();
    throw error;
  }
}

class Mp4Media implements SegmentMedia {
  readonly codec: Track['codec'];
  readonly count: number;
  readonly durationMs: number;
  readonly #file: FileBytes;
  readonly #track: Track;
  readonly #samples: Samples;
  readonly #firstTicks: number;

  constructor(file: FileBytes, track: Track, samples: Samples, count: number, endTicks: number | undefined) {
    this.#file = file;
    this.#track = track;
    this.#samples = samples;
    this.codec = track.codec;
    this.count = count;
    this.#firstTicks = samples.ticks[0] ?? 0;
    const isWhole = count === samples.ticks.length && endTicks !== undefined;
    // The last picture lasts as long as the one before it.
    const last = this.timeMs(count - 1);
    const step = count > 1 ? last - this.timeMs(count - 2) : 0;
    this.durationMs = isWhole ? ((endTicks - this.#firstTicks) * 1000) / track.timescale : last + Math.max(0, step);
  }

  timeMs(index: number): number {
    return (((this.#samples.ticks[index] ?? 0) - this.#firstTicks) * 1000) / this.#track.timescale;
  }

  isIntra(index: number): boolean {
    return this.#samples.intra[index] === true;
  }

  async read(index: number): Promise<{ isIntra: boolean; nals: readonly Uint8Array[] }> {
    const { codec, lengthBytes, parameterSets } = this.#track;
    const size = this.#samples.sizes[index] ?? 0;
    const bytes = await this.#file.read(this.#samples.offsets[index] ?? 0, size);
    if (bytes.length < size) throw broken('a picture is cut short');
    const nals = splitByLength(bytes, lengthBytes).filter((nal) => !isNeedless(codec, nal));
    const isIntra = nals.some((nal) => isIntraNal(codec, nal));
    return { isIntra, nals: isIntra ? withParameterSets(codec, nals, parameterSets) : nals };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
