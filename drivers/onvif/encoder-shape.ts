import * as z from 'zod/mini';
import type { VideoEncoderOptions, VideoEncoderSettings } from '../port.js';
import { attributes, first, many, number, range, text } from './shapes.js';
import { escapeXml } from './xml.js';

/** Multicast settings, the same in Media1 and Media2. */
export const Multicast = z.object({
  Address: first(z.object({ Type: text, IPv4Address: text, IPv6Address: text })),
  Port: text,
  TTL: text,
  AutoStart: text,
});
type Multicast = z.infer<typeof Multicast>;

/** A Media1 video encoder configuration with all its elements: cameras refuse one that comes back with less than they gave. */
export const Encoder = z.object({
  $: attributes('token', 'GuaranteedFrameRate'),
  Name: text,
  UseCount: text,
  Encoding: text,
  Resolution: first(z.object({ Width: number, Height: number })),
  Quality: text,
  RateControl: first(z.object({ FrameRateLimit: number, EncodingInterval: text, BitrateLimit: number })),
  MPEG4: first(z.object({ GovLength: number, Mpeg4Profile: text })),
  H264: first(z.object({ GovLength: number, H264Profile: text })),
  Multicast: first(Multicast),
  SessionTimeout: text,
});
export type Encoder = z.infer<typeof Encoder>;

/** Words of ONVIF and of MIME, which Media2 uses. */
const CODECS: Readonly<Record<string, VideoEncoderSettings['codec']>> = {
  H264: 'H264',
  H265: 'H265',
  HEVC: 'H265',
  JPEG: 'JPEG',
  MPEG4: 'MPEG4',
  'MPV4-ES': 'MPEG4',
};

/** Our word for a codec, or undefined. */
export function codecOf(encoding: string): VideoEncoderSettings['codec'] | undefined {
  const word = encoding.toUpperCase();
  return Object.hasOwn(CODECS, word) ? CODECS[word] : undefined;
}

/** What both media services tell of an encoder in the same words. */
interface EncoderFacts {
  readonly Encoding: string;
  readonly Resolution?: { readonly Width?: number | undefined; readonly Height?: number | undefined } | undefined;
  readonly RateControl?: { readonly FrameRateLimit?: number | undefined; readonly BitrateLimit?: number | undefined } | undefined;
}

/** Settings in our words; what the camera leaves out is 0. Undefined for a codec we do not know. `gopLength` is told in another place by each service. */
export function settingsOf(encoder: EncoderFacts, gopLength: number | undefined): VideoEncoderSettings | undefined {
  const codec = codecOf(encoder.Encoding);
  if (codec === undefined) return undefined;
  const bitrate = encoder.RateControl?.BitrateLimit ?? 0;
  return {
    codec,
    width: encoder.Resolution?.Width ?? 0,
    height: encoder.Resolution?.Height ?? 0,
    frameRate: encoder.RateControl?.FrameRateLimit ?? 0,
    // The largest 32-bit number is some cameras' word for "no limit".
    bitrateKbps: bitrate >= 2_147_483_647 ? 0 : bitrate,
    gopLength: gopLength ?? 0,
  };
}

/** The settings that Media tells. */
export function encoderSettings(encoder: Encoder): VideoEncoderSettings | undefined {
  const { GovLength } = (codecOf(encoder.Encoding) === 'MPEG4' ? encoder.MPEG4 : encoder.H264) ?? {};
  return settingsOf(encoder, GovLength);
}

/** `<tt:name>value</tt:name>`, escaped; nothing for no value. */
export const element = (name: string, value: string | number | undefined): string =>
  value === undefined || value === '' ? '' : `<tt:${name}>${escapeXml(String(value))}</tt:${name}>`;
/** `<tt:name>` around finished elements; nothing for nothing. */
export const group = (name: string, inner: string): string => (inner === '' ? '' : `<tt:${name}>${inner}</tt:${name}>`);

/** Whether a camera can mean it: some give 0.0.0.0, and refuse it when it comes back. */
export function isUsableMulticast(multicast: Multicast | undefined): multicast is Multicast {
  const address = multicast?.Address?.IPv4Address || multicast?.Address?.IPv6Address || '';
  return address !== '' && address !== '0.0.0.0' && address !== '::';
}

/** The Multicast element as the camera gave it. */
export function multicastElements(multicast: Multicast | undefined): string {
  const address = multicast?.Address;
  return group(
    'Multicast',
    group(
      'Address',
      element('Type', address?.Type) + element('IPv4Address', address?.IPv4Address) + element('IPv6Address', address?.IPv6Address),
    ) +
      element('Port', multicast?.Port) +
      element('TTL', multicast?.TTL) +
      element('AutoStart', multicast?.AutoStart),
  );
}

