/** Builds the command lines of ffmpeg with fluent-ffmpeg, from constants and bounded numbers only; each is checked before it is used. */
import { allowedArguments } from './allowed.js';

/** How the picture is to be. */
export interface SnapshotShape {
  /** Width of the picture in pixels, 16..4096; the height follows. Undefined: as the camera sends it. */
  readonly widthPx?: number;
}

/** One JPEG from an H.264 key frame, pipe to pipe. */
export async function snapshotArguments(shape: SnapshotShape = {}): Promise<readonly string[]> {
  const { default: ffmpeg } = await import('fluent-ffmpeg');
  const command = ffmpeg()
    .input('pipe:0')
    .inputFormat('h264')
    .inputOptions('-hide_banner', '-loglevel', 'error', '-threads', '1', '-protocol_whitelist', 'pipe')
    .output('pipe:1')
    .noAudio()
    .videoCodec('mjpeg')
    .outputOptions('-q:v', '4')
    .frames(1)
    .format('image2pipe');
  if (shape.widthPx !== undefined) command.videoFilters(`scale=${Math.round(Math.min(4096, Math.max(16, shape.widthPx)))}:-2`);
  return allowedArguments(command._getArguments().map(String));
}
