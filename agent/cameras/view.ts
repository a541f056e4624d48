import { hostOf } from './address.js';
import type { Inspection } from './inspection.js';
import type { CameraAlarm, CameraFacts, CameraView, StoredChannel } from './ports.js';
import type { CameraStatus } from './state.js';

/** Of a camera that never said anything of itself. */
export const NO_FACTS: CameraFacts = { name: '', manufacturer: '', model: '', firmware: '', serial: '' };

/** A channel for everyone else: what a person called it, what the camera said, and how it is now. */
export function channelView(
  stored: StoredChannel,
  status: CameraStatus,
  seen: Inspection | undefined,
  extra: { readonly hasSerialPtz: boolean; readonly hasLogin: boolean; readonly alarms: readonly CameraAlarm[] },
): CameraView {
  const host = hostOf(stored.deviceUri);
  const { name, manufacturer, model, firmware, serial } = stored.known;
  const ownPtz = seen?.ptz === undefined ? undefined : 'onvif';
  return {
    id: stored.id,
    name: stored.name || name || model || host,
    manufacturer,
    model,
    firmware,
    serial,
    host,
    state: status.state,
    reason: status.reason,
    streams: (seen?.streams ?? []).map(({ kind, video }) => ({ kind, ...video })),
    ptz: extra.hasSerialPtz ? 'serial' : ownPtz,
    lastSeenAt: status.lastSeenAt,
    hasLogin: extra.hasLogin,
    alarms: extra.alarms,
  };
}
