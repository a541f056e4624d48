import type { VideoEncoderOptions } from '../../drivers/port.js';
import type { PlanRefusal } from '../contract/configuration.js';
import type { ConfigCamera, StreamKind } from './ports.js';

/** What a plan refuses, in an installer's words. `fix` does not list the offers: they stand beside it. */

export const streamWords = (stream: StreamKind): string => (stream === 'main' ? 'main stream' : 'sub-stream');
/** `640 × 360` */
export const sizeText = ({ width, height }: { readonly width: number; readonly height: number }): string => `${width} × ${height}`;

const MAX_NAME = 80;
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** Why `name` (no spaces around it) cannot be given, or undefined. `whose` is `the recorder` or a camera's name. */
export function badName(path: string, name: string, whose: string): PlanRefusal | undefined {
  const refuse = (code: string, say: string): PlanRefusal => ({ path, code, say, fix: 'Enter 1 to 80 visible characters.', offers: [] });
  if (name === '') return refuse('config.name_empty', `The new name for ${whose} is empty.`);
  if (name.length > MAX_NAME) return refuse('config.name_too_long', `The new name for ${whose} has ${name.length} characters.`);
  if (UNPRINTABLE.test(name)) return refuse('config.name_unprintable', `The new name for ${whose} holds characters that cannot be shown.`);
  return undefined;
}

/** Offers the ids there are. */
export function noSuchCamera(path: string, cam: string, known: readonly string[]): PlanRefusal {
  const fix = known.length === 0 ? 'Search for cameras first.' : 'Choose a camera of this recorder.';
  return { path, code: 'config.no_such_camera', say: `This recorder has no camera ${cam}.`, fix, offers: [...known] };
}

/** A camera that cannot be asked now; `reason` is its own. */
export function cannotAsk(
  path: string,
  name: string,
  reason: Pick<NonNullable<ConfigCamera['reason']>, 'say' | 'fix'> | undefined,
): PlanRefusal {
  const { say, fix } = reason ?? { say: 'It has not answered yet.', fix: 'Try again in a few seconds.' };
  return { path, code: 'config.camera_offline', say: `${name} cannot be set now. ${say}`, fix, offers: [] };
}

/** The camera is online and does not list this stream. */
export function noSuchStream(path: string, name: string, stream: StreamKind): PlanRefusal {
  const say = `${name} has no ${streamWords(stream)}.`;
  return { path, code: 'config.no_such_stream', say, fix: 'Change its other stream.', offers: [] };
}

/** `asked` is the pair, also when only one of it was to change; offers as `640 × 360`. */
export function sizeNotOffered(
  path: string,
  name: string,
  stream: StreamKind,
  asked: { readonly width: number; readonly height: number },
  { resolutions }: VideoEncoderOptions,
): PlanRefusal {
  const say = `${name} does not offer ${sizeText(asked)} on its ${streamWords(stream)}.`;
  const fix = resolutions.length === 0 ? "Change the resolution on the camera's own page." : 'Choose a resolution that it offers.';
  return { path, code: 'config.resolution_not_offered', say, fix, offers: resolutions.map(sizeText) };
}

/** `asked` in frames per second; the offer as `1 to 25`. */
export function rateNotOffered(
  path: string,
  name: string,
  stream: StreamKind,
  asked: number,
  { frameRate }: VideoEncoderOptions,
): PlanRefusal {
  const say = `${name} does not offer ${asked} frames per second on its ${streamWords(stream)}.`;
  const fix = 'Choose a whole number that it offers.';
  return { path, code: 'config.frame_rate_not_offered', say, fix, offers: [`${frameRate.min} to ${frameRate.max}`] };
}
