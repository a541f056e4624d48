import * as z from 'zod/mini';
import { DisplayName, StreamWish } from '../contract/configuration.js';
import { ChannelId } from '../contract/shapes.js';

/** What people want of one camera; null where nobody said anything from here. */
const CameraWish = z.strictObject({
  name: z.nullable(DisplayName),
  main: z.nullable(StreamWish),
  sub: z.nullable(StreamWish),
});
export type CameraWish = z.infer<typeof CameraWish>;

/**
 * The configuration as it is stored: wishes, each written only after the camera confirmed it. What is reported is never taken from here
 * but from what the cameras say; only the recorder's own name lives here alone.
 */
export const ConfigDocument = z.strictObject({
  v: z.literal(1),
  /** Null until a person gave one. */
  recorderName: z.nullable(DisplayName),
  cameras: z.record(ChannelId, CameraWish),
});
export type ConfigDocument = z.infer<typeof ConfigDocument>;

/** Before anyone wanted anything. */
export const EMPTY_DOCUMENT: ConfigDocument = { v: 1, recorderName: null, cameras: {} };

/** The wish for a camera of which nothing was wanted yet. */
export const NO_WISH: CameraWish = { name: null, main: null, sub: null };
