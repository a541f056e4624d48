import { createHash } from 'node:crypto';
import { type Configuration, StreamWish } from '../contract/configuration.js';
import type { ConfigDocument } from './document.js';
import type { ConfigCamera, ConfigStream, StreamKind } from './ports.js';

const MAX_NAME = 80;
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/** JSON with sorted keys and no white space: equal values give equal texts. `value` must be plain JSON. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
  return `{${members.join(',')}}`;
}

/** SHA-256 of the canonical JSON, base64url. */
export function versionOf(content: Omit<Configuration, 'version'>): string {
  return createHash('sha256').update(canonicalJson(content)).digest('base64url');
}

/** A camera's own name may be anything; what is reported is one line of 1 to 80 characters, `fallback` when nothing is left. */
export function reportedName(name: string, fallback: string): string {
  const line = name.replace(UNPRINTABLE, ' ').trim();
  let kept = '';
  for (const character of line) {
    if (kept.length + character.length > MAX_NAME) break;
    kept += character;
  }
  return kept.trim() || fallback;
}

/** Null when the camera has no such stream, or says of it what no wish could hold (0 frames per second). */
export function reportedStream(stream: Pick<ConfigStream, 'width' | 'height' | 'frameRate'> | undefined): StreamWish | null {
  if (stream === undefined) return null;
  const { width, height, frameRate } = stream;
  const result = StreamWish.safeParse({ width, height, frameRate });
  return result.success ? result.data : null;
}

/** The stream of that kind as the camera said last. */
export function streamOf(camera: ConfigCamera | undefined, kind: StreamKind): ConfigStream | undefined {
  return camera?.streams.find((stream) => stream.kind === kind);
}

/** The configuration as it is now: from what the cameras said last and the recorder's own name, never from what was wished. */
export function reportConfiguration(document: ConfigDocument, defaultName: string, cameras: readonly ConfigCamera[]): Configuration {
  const entries = cameras.map((camera) => {
    const { id, name, hasLogin } = camera;
    const main = reportedStream(streamOf(camera, 'main'));
    const sub = reportedStream(streamOf(camera, 'sub'));
    return [id, { name: reportedName(name, id), main, sub, hasLogin }] as const;
  });
  const content = { recorderName: document.recorderName ?? defaultName, cameras: Object.fromEntries(entries) };
  return { version: versionOf(content), ...content };
}
