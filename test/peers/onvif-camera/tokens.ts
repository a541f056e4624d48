import type { StreamKind } from './rtsp-context.js';

/** The two streams. */
export const KINDS: readonly StreamKind[] = ['main', 'sub'];

/** A profile of one source; the sources share the two encoders' settings. */
export interface ProfileKey {
  readonly kind: StreamKind;
  /** Number of the video source, from 0. */
  readonly source: number;
}

const middle = ({ kind, source }: ProfileKey): string => (source === 0 ? kind : `${source}_${kind}`);
export const profileToken = (key: ProfileKey): string => `profile_${middle(key)}`;
export const encoderToken = (key: ProfileKey): string => `encoder_${middle(key)}`;
export const sourceToken = (source: number): string => `source_${source}`;

/** All profiles of a camera with so many sources: those of several sources come mixed, as recorders list them. */
export function profileKeys(sources: number): readonly ProfileKey[] {
  const numbers = Array.from({ length: sources }, (_, source) => source);
  const mains = numbers.map((source): ProfileKey => ({ kind: 'main', source }));
  const subs = [...numbers].reverse().map((source): ProfileKey => ({ kind: 'sub', source }));
  return [...mains, ...subs];
}

/** The stream that a profile's or encoder's token belongs to. */
export const kindOf = (token: string): StreamKind => (token.endsWith('_main') || token === 'main' ? 'main' : 'sub');
