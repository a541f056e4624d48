import type { CameraComplaint, CameraUp, Level } from '../types.js';
import type { Check } from './check.js';

/** How bad each complaint is, and the words for it after the camera's name. */
const COMPLAINTS: Readonly<Record<CameraComplaint, { readonly level: Level; readonly says: string }>> = {
  'video-loss': { level: 'crit', says: 'that its picture is lost' },
  tamper: { level: 'crit', says: 'that it was tampered with' },
  'hardware-failure': { level: 'warn', says: 'that a part of it has failed' },
};

/**
 * What a camera itself complains of (camera.alarm). Somebody who covers a camera wants minutes: it is told with the next sample. A camera that is
 * away says nothing any more; that it is away is another fact.
 */
export const cameraAlarmCheck: Check<CameraUp> = {
  fact: 'camera-alarm',
  name: 'Camera',
  holds: { warnAfterMs: 0, critAfterMs: 0, clearAfterMs: 300_000, clearMaxMs: 7_200_000 },
  judge({ name, alarms = [] }) {
    const known = alarms.map((alarm) => COMPLAINTS[alarm]);
    if (known.length === 0) return { level: 'ok', sentence: `${name} complains of nothing.` };
    const level = known.some((complaint) => complaint.level === 'crit') ? 'crit' : 'warn';
    return { level, sentence: `${name} says ${known.map(({ says }) => says).join(' and ')}.` };
  },
};
