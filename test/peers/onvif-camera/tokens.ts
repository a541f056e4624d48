import type { StreamKind } from './rtsp-context.js';

/** The two streams, and the tokens of their profiles and encoders. */
export const KINDS: readonly StreamKind[] = ['main', 'sub'];
export const PROFILE_TOKENS = KINDS.map((kind) => `profile_${kind}`);
export const ENCODER_TOKENS = KINDS.map((kind) => `encoder_${kind}`);

/** The stream that a profile's or encoder's token belongs to. */
export const kindOf = (token: string): StreamKind => (token.endsWith('_main') ? 'main' : 'sub');
