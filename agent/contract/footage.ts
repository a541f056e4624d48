import * as z from 'zod/mini';
import { ChannelId, Hash32, HexHash, Id16, InstantMs, Serial } from './shapes.js';
import { LiveEnded } from './views.js';

/** Recordings by time: what is asked, what is answered, and what is said on the data channel beside the picture. */

const Fingerprint = z.string().check(z.regex(/^sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}$/));
const Sdp = z.string().check(z.minLength(100), z.maxLength(32_768));
const Text = z.string().check(z.maxLength(600));

/** Speeds of playing; from FAST_SPEED on only intra pictures are shown. */
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16] as const;
/** See SPEEDS. */
export const FAST_SPEED = 4;
/** One of SPEEDS. */
export const Speed = z.literal([...SPEEDS]);
export type Speed = z.infer<typeof Speed>;

/** Longest time one timeline covers: a month and its summer-time hour. */
export const TIMELINE_MAX_MS = 31 * 86_400_000 + 3_600_000;
/** Longest clip that is exported in one file. */
export const EXPORT_MAX_MS = 6 * 3_600_000;
/** The viewer says `here` on the data channel this often; after 15 s of silence it is taken for gone. */
export const HERE_EVERY_MS = 4_000;
/** The viewer says this on the data channel when it has a file whole and what is signed of it; the recorder closes then. */
export const FOOTAGE_TAKEN = 'file';
/** Label of the data channel that the viewer makes. */
export const FOOTAGE_LABEL = 'footage';

/** What is recorded of these cameras (null: of all that are permitted) between two instants. */
export const TimelineArgs = z.strictObject({
  cams: z.nullable(z.array(ChannelId).check(z.minLength(1), z.maxLength(64))),
  from: InstantMs,
  to: InstantMs,
});
export type TimelineArgs = z.infer<typeof TimelineArgs>;

/** Pairs of begin and end in whole seconds after `from`, in order: [b0, e0, b1, e1, ...]. */
const Pairs = z.array(z.int().check(z.gte(0)));
/** `resolutionMs`: gaps shorter than this are not shown; a shorter time asked for shows them. */
export const Timeline = z.strictObject({
  now: InstantMs,
  from: InstantMs,
  to: InstantMs,
  resolutionMs: z.int(),
  cams: z.array(z.strictObject({ cam: ChannelId, spans: Pairs, motion: Pairs })),
});
export type Timeline = z.infer<typeof Timeline>;

/** Opens a player at an instant. The offer holds one data channel, FOOTAGE_LABEL. */
export const PlaybackOpenArgs = z.strictObject({
  cam: ChannelId,
  at: InstantMs,
  isPlaying: z.boolean(),
  speed: Speed,
  maxS: z.int().check(z.gte(10), z.lte(3600)),
  sdp: Sdp,
  fp: Fingerprint,
});
export type PlaybackOpenArgs = z.infer<typeof PlaybackOpenArgs>;

/** One clip as a file over the data channel. */
export const ExportArgs = z.strictObject({ cam: ChannelId, from: InstantMs, to: InstantMs, sdp: Sdp, fp: Fingerprint });
export type ExportArgs = z.infer<typeof ExportArgs>;

/** `from`, `to`: footage beyond these is never shown to the asker; null where there is no bound. */
export const PlaybackAnswer = z.strictObject({
  session: Id16,
  cam: ChannelId,
  sdp: z.string().check(z.maxLength(32_768)),
  fp: Fingerprint,
  until: InstantMs,
  /** To be shown over the picture: who watches. */
  watermark: z.string(),
  from: z.nullable(InstantMs),
  to: z.nullable(InstantMs),
});
export type PlaybackAnswer = z.infer<typeof PlaybackAnswer>;

/** What a player is told to do. `step` by 1 is the next picture, by -1 the intra picture before. */
export const ControlArgs = z.discriminatedUnion('act', [
  z.strictObject({ session: Id16, act: z.literal('play') }),
  z.strictObject({ session: Id16, act: z.literal('pause') }),
  z.strictObject({ session: Id16, act: z.literal('seek'), at: InstantMs }),
  z.strictObject({ session: Id16, act: z.literal('speed'), speed: Speed }),
  z.strictObject({ session: Id16, act: z.literal('step'), by: z.literal([1, -1]) }),
  z.strictObject({ session: Id16, act: z.literal('reverse'), isReverse: z.boolean() }),
]);
export type ControlArgs = z.infer<typeof ControlArgs>;

/** How the player stands after an act; `n` is the number that pictures sent because of it carry (`at` messages). */
export const PlayerState = z.strictObject({
  n: z.int(),
  at: InstantMs,
  speed: Speed,
  isReverse: z.boolean(),
  isPlaying: z.boolean(),
});
export type PlayerState = z.infer<typeof PlayerState>;

/** What the recorder signs about a file it handed out (export+jws). */
export const ExportStatement = z.strictObject({
  v: z.literal(1),
  dev: Serial,
  cam: ChannelId,
  /** Of the first and the last picture in it. */
  from: InstantMs,
  to: InstantMs,
  bytes: z.int(),
  sha256: HexHash,
  /** Stretches within it of which nothing was recorded. */
  gaps: z.array(z.tuple([InstantMs, InstantMs])),
  /** SHA-256 of the command that asked for it. */
  cmd: Hash32,
  at: InstantMs,
});
export type ExportStatement = z.infer<typeof ExportStatement>;

/** What the recorder says on the data channel. */
export const FootageWord = z.discriminatedUnion('t', [
  /** Wall clock of the picture just sent. */
  z.strictObject({ t: z.literal('at'), at: InstantMs, n: z.int() }),
  z.strictObject({ t: z.literal('gap'), from: InstantMs, to: InstantMs }),
  z.strictObject({ t: z.literal('edge'), at: InstantMs, why: z.enum(['end', 'begin', 'permission']) }),
  z.strictObject({ t: z.literal('trouble'), code: Text, say: Text, fix: Text }),
  z.strictObject({
    t: z.literal('file'),
    name: z.string().check(z.maxLength(120)),
    bytes: z.int(),
    sha256: HexHash,
    statement: z.string().check(z.maxLength(60_000)),
  }),
]);
export type FootageWord = z.infer<typeof FootageWord>;

/** Why a player or an export ended, and how much there was; `from` and `to`: first and last instant of footage shown, null for none. */
export const PlaybackEnded = z.extend(LiveEnded, { from: z.nullable(InstantMs), to: z.nullable(InstantMs) });
export type PlaybackEnded = z.infer<typeof PlaybackEnded>;
