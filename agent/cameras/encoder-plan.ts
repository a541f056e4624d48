import type { VideoEncoderOptions, VideoEncoderSettings } from '../../drivers/port.js';
import type { EncoderPatch } from './ports.js';

/** What a patch makes of the settings, or the first field that the camera does not offer. */
export type EncoderPlan =
  | { readonly wanted: VideoEncoderSettings; readonly refused: undefined }
  | { readonly wanted: undefined; readonly refused: { readonly field: string; readonly value: string; readonly offers: string } };

const sizeText = ({ width, height }: { width: number; height: number }): string => `${width}x${height}`;

function outside(value: number, bounds: { min: number; max: number } | undefined): boolean {
  return !Number.isInteger(value) || (bounds !== undefined && (value < bounds.min || value > bounds.max));
}

/** Only what the patch names is checked: a camera may run with values outside its own offer, and those may stay. */
export function planEncoder(now: VideoEncoderSettings, patch: EncoderPatch, offers: VideoEncoderOptions): EncoderPlan {
  const wanted: VideoEncoderSettings = { ...now, ...patch };
  if (patch.width !== undefined || patch.height !== undefined) {
    const isOffered = offers.resolutions.some(({ width, height }) => width === wanted.width && height === wanted.height);
    if (!isOffered) {
      const list = offers.resolutions.map(sizeText).join(', ');
      return { wanted: undefined, refused: { field: 'resolution', value: sizeText(wanted), offers: list } };
    }
  }
  const ranges = { frameRate: offers.frameRate, bitrateKbps: offers.bitrateKbps, gopLength: offers.gopLength };
  for (const [field, bounds] of Object.entries(ranges)) {
    const value = patch[field as keyof typeof ranges];
    if (value === undefined || !outside(value, bounds)) continue;
    const list = bounds === undefined ? 'whole numbers' : `${bounds.min} to ${bounds.max}`;
    return { wanted: undefined, refused: { field, value: String(value), offers: list } };
  }
  return { wanted, refused: undefined };
}
