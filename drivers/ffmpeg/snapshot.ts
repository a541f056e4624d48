import { DriverError } from '../port.js';
import { type SnapshotShape, snapshotArguments } from './command.js';
import { type FfmpegParts, runFfmpeg } from './runner.js';

const DEADLINE_MS = 5_000;
const INPUT_BYTES = 8_388_608;
const OUTPUT_BYTES = 4_194_304;

/**
 * A JPEG of one key frame: `h264AnnexB` is SPS, PPS and an IDR picture with start codes, at most 8 MB. Rejects with `ffmpeg.unavailable`,
 * `ffmpeg.failed` (it is no picture, or took more than 5 s) or `driver.aborted`.
 */
export async function snapshotFromKeyframe(
  parts: FfmpegParts,
  h264AnnexB: Uint8Array,
  options: { readonly signal: AbortSignal } & SnapshotShape,
): Promise<Buffer> {
  if (h264AnnexB.length > INPUT_BYTES) throw new DriverError('ffmpeg.failed', 'A key frame of this size is not decoded.');
  const argv = await snapshotArguments(options);
  const { signal } = options;
  const jpeg = await runFfmpeg(parts, { argv, input: h264AnnexB, deadlineMs: DEADLINE_MS, maxOutputBytes: OUTPUT_BYTES, signal });
  const isJpeg = jpeg.length > 4 && jpeg.readUInt16BE(0) === 0xffd8 && jpeg.readUInt16BE(jpeg.length - 2) === 0xffd9;
  if (!isJpeg) throw new DriverError('ffmpeg.failed', 'The key frame gave no picture.');
  return jpeg;
}
