import * as z from 'zod/mini';
import { Hash32, Serial } from './shapes.js';

/** What a cloud keeps and tells its web app; the recorder reads neither. */

/** Which key belongs to which serial, and the highest number of a connect+jws seen from it. */
export const KnownDevices = z.strictObject({
  v: z.literal(1),
  devices: z.record(Serial, z.strictObject({ key: Hash32, n: z.int() })),
});
/** The list as a value. */
export type KnownDevices = z.infer<typeof KnownDevices>;

/** What a cloud tells its app (`/config.json`): whose recorders these are, and where the relay is when it is not the app's own `/mqtt`. */
export const PortalConfig = z.strictObject({
  tenant: z.string().check(z.regex(/^[a-z0-9-]{1,32}$/)),
  relayUrl: z.optional(z.string().check(z.regex(/^wss?:\/\//))),
});
