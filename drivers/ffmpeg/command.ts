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

/** What makes H.264: a name of ffmpeg's, and how it wants to be asked. */
export interface Encoder {
  readonly name: 'libx264' | 'h264_vaapi' | 'h264_v4l2m2m' | 'h264_rkmpp';
  /** Device file of the hardware; undefined for the processor itself. */
  readonly device: string | undefined;
}

/** Wide enough to see by, and a third less work than 1080p; small pictures stay as they are. */
const AT_MOST_720P = 'scale=w=min(1280\\,iw):h=-2';
const RATE = ['-b:v', '2000k', '-maxrate', '2500k', '-bufsize', '2000k'];
const OWN_OPTIONS: Readonly<Record<Encoder['name'], readonly string[]>> = {
  // Baseline: what the answer to the viewer names. Two threads at most, so that one picture cannot take a whole recorder.
  libx264: ['-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-threads', '2'],
  h264_vaapi: ['-profile:v', 'constrained_baseline'],
  h264_v4l2m2m: ['-pix_fmt', 'yuv420p'],
  h264_rkmpp: [],
};

/**
 * H.264 of H.265, pipe to pipe, picture by picture without waiting for the next: no probing beyond the first bytes, an intra picture
 * wherever the camera has one, FLV because it tells where a picture ends.
 */
export const transcodeArguments = (encoder: Encoder): Promise<readonly string[]> =>
  encodeArguments(encoder, 'hevc', ['-probesize', '32', '-analyzeduration', '0', '-flags', 'low_delay']);

/** Two grey pictures of 320x240 through the same encoder: whether it works here. */
export const encoderTrialArguments = (encoder: Encoder): Promise<readonly string[]> =>
  encodeArguments(encoder, 'rawvideo', ['-pix_fmt', 'yuv420p', '-s', '320x240']);

async function encodeArguments(encoder: Encoder, format: string, reading: readonly string[]): Promise<readonly string[]> {
  const { default: ffmpeg } = await import('fluent-ffmpeg');
  const device = encoder.name === 'h264_vaapi' && encoder.device !== undefined ? ['-vaapi_device', encoder.device] : [];
  const command = ffmpeg()
    .input('pipe:0')
    .inputFormat(format)
    .inputOptions('-hide_banner', '-loglevel', 'error', '-threads', '1', '-protocol_whitelist', 'pipe', ...reading, ...device)
    .output('pipe:1')
    .noAudio()
    .videoCodec(encoder.name)
    .videoFilters(encoder.name === 'h264_vaapi' ? `${AT_MOST_720P},format=nv12,hwupload` : AT_MOST_720P)
    .outputOptions(...OWN_OPTIONS[encoder.name], '-g', '100', '-force_key_frames', 'source', ...RATE)
    .outputOptions('-flush_packets', '1', '-flvflags', 'no_duration_filesize')
    .format('flv');
  return allowedArguments(command._getArguments().map(String));
}
