/** Reads what a DESCRIBE answers and finds the video in it. Pure; never throws on any text. */
import type { VideoTrack } from '../port.js';

/** One m= section. */
export interface SdpMedia {
  readonly type: string;
  readonly formats: readonly number[];
  readonly control: string | undefined;
  /** Payload type -> `H264/90000`. */
  readonly rtpmap: ReadonlyMap<number, string>;
  /** Payload type -> parameters, names in lower case. */
  readonly fmtp: ReadonlyMap<number, ReadonlyMap<string, string>>;
}

/** A session description as far as it is used. */
export interface Sdp {
  /** a=control before the first m= section. */
  readonly control: string | undefined;
  readonly media: readonly SdpMedia[];
}

/** The video to set up, or what there was instead. */
export type VideoChoice =
  | { readonly track: VideoTrack; readonly control: string | undefined }
  | { readonly track: undefined; readonly offered: readonly string[] };

const MAX_LINES = 1000;
const MAX_MEDIA = 32;
const MAX_PARAMETER_SETS = 16;
const MAX_PARAMETER_SET_BYTES = 4096;

interface OpenMedia extends SdpMedia {
  control: string | undefined;
  readonly rtpmap: Map<number, string>;
  readonly fmtp: Map<number, ReadonlyMap<string, string>>;
}

function openMedia(value: string): OpenMedia {
  const [type = '', , , ...formats] = value.split(/\s+/);
  const numbers = formats.filter((word) => /^\d{1,3}$/.test(word)).map(Number);
  return {
    type: type.toLowerCase(),
    formats: numbers.filter((number) => number < 128),
    control: undefined,
    rtpmap: new Map(),
    fmtp: new Map(),
  };
}

/** `a=b; c=d==` by name; base64 values keep their equals signs. */
function parseParameters(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    if (name !== '' && !found.has(name)) found.set(name, equals < 0 ? '' : part.slice(equals + 1).trim());
  }
  return found;
}

function readAttribute(media: OpenMedia, value: string): void {
  const mapped = /^(rtpmap|fmtp): *(\d{1,3})[ \t]+(.*)$/i.exec(value);
  if (mapped === null) return;
  const payloadType = Number(mapped[2]);
  const rest = (mapped[3] ?? '').trim();
  if (mapped[1]?.toLowerCase() === 'rtpmap') media.rtpmap.set(payloadType, rest);
  else media.fmtp.set(payloadType, parseParameters(rest));
}

/** Reads a description; unknown and broken lines are passed over. */
export function parseSdp(text: string): Sdp {
  const media: OpenMedia[] = [];
  let sessionControl: string | undefined;
  for (const raw of text.split(/\r\n|\n|\r/).slice(0, MAX_LINES)) {
    const line = /^\s*([a-z]) *=(.*)$/i.exec(raw);
    if (line === null) continue;
    const kind = line[1]?.toLowerCase();
    const value = (line[2] ?? '').trim();
    if (kind === 'm' && media.length < MAX_MEDIA) media.push(openMedia(value));
    if (kind !== 'a') continue;
    const current = media.at(-1);
    const control = /^control:(.*)$/i.exec(value)?.[1]?.trim();
    if (control !== undefined) {
      if (current === undefined) sessionControl ??= control;
      else current.control ??= control;
    } else if (current !== undefined) readAttribute(current, value);
  }
  return { control: sessionControl, media };
}

/** Some cameras put a start code before the NAL unit. */
function withoutStartCode(nal: Uint8Array): Uint8Array {
  const zeros = nal[0] === 0 && nal[1] === 0 ? (nal[2] === 0 ? 3 : 2) : 0;
  return zeros > 0 && nal[zeros] === 1 ? nal.slice(zeros + 1) : nal;
}

/** Base64 parameter sets as NAL units of the wanted types. */
function decodeSets(value: string, typeOf: (first: number) => number, wanted: readonly number[]): Uint8Array[] {
  return value
    .split(',')
    .slice(0, MAX_PARAMETER_SETS)
    .map((part) => withoutStartCode(new Uint8Array(Buffer.from(part.trim(), 'base64'))))
    .filter((nal) => nal.length > 1 && nal.length <= MAX_PARAMETER_SET_BYTES && wanted.includes(typeOf(nal[0] ?? 0xff)));
}

const h264Type = (first: number): number => (first & 0x80 ? -1 : first & 0x1f);
const h265Type = (first: number): number => (first & 0x80 ? -1 : (first >> 1) & 0x3f);

function h264Track(payloadType: number, clockRate: number, parameters: ReadonlyMap<string, string>): VideoTrack {
  const parameterSets = decodeSets(parameters.get('sprop-parameter-sets') ?? '', h264Type, [7, 8]);
  // The SPS itself is believed before the attribute: cameras write constants such as 420029 whatever they encode.
  const sps = parameterSets.find((nal) => nal.length > 3 && h264Type(nal[0] ?? 0xff) === 7);
  const said = parameters.get('profile-level-id')?.toLowerCase();
  const fromSps = sps === undefined ? undefined : Buffer.from(sps.subarray(1, 4)).toString('hex');
  return {
    codec: 'H264',
    payloadType,
    clockRate,
    profileLevelId: fromSps ?? (said !== undefined && /^[0-9a-f]{6}$/.test(said) ? said : undefined),
    parameterSets,
  };
}

function h265Track(payloadType: number, clockRate: number, parameters: ReadonlyMap<string, string>): VideoTrack {
  const sets = (['sprop-vps', 'sprop-sps', 'sprop-pps'] as const).flatMap((name, index) =>
    decodeSets(parameters.get(name) ?? '', h265Type, [32 + index]),
  );
  return { codec: 'H265', payloadType, clockRate, profileLevelId: undefined, parameterSets: sets };
}

/** Codec name of a payload type; cameras that forget rtpmap betray themselves by their parameters. */
function codecOf(media: SdpMedia, payloadType: number): { readonly name: string; readonly clockRate: number } {
  const [name, rate] = (media.rtpmap.get(payloadType) ?? '').split('/');
  const clockRate = rate !== undefined && /^[1-9]\d{0,8}$/.test(rate) ? Number(rate) : 90_000;
  if (name !== undefined && name !== '') return { name: name.toUpperCase(), clockRate };
  const parameters = media.fmtp.get(payloadType);
  if (parameters?.has('sprop-parameter-sets')) return { name: 'H264', clockRate };
  if (parameters?.has('sprop-sps')) return { name: 'H265', clockRate };
  return { name: payloadType === 26 ? 'JPEG' : `payload type ${payloadType}`, clockRate };
}

/** The first H.264 or H.265 video; else the names of what was offered, for the message. Audio and metadata are not looked at. */
export function chooseVideo(sdp: Sdp): VideoChoice {
  const offered: string[] = [];
  for (const media of sdp.media) {
    if (media.type !== 'video') continue;
    for (const payloadType of media.formats) {
      const { name, clockRate } = codecOf(media, payloadType);
      const parameters = media.fmtp.get(payloadType) ?? new Map<string, string>();
      // Interleaved packetization reorders NAL units across packets; it cannot be passed on to a viewer as it is.
      const isInOrder = parameters.get('packetization-mode') !== '2';
      if (name === 'H264' && isInOrder) return { track: h264Track(payloadType, clockRate, parameters), control: media.control };
      if (name === 'H265' || name === 'HEVC') return { track: h265Track(payloadType, clockRate, parameters), control: media.control };
      offered.push(name.slice(0, 40));
    }
  }
  return { track: undefined, offered };
}
