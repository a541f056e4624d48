import type { CameraCapabilities } from '../port.js';
import { openDeviceIo } from './device-io.js';
import { openBackchannel } from './device-io-audio.js';
import { openEvents } from './events.js';
import { openImaging } from './imaging.js';
import type { OnvifLink } from './link.js';
import { openRecordings } from './recordings.js';
import { openUpkeep } from './upkeep.js';
import { openUsers } from './users.js';

/** What a camera has beyond streams, movement and texts in the picture. */
export type CameraExtras = Omit<CameraCapabilities, 'ptz' | 'overlays'>;

/**
 * Every other service of a camera, each undefined where the camera has not got it. Nothing is asked here: each module looks at
 * `link.has` and asks when it is used.
 */
export function openExtras(link: OnvifLink): CameraExtras {
  return {
    imaging: openImaging(link),
    events: openEvents(link),
    recordings: openRecordings(link),
    io: openDeviceIo(link),
    users: openUsers(link),
    upkeep: openUpkeep(link),
    backchannel: openBackchannel(link),
  };
}