function rateControl(encoder: Encoder, wanted: VideoEncoderSettings): string {
  const had = encoder.RateControl;
  if (had === undefined && wanted.frameRate === 0) return '';
  const frameRate = wanted.frameRate === 0 ? had?.FrameRateLimit : Math.round(wanted.frameRate);
  const bitrate = wanted.bitrateKbps === 0 ? (had?.BitrateLimit ?? 0) : Math.round(wanted.bitrateKbps);
  return group(
    'RateControl',
    element('FrameRateLimit', frameRate) + element('EncodingInterval', had?.EncodingInterval || '1') + element('BitrateLimit', bitrate),
  );
}

function codecPart(encoder: Encoder, wanted: VideoEncoderSettings): string {
  const { H264: h264, MPEG4: mpeg4 } = encoder;
  const gop = (had: number | undefined): number | undefined => (wanted.gopLength === 0 ? had : Math.round(wanted.gopLength));
  const isMpeg4 = encoder.Encoding.toUpperCase() === 'MPEG4';
  const old = isMpeg4 ? gop(mpeg4?.GovLength) : mpeg4?.GovLength;
  return (
    (mpeg4 === undefined ? '' : group('MPEG4', element('GovLength', old) + element('Mpeg4Profile', mpeg4.Mpeg4Profile))) +
    (h264 === undefined ? '' : group('H264', element('GovLength', gop(h264.GovLength)) + element('H264Profile', h264.H264Profile)))
  );
}

/** SetVideoEncoderConfiguration with everything the camera gave, in the order of the schema, and only the wanted values changed. */
export function encoderRequest(encoder: Encoder, wanted: VideoEncoderSettings): string {
  const { Multicast: multicast } = encoder;
  const guaranteed = encoder.$.GuaranteedFrameRate;
  return (
    `<trt:SetVideoEncoderConfiguration><trt:Configuration token="${escapeXml(encoder.$.token)}"` +
    `${guaranteed === '' ? '' : ` GuaranteedFrameRate="${escapeXml(guaranteed)}"`}>` +
    element('Name', encoder.Name) +
    element('UseCount', encoder.UseCount) +
    element('Encoding', encoder.Encoding) +
    group('Resolution', element('Width', wanted.width) + element('Height', wanted.height)) +
    element('Quality', encoder.Quality) +
    rateControl(encoder, wanted) +
    codecPart(encoder, wanted) +
    multicastElements(multicast) +
    element('SessionTimeout', encoder.SessionTimeout) +
    '</trt:Configuration><trt:ForcePersistence>true</trt:ForcePersistence></trt:SetVideoEncoderConfiguration>'
  );
}

const CodecOptions = first(
  z.object({
    ResolutionsAvailable: many(z.object({ Width: number, Height: number })),
    GovLengthRange: first(range),
    FrameRateRange: first(range),
    BitrateRange: first(range),
  }),
);
const PerCodec = { JPEG: CodecOptions, MPEG4: CodecOptions, H264: CodecOptions };
/** GetVideoEncoderConfigurationOptions; bitrates are in the extension, where later versions of ONVIF repeat each codec. */
export const EncoderOptions = z.object({ Options: z.object({ ...PerCodec, Extension: first(z.object(PerCodec)) }) });
/** The answer as read. */
export type EncoderOptions = z.infer<typeof EncoderOptions>;

function bounds(from: { Min?: number | undefined; Max?: number | undefined } | undefined): { min: number; max: number } | undefined {
  return from?.Min === undefined || from.Max === undefined ? undefined : { min: from.Min, max: from.Max };
}

/** What the camera offers for one codec; undefined when it says nothing about it. */
export function encoderOffers(said: EncoderOptions, codec: VideoEncoderSettings['codec']): VideoEncoderOptions | undefined {
  if (codec === 'H265') return undefined;
  const offers = said.Options[codec];
  const more = said.Options.Extension?.[codec];
  if (offers === undefined) return undefined;
  return {
    resolutions: offers.ResolutionsAvailable.flatMap(({ Width, Height }) =>
      Width === undefined || Height === undefined ? [] : [{ width: Width, height: Height }],
    ),
    frameRate: bounds(offers.FrameRateRange) ?? { min: 1, max: 60 },
    bitrateKbps: bounds(more?.BitrateRange ?? offers.BitrateRange),
    gopLength: bounds(offers.GovLengthRange),
  };
}
