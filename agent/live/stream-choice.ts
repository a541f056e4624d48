/** Which of a camera's streams a new viewer gets, and in which codec. Pure. */
import type { StreamKind, StreamWish } from './ports.js';

/** Video as it goes to a viewer. */
export type Codec = 'H264' | 'H265';

/** Everything the choice depends on. */
export interface ChoiceFacts {
  readonly wish: StreamWish;
  /** As the camera's encoders are set; undefined when it is not known, or there is no such stream. */
  readonly main: Codec | undefined;
  readonly sub: Codec | undefined;
  /** The viewer's offer has H.265. */
  readonly playsH265: boolean;
  /** Whether H.265 can be made H.264 here now; `busy` when every place for that is taken, `no` when this recorder cannot. */
  readonly transcoding: 'free' | 'busy' | 'no';
}

/** The stream and the codec of the answer; or why there is none. */
export type StreamChoice =
  | { readonly ok: true; readonly stream: StreamKind; readonly codec: Codec }
  | { readonly ok: false; readonly code: string; readonly say: string; readonly fix: string; readonly retryable: boolean };

/**
 * Passed on as it is wherever the viewer can play it; of an H.265 stream that it cannot, the camera's other stream if that is H.264; and only
 * then made anew, which costs a processor core. Who leaves the choice to the recorder begins with the small stream, the quicker and safer one.
 */
export function chooseStream(facts: ChoiceFacts): StreamChoice {
  const order: readonly StreamKind[] = facts.wish === 'main' ? ['main', 'sub'] : ['sub', 'main'];
  const known = order.filter((kind) => facts[kind] !== undefined);
  const wished = facts.wish === 'auto' ? (known[0] ?? 'main') : facts.wish;
  for (const kind of known) {
    const codec = facts[kind];
    if (facts[wished] === undefined || (codec === 'H265' && !facts.playsH265)) continue;
    return { ok: true, stream: kind, codec: codec ?? 'H264' };
  }
  // Not known before the camera describes it: nearly always H.264.
  if (facts[wished] === undefined) return { ok: true, stream: wished, codec: 'H264' };
  if (facts.transcoding === 'free') return { ok: true, stream: wished, codec: 'H264' };
  return facts.transcoding === 'busy' ? BUSY : UNSUPPORTED;
}

/** Every place for making H.264 of H.265 is taken. */
export const BUSY = {
  ok: false,
  code: 'live.too_many_transcodes',
  say: 'This camera sends H.265, and the recorder already converts as many pictures as it can.',
  fix: 'Close another picture of an H.265 camera, use a browser that plays H.265, or set the camera’s sub-stream to H.264.',
  retryable: true,
} as const;

const UNSUPPORTED = {
  ok: false,
  code: 'live.codec_unsupported',
  say: 'This camera sends H.265, which this browser does not play and this recorder cannot convert.',
  fix: 'Set the camera’s sub-stream to H.264, or use a browser that plays H.265.',
  retryable: false,
} as const;

/** Whether an SDP offers the codec (RFC 8866 6.6); what the answer takes is decided by the driver that reads it whole. */
export const offersCodec = (sdp: string, codec: Codec): boolean => new RegExp(`^a=rtpmap:\\d{1,3} ${codec}/90000\\r?$`, 'im').test(sdp);
