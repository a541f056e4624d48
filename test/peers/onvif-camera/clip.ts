/** Cuts an Annex-B H.264 file into frames. Pure; the folder is read by the caller. */

/** One access unit: its slices, and for an IDR nothing else (the parameter sets stand in the clip). NAL units without start code. */
export interface ClipFrame {
  readonly isIdr: boolean;
  readonly nals: readonly Uint8Array[];
}

/** A whole clip that is played as a loop. */
export interface Clip {
  readonly width: number;
  readonly height: number;
  /** Frames per second. */
  readonly rate: number;
  readonly sps: Uint8Array;
  readonly pps: Uint8Array;
  readonly frames: readonly ClipFrame[];
  /** Frame indices of the IDRs, rising; never empty. */
  readonly idrs: readonly number[];
}

const START_CODE = Buffer.from([0, 0, 1]);

/** The NAL units between start codes (00 00 01, with or without a leading zero). */
export function splitAnnexB(bytes: Uint8Array): readonly Uint8Array[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const starts: number[] = [];
  // A search in native code: the clips are indexed while somebody waits for the camera to start.
  for (let at = buffer.indexOf(START_CODE); at >= 0; at = buffer.indexOf(START_CODE, at + 3)) starts.push(at + 3);
  return starts.map((start, index) => {
    const next = starts[index + 1];
    let end = next === undefined ? bytes.length : next - 3;
    while (end > start && bytes[end - 1] === 0) end -= 1;
    return bytes.subarray(start, end);
  });
}

/** The type of a NAL unit (5 IDR slice, 1 other slice, 7 SPS, 8 PPS). */
export const nalType = (nal: Uint8Array): number => (nal[0] ?? 0) & 31;

/** Indexes a clip; throws RangeError when it is not one stream that starts with an IDR. */
export function indexClip(bytes: Uint8Array, format: { width: number; height: number; rate: number }): Clip {
  const frames: { isIdr: boolean; nals: Uint8Array[] }[] = [];
  let sps: Uint8Array | undefined;
  let pps: Uint8Array | undefined;
  for (const nal of splitAnnexB(bytes)) {
    const type = nalType(nal);
    if (type === 7) sps = nal;
    else if (type === 8) pps = nal;
    else if (type === 1 || type === 5) {
      // first_mb_in_slice is 0, written as a single 1 bit, in the first slice of each picture.
      const isFirstSlice = ((nal[1] ?? 0) & 0x80) !== 0;
      if (isFirstSlice) frames.push({ isIdr: type === 5, nals: [nal] });
      else frames.at(-1)?.nals.push(nal);
    }
  }
  const idrs = frames.flatMap((frame, index) => (frame.isIdr ? [index] : []));
  if (sps === undefined || pps === undefined || idrs[0] !== 0) throw new RangeError('the clip does not start with SPS, PPS and an IDR');
  return { ...format, sps, pps, frames, idrs };
}

/** The IDR nearest to a frame in the loop, in either direction. */
export function nearestIdr(clip: Clip, frame: number): number {
  const length = clip.frames.length;
  const away = (idr: number): number => Math.min((idr - frame + length) % length, (frame - idr + length) % length);
  return clip.idrs.reduce((best, idr) => (away(idr) < away(best) ? idr : best));
}
