import type { FootagePicture } from '../port.js';

/** One file of a recording, opened and indexed. Times are ms after its first picture. */
export interface SegmentMedia {
  readonly codec: 'H264' | 'H265';
  readonly count: number;
  readonly durationMs: number;
  /** Presentation time of picture `index`, which counts in the order of decoding. */
  timeMs(index: number): number;
  isIntra(index: number): boolean;
  /** The NAL units of a picture, parameter sets included where decoding can begin. Rejects with DriverError. */
  read(index: number): Promise<Pick<FootagePicture, 'isIntra' | 'nals'>>;
  close(): Promise<void>;
}

/** Reads of one file: nothing else is ever done to it. */
export interface FileBytes {
  readonly sizeBytes: number;
  /** Exactly the bytes of the range; fewer only where the file ends. */
  read(at: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** A picture larger than this is no picture. */
export const MAX_PICTURE_BYTES = 8 * 1024 * 1024;
/** More pictures than this in one file (4 hours at 25 a second) are not read. */
export const MAX_PICTURES = 400_000;

/** The last picture at or before `timeMs` at which decoding can begin; -1 when there is none. */
export function intraAtOrBefore(media: SegmentMedia, timeMs: number): number {
  let found = -1;
  for (let index = 0; index < media.count; index += 1) {
    if (!media.isIntra(index)) continue;
    if (media.timeMs(index) > timeMs) break;
    found = index;
  }
  return found;
}

/** The next picture after `index` at which decoding can begin, or the one before it when looking back; -1 when there is none. */
export function nextIntra(media: SegmentMedia, index: number, step: 1 | -1): number {
  for (let at = index + step; at >= 0 && at < media.count; at += step) if (media.isIntra(at)) return at;
  return -1;
}
