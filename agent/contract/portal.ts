import * as z from 'zod/mini';
import { Hash32, Serial } from './shapes.js';

/** What a cloud keeps; the recorder never reads it. */

/** Which key belongs to which serial, and the highest number of a connect+jws seen from it. */
export const KnownDevices = z.strictObject({
  v: z.literal(1),
  devices: z.record(Serial, z.strictObject({ key: Hash32, n: z.int() })),
});
/** The list as a value. */
export type KnownDevices = z.infer<typeof KnownDevices>;
