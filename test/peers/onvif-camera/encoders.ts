/** The two video encoders' settings: what is offered, what is set. Pure. */
import type { Clip } from './clip.js';
import type { StreamKind } from './rtsp-context.js';
import { invalidArgument } from './soap.js';
import { child, textAt, type XmlElement } from './xml.js';

export interface EncoderSettings {
  readonly width: number;
  readonly height: number;
  /** Frames per second at most, as set; the stream has the highest rate of a clip that does not exceed it. */
  readonly rate: number;
  readonly bitrateKbps: number;
  readonly quality: number;
}

export interface EncoderOffer {
  readonly resolutions: readonly { readonly width: number; readonly height: number }[];
  readonly rates: { readonly min: number; readonly max: number };
  readonly bitrates: { readonly min: number; readonly max: number };
}

export const GOP_SECONDS = 4;
export const QUALITY_RANGE = { min: 1, max: 6 } as const;
/** In frames: 4 s at the lowest and the highest rate. */
export const GOV_RANGE = { min: 1, max: 100 } as const;

/** The resolutions of each encoder; only those with clips are offered. */
export function offerOf(kind: StreamKind, clips: readonly Clip[]): EncoderOffer {
  const own = clips.filter((clip) => (kind === 'main') === clip.width > 640);
  const sizes = new Map(own.map(({ width, height }) => [`${width}x${height}`, { width, height }]));
  const rates = own.map((clip) => clip.rate);
  return {
    resolutions: [...sizes.values()].sort((a, b) => b.width - a.width),
    rates: { min: Math.min(...rates), max: Math.max(...rates) },
    bitrates: { min: 32, max: kind === 'main' ? 4096 : 1024 },
  };
}

/** The clip that these settings mean. */
export function clipFor(settings: EncoderSettings, clips: readonly Clip[]): Clip | undefined {
  const fitting = clips.filter((clip) => clip.width === settings.width && clip.height === settings.height && clip.rate <= settings.rate);
  return fitting.sort((a, b) => b.rate - a.rate)[0];
}

const refuse = (reason: string): never => {
  throw invalidArgument('ConfigModify', reason);
};

function integer(text: string | undefined, what: string, min: number, max: number): number {
  const value = text !== undefined && /^[+-]?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) return refuse(`${what} is missing or no number`);
  return value < min || value > max ? refuse(`${what} must be ${min} to ${max}`) : value;
}

/** Width, height and quality, which both versions name alike. */
function readPicture(configuration: XmlElement, offer: EncoderOffer): Pick<EncoderSettings, 'width' | 'height' | 'quality'> {
  const width = integer(textAt(configuration, 'Resolution', 'Width'), 'Width', 1, 100_000);
  const height = integer(textAt(configuration, 'Resolution', 'Height'), 'Height', 1, 100_000);
  if (!offer.resolutions.some((one) => one.width === width && one.height === height)) refuse(`${width}x${height} is not offered`);
  const quality = Number(textAt(configuration, 'Quality') ?? Number.NaN);
  if (!(quality >= QUALITY_RANGE.min && quality <= QUALITY_RANGE.max)) refuse('Quality is missing or out of range');
  return { width, height, quality };
}

/** Reads a tt:VideoEncoderConfiguration; throws ter:ConfigModify for every value that is not offered and every element that is missing. */
export function readSettings(configuration: XmlElement, offer: EncoderOffer): EncoderSettings {
  if (!textAt(configuration, 'Name') || !/^\d+$/.test(textAt(configuration, 'UseCount') ?? '')) refuse('Name or UseCount is missing');
  if (textAt(configuration, 'Encoding') !== 'H264') refuse('Encoding must be H264');
  const picture = readPicture(configuration, offer);
  const limits = child(configuration, 'RateControl');
  const rate = integer(textAt(limits, 'FrameRateLimit'), 'FrameRateLimit', offer.rates.min, offer.rates.max);
  integer(textAt(limits, 'EncodingInterval'), 'EncodingInterval', 1, 1);
  const bitrateKbps = integer(textAt(limits, 'BitrateLimit'), 'BitrateLimit', offer.bitrates.min, offer.bitrates.max);
  integer(textAt(configuration, 'H264', 'GovLength'), 'GovLength', GOV_RANGE.min, GOV_RANGE.max);
  if (textAt(configuration, 'H264', 'H264Profile') !== 'High') refuse('H264Profile must be High');
  if (child(configuration, 'Multicast') === undefined) refuse('Multicast is missing');
  if (!/^P/.test(textAt(configuration, 'SessionTimeout') ?? '')) refuse('SessionTimeout is missing');
  return { ...picture, rate, bitrateKbps };
}

/** Reads a tt:VideoEncoder2Configuration, in which rate control may be left out; throws like readSettings. */
export function readSettings2(
  configuration: XmlElement,
  offer: EncoderOffer,
  codec: 'H264' | 'H265',
  before: EncoderSettings,
): EncoderSettings {
  if (!textAt(configuration, 'Name') || !/^\d+$/.test(textAt(configuration, 'UseCount') ?? '')) refuse('Name or UseCount is missing');
  if (textAt(configuration, 'Encoding') !== codec) refuse(`Encoding must be ${codec}`);
  const picture = readPicture(configuration, offer);
  const gop = configuration.attributes.get('GovLength');
  if (gop !== undefined) integer(gop, 'GovLength', GOV_RANGE.min, GOV_RANGE.max);
  const limits = child(configuration, 'RateControl');
  if (limits === undefined) return { ...picture, rate: before.rate, bitrateKbps: before.bitrateKbps };
  const rate = Number(textAt(limits, 'FrameRateLimit') ?? Number.NaN);
  if (!(rate >= offer.rates.min && rate <= offer.rates.max)) refuse(`FrameRateLimit must be ${offer.rates.min} to ${offer.rates.max}`);
  return { ...picture, rate, bitrateKbps: integer(textAt(limits, 'BitrateLimit'), 'BitrateLimit', offer.bitrates.min, offer.bitrates.max) };
}
