import * as z from 'zod/mini';
import type { VideoEncoderOptions, VideoEncoderSettings } from '../port.js';
import { codecOf, element, group, Multicast, multicastElements, settingsOf } from './encoder-shape.js';
import { attributes, first, many, number, range, text } from './shapes.js';
import { escapeXml } from './xml.js';

const KEPT = ['GovLength', 'AnchorFrameDistance', 'Profile', 'GuaranteedFrameRate', 'Signed', 'SecureStreamingProtocolAlgorithm'] as const;

/** A Media2 video encoder configuration (tt:VideoEncoder2Configuration) with all that goes back to the camera. */
export const Encoder2 = z.object({
  $: attributes('token', ...KEPT),
  Name: text,
  UseCount: text,
  Encoding: text,
  Resolution: first(z.object({ Width: number, Height: number })),
  RateControl: first(z.object({ $: attributes('ConstantBitRate'), FrameRateLimit: number, BitrateLimit: number, AverageBitRate: text })),
  Multicast: first(Multicast),
  Quality: text,
});
/** The same as read. */
export type Encoder2 = z.infer<typeof Encoder2>;

const toInt = (words: string): number => {
  const value = Number.parseInt(words, 10);
  return Number.isFinite(value) ? value : 0;
};

/** The settings that Media2 tells. */
export const encoder2Settings = (encoder: Encoder2): VideoEncoderSettings | undefined => settingsOf(encoder, toInt(encoder.$.GovLength));

function rateControl(encoder: Encoder2, wanted: VideoEncoderSettings): string {
  const had = encoder.RateControl;
  if (had === undefined && wanted.frameRate === 0) return '';
  const frameRate = wanted.frameRate === 0 ? (had?.FrameRateLimit ?? 0) : wanted.frameRate;
  const bitrate = wanted.bitrateKbps === 0 ? (had?.BitrateLimit ?? 0) : Math.round(wanted.bitrateKbps);
  const constant = had?.$.ConstantBitRate ?? '';
  return (
    `<tt:RateControl${constant === '' ? '' : ` ConstantBitRate="${escapeXml(constant)}"`}>` +
    element('FrameRateLimit', frameRate) +
    element('BitrateLimit', bitrate) +
    element('AverageBitRate', had?.AverageBitRate) +
    '</tt:RateControl>'
  );
}

/**
 * Media2 SetVideoEncoderConfiguration with everything the camera gave, in the order of the schema, and only the wanted values changed.
 * Multicast is optional here: `withMulticast` false leaves it out, for cameras that refuse the very 0.0.0.0 they gave.
 */
export function encoder2Request(encoder: Encoder2, wanted: VideoEncoderSettings, withMulticast: boolean): string {
  const gop = wanted.gopLength === 0 ? encoder.$.GovLength : String(Math.round(wanted.gopLength));
  const kept = { ...encoder.$, GovLength: gop };
  const names = KEPT.filter((name) => kept[name] !== '');
  return (
    `<tr2:SetVideoEncoderConfiguration><tr2:Configuration token="${escapeXml(encoder.$.token)}"` +
    `${names.map((name) => ` ${name}="${escapeXml(kept[name])}"`).join('')}>` +
    element('Name', encoder.Name) +
    element('UseCount', encoder.UseCount) +
    element('Encoding', encoder.Encoding) +
    group('Resolution', element('Width', wanted.width) + element('Height', wanted.height)) +
    rateControl(encoder, wanted) +
    (withMulticast ? multicastElements(encoder.Multicast) : '') +
    element('Quality', encoder.Quality) +
    '</tr2:Configuration></tr2:SetVideoEncoderConfiguration>'
  );
}

/** Media2 GetVideoEncoderConfigurationOptions: one per codec. */
export const Encoder2Options = z.object({
  Options: many(
    z.object({
      $: attributes('GovLengthRange', 'FrameRatesSupported'),
      Encoding: text,
      ResolutionsAvailable: many(z.object({ Width: number, Height: number })),
      BitrateRange: first(range),
    }),
  ),
});
/** The same as read. */
export type Encoder2Options = z.infer<typeof Encoder2Options>;

function span(words: string): { min: number; max: number } | undefined {
  const numbers = words
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number)
    .filter(Number.isFinite);
  return numbers.length === 0 ? undefined : { min: Math.min(...numbers), max: Math.max(...numbers) };
}

/** What the camera offers for one codec; undefined when it says nothing about it. */
export function encoder2Offers(said: Encoder2Options, codec: VideoEncoderSettings['codec']): VideoEncoderOptions | undefined {
  const offers = said.Options.find(({ Encoding }) => codecOf(Encoding) === codec);
  if (offers === undefined) return undefined;
  const { Min, Max } = offers.BitrateRange ?? {};
  return {
    resolutions: offers.ResolutionsAvailable.flatMap(({ Width, Height }) =>
      Width === undefined || Height === undefined ? [] : [{ width: Width, height: Height }],
    ),
    frameRate: span(offers.$.FrameRatesSupported) ?? { min: 1, max: 60 },
    bitrateKbps: Min === undefined || Max === undefined ? undefined : { min: Min, max: Max },
    gopLength: span(offers.$.GovLengthRange),
  };
}
