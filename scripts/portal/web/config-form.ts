import type { Configuration, ConfigurationPatch, PlanStep } from '../../../agent/contract/configuration.js';
import { cameraNameOf, type Named } from './names.js';
import { tr } from './recorder-texts.js';
import { t } from './words.js';

/** What the form of one camera holds, as typed. */
export interface CameraForm {
  readonly name: string;
  readonly main: StreamForm | null;
  readonly sub: StreamForm | null;
  readonly user: string;
  readonly password: string;
}

/** A stream's two fields, as typed. */
export interface StreamForm {
  /** `640x360` */
  readonly resolution: string;
  readonly frameRate: string;
}

/** Sentences by field: `name`, `sub.resolution`, `main.frameRate` ... */
export type FieldErrors = Readonly<Record<string, string>>;
type CameraPatch = NonNullable<ConfigurationPatch['cameras']>[string];
type StreamPatch = NonNullable<CameraPatch['main']>;

/** `640x360`, `640 × 360` or `640*360` as numbers; undefined for anything else. */
export function readResolution(text: string): { width: number; height: number } | undefined {
  const match = /^\s*(\d{2,4})\s*[x×*]\s*(\d{2,4})\s*$/i.exec(text);
  return match === null ? undefined : { width: Number(match[1]), height: Number(match[2]) };
}

/** The form as it is before anything is typed. The login is always empty: it cannot be read back. */
export function formOf(camera: Configuration['cameras'][string]): CameraForm {
  const stream = (wish: (typeof camera)['main']): StreamForm | null =>
    wish === null ? null : { resolution: `${wish.width}x${wish.height}`, frameRate: String(wish.frameRate) };
  return { name: camera.name, main: stream(camera.main), sub: stream(camera.sub), user: '', password: '' };
}

function streamPatch(form: StreamForm, before: StreamForm, errors: Record<string, string>, name: string): StreamPatch | undefined {
  const patch: StreamPatch = {};
  if (form.resolution !== before.resolution) {
    const read = readResolution(form.resolution);
    if (read === undefined) errors[`${name}.resolution`] = tr.setResolutionError;
    else Object.assign(patch, read);
  }
  if (form.frameRate !== before.frameRate) {
    const rate = Number(form.frameRate.replace(',', '.'));
    if (form.frameRate.trim() === '' || !Number.isFinite(rate)) errors[`${name}.frameRate`] = tr.setRateError;
    else patch.frameRate = rate;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** What is different from the configuration as a merge patch for this camera; undefined when nothing is. */
export function cameraPatch(
  id: string,
  form: CameraForm,
  camera: Configuration['cameras'][string],
): { patch: ConfigurationPatch | undefined; errors: FieldErrors } {
  const before = formOf(camera);
  const errors: Record<string, string> = {};
  const patch: CameraPatch = {};
  if (form.name.trim() !== before.name) patch.name = form.name.trim();
  for (const kind of ['main', 'sub'] as const) {
    const [now, then] = [form[kind], before[kind]];
    const changed = now !== null && then !== null ? streamPatch(now, then, errors, kind) : undefined;
    if (changed !== undefined) patch[kind] = changed;
  }
  if (form.name.trim() === '' || form.name.length > 80) errors.name = t.errorName;
  if (form.user !== '') patch.login = { user: form.user, password: form.password };
  return { patch: Object.keys(patch).length > 0 ? { cameras: { [id]: patch } } : undefined, errors };
}

/** `Front door, small picture, pictures per second` for `cameras.cam-1.sub.frameRate`. */
export function pathInWords(path: string, cameras: readonly Named[]): string {
  const parts = path.split('.');
  const words = parts.flatMap((part) => {
    if (part === 'cameras') return [];
    if (/^cam-\d+$/.test(part)) return [cameraNameOf(cameras, part)];
    return [tr.setPath[part as keyof typeof tr.setPath] ?? part];
  });
  return words.map((word, at) => (at === 0 ? word : word.toLowerCase())).join(', ');
}

/** A value of a plan's step; null is what was not set. */
export function valueInWords(value: PlanStep['from']): string {
  return value === null ? tr.empty : String(value);
}
