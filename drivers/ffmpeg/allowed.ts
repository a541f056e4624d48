/**
 * What may stand on an ffmpeg command line of ours. Structural, not a list of bad words: every option must be known, its value must
 * match, input and output must be pipes. So no file, no address and no filter of someone else can get in. Pure.
 */
import { DriverError } from '../port.js';

/** Options and the shape of their values; undefined for those without one. */
const OPTIONS: Readonly<Record<string, RegExp | undefined>> = {
  '-hide_banner': undefined,
  '-nostdin': undefined,
  '-an': undefined,
  '-sn': undefined,
  '-dn': undefined,
  '-xerror': undefined,
  '-loglevel': /^(error|warning)$/,
  '-threads': /^[1-4]$/,
  '-protocol_whitelist': /^pipe$/,
  '-probesize': /^\d{2,8}$/,
  '-analyzeduration': /^0$/,
  '-flags': /^low_delay$/,
  '-f': /^(h264|hevc|rawvideo|mjpeg|image2pipe|mp4|flv|matroska|null)$/,
  '-i': /^pipe:0$/,
  '-pix_fmt': /^yuv420p$/,
  '-s': /^320x240$/,
  '-vaapi_device': /^\/dev\/dri\/renderD1\d\d$/,
  '-vcodec': /^(mjpeg|copy|libx264|h264_(vaapi|v4l2m2m|rkmpp))$/,
  '-preset': /^ultrafast$/,
  '-tune': /^zerolatency$/,
  '-profile:v': /^(baseline|constrained_baseline)$/,
  '-g': /^[1-9]\d{0,2}$/,
  '-force_key_frames': /^source$/,
  '-b:v': /^\d{3,5}k$/,
  '-maxrate': /^\d{3,5}k$/,
  '-bufsize': /^\d{3,5}k$/,
  '-flush_packets': /^1$/,
  '-flvflags': /^no_duration_filesize$/,
  '-q:v': /^([2-9]|[12]\d|3[01])$/,
  '-vframes': /^[1-9]\d{0,2}$/,
  '-filter:v': /^(scale=([1-9]\d{1,3}):-2|scale=w=min\(1280\\,iw\):h=-2(,format=nv12,hwupload)?)$/,
  '-movflags': /^frag_keyframe\+empty_moov$/,
};
const OUTPUT = 'pipe:1';

/** Throws DriverError `ffmpeg.failed` when anything is not on the list; else gives the same arguments back. */
export function allowedArguments(argv: readonly string[]): readonly string[] {
  const inputAt = argv.indexOf('-i');
  const wallAt = argv.indexOf('-protocol_whitelist');
  if (wallAt < 0 || inputAt < 0 || wallAt > inputAt) throw refused('the protocol list must stand before the input');
  if (argv.at(-1) !== OUTPUT) throw refused('the output must be a pipe');
  for (let at = 0; at < argv.length - 1; at += 1) {
    const option = argv[at] ?? '';
    if (!Object.hasOwn(OPTIONS, option)) throw refused(`option ${at} is not known`);
    const shape = OPTIONS[option];
    if (shape === undefined) continue;
    at += 1;
    if (at >= argv.length - 1 || !shape.test(argv[at] ?? '')) throw refused(`the value of ${option} is not allowed`);
  }
  return argv;
}

function refused(why: string): DriverError {
  return new DriverError('ffmpeg.failed', `ffmpeg was not started: ${why}.`);
}
