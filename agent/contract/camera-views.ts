import * as z from 'zod/mini';
import { CameraLogin, DisplayName } from './configuration.js';
import { ChannelId } from './shapes.js';
import { CameraInfo, Reason } from './views.js';

/** What is asked and told about cameras themselves: adding, testing, and the places that one can be driven to. */

const Text = z.string();

/** An address as a person writes it. A login in it is refused: it has a field of its own, and addresses stand in logs. */
export const CameraAddressText = z.string().check(z.minLength(1), z.maxLength(300), z.regex(/^[^\s@\p{Cc}]+$/u));

/** An IPv4 network that is asked address by address: at most 1024 of them, and the recorder must be in it. */
export const NetworkText = z.string().check(z.regex(/^(?:\d{1,3}\.){3}\d{1,3}\/(?:2[2-9]|3[0-2])$/));
/** One host: a name, an address, IPv6 with or without brackets, each with or without `:port`. */
export const HostText = z.string().check(z.minLength(1), z.maxLength(260), z.regex(/^[^\s@/\p{Cc}]+$/u));
/** Where cameras are looked for: without a member everywhere that a search reaches by itself. Never both members. */
export const SearchWish = z
  .strictObject({ scan: z.optional(NetworkText), host: z.optional(HostText) })
  .check(z.refine(({ scan, host }) => scan === undefined || host === undefined));
/** The wish as a value. */
export type SearchWish = z.infer<typeof SearchWish>;
/**
 * What a search came to. `found`: channels that are new. `known`: channels whose camera answered and was known. `removed`: cameras that answered
 * and that somebody removed before; they come back only by being added.
 */
export const CamerasFound = z.strictObject({
  found: z.array(ChannelId),
  known: z.optional(z.array(ChannelId)),
  removed: z.optional(z.int()),
});
/** The outcome as a value. */
export type CamerasFound = z.infer<typeof CamerasFound>;

/** A camera that is to be added by its address. One that is known already gets the login and the name, if there are any. */
export const NewCamera = z.strictObject({
  address: CameraAddressText,
  login: z.optional(CameraLogin),
  name: z.optional(DisplayName),
});
/** The wish as a value. */
export type NewCamera = z.infer<typeof NewCamera>;

/** Cameras that are to be added; each is asked at once, and none waits for another. */
export const NewCameras = z.strictObject({ cameras: z.array(NewCamera).check(z.minLength(1), z.maxLength(32)) });

/** What became of one of them: its channel and how it is, or why there is none (`id` null). */
export const CameraAdded = z.strictObject({
  address: Text,
  id: z.nullable(ChannelId),
  state: z.nullable(CameraInfo.shape.state),
  reason: z.nullable(Reason),
});
/** The outcome as a value. */
export type CameraAdded = z.infer<typeof CameraAdded>;
/** In the order in which they were asked for. */
export const CamerasAdded = z.strictObject({ cameras: z.array(CameraAdded) });
/** The outcomes as a value. */
export type CamerasAdded = z.infer<typeof CamerasAdded>;

/** What a test looks at, in this order. */
export const TEST_STEPS = ['reachability', 'clock', 'authentication', 'profiles', 'stream', 'keyframe', 'events', 'ptz'] as const;

/**
 * One line of a test. `warning` works, but not as it should; `absent` the camera has no such thing; `skipped` was not tried because of what failed
 * before. `fix` is empty where nothing is to be done.
 */
export const TestStep = z.strictObject({
  step: z.enum(TEST_STEPS),
  result: z.enum(['ok', 'warning', 'failed', 'absent', 'skipped']),
  code: z.nullable(Text),
  say: Text,
  fix: Text,
  tookMs: z.number(),
});
/** The line as a value. */
export type TestStep = z.infer<typeof TestStep>;

/** A camera looked at from end to end. `isOk`: nothing failed. */
export const CameraTest = z.strictObject({ cam: ChannelId, isOk: z.boolean(), steps: z.array(TestStep) });
/** The test as a value. */
export type CameraTest = z.infer<typeof CameraTest>;

/** Gear's own name of a stored place. */
export const PresetToken = z.string().check(z.minLength(1), z.maxLength(64), z.regex(/^\P{Cc}+$/u));
/** Places that a camera can be driven to. */
export const Presets = z.strictObject({ presets: z.array(z.strictObject({ token: Text, name: Text })) });
/** The places as a value. */
export type Presets = z.infer<typeof Presets>;

/** A camera as it is shown at the recorder itself: `host` is its address in the site's network. */
export const LocalCamera = z.strictObject({ ...CameraInfo.shape, host: Text });
/** The camera as a value. */
export type LocalCamera = z.infer<typeof LocalCamera>;
