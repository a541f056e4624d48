import * as z from 'zod/mini';
import { ChannelId, Hash32, PersonName } from './shapes.js';

/** A name that people gave a recorder or camera. */
export const DisplayName = PersonName;

/** One stream's picture: pixels, and frames per second. */
export const StreamWish = z.strictObject({
  width: z.int().check(z.gte(64), z.lte(8192)),
  height: z.int().check(z.gte(64), z.lte(8192)),
  frameRate: z.number().check(z.gte(1), z.lte(120)),
});
export type StreamWish = z.infer<typeof StreamWish>;

/** Visible characters and spaces; the password is write-only: no answer ever holds it. */
export const CameraLogin = z.strictObject({
  user: z.string().check(z.minLength(1), z.maxLength(64), z.regex(/^\P{Cc}+$/u)),
  password: z.string().check(z.maxLength(128), z.regex(/^\P{Cc}*$/u)),
});

/** One camera as it is reported; a stream is null when the camera has none or does not tell. */
export const CameraConfiguration = z.strictObject({
  name: DisplayName,
  main: z.nullable(StreamWish),
  sub: z.nullable(StreamWish),
  /** Whether a login of its own is set; the login itself never leaves. */
  hasLogin: z.boolean(),
});
export type CameraConfiguration = z.infer<typeof CameraConfiguration>;

/** The configuration as it is reported. `version` is the SHA-256 of the document without it and is the base of the next patch. */
export const Configuration = z.strictObject({
  version: Hash32,
  recorderName: DisplayName,
  cameras: z.record(ChannelId, CameraConfiguration),
});
export type Configuration = z.infer<typeof Configuration>;

/** A merge patch (RFC 7396) over the configuration: only what is to change. Unknown fields are refused by name. */
export const ConfigurationPatch = z.strictObject({
  recorderName: z.optional(DisplayName),
  cameras: z.optional(
    z.record(
      ChannelId,
      z.strictObject({
        name: z.optional(DisplayName),
        main: z.optional(z.partial(StreamWish)),
        sub: z.optional(z.partial(StreamWish)),
        login: z.optional(CameraLogin),
      }),
    ),
  ),
});
export type ConfigurationPatch = z.infer<typeof ConfigurationPatch>;

/** One value that would change, and whether pictures stop for a moment when it does. */
export const PlanStep = z.strictObject({
  /** e.g. cameras.cam-1.sub.frameRate */
  path: z.string(),
  from: z.nullable(z.union([z.string(), z.number(), z.boolean()])),
  to: z.union([z.string(), z.number(), z.boolean()]),
  risk: z.enum(['harmless', 'interrupts-video']),
});
export type PlanStep = z.infer<typeof PlanStep>;

/** A step that would not work, and what would. */
export const PlanRefusal = z.strictObject({
  path: z.string(),
  code: z.string(),
  say: z.string(),
  fix: z.string(),
  /** Values the camera offers instead. */
  offers: z.array(z.string()),
});
export type PlanRefusal = z.infer<typeof PlanRefusal>;

/** What applying a patch would do. `base` is the version it was planned on; nothing is applied while `refused` holds a step. */
export const Plan = z.strictObject({ base: Hash32, steps: z.array(PlanStep), refused: z.array(PlanRefusal) });
export type Plan = z.infer<typeof Plan>;

/** What was read back after applying; only `isRead` values were seen on the camera itself. */
export const Applied = z.strictObject({
  version: Hash32,
  steps: z.array(z.strictObject({ ...PlanStep.shape, isReadBack: z.boolean() })),
});
export type Applied = z.infer<typeof Applied>;
