import type { Cameras, CameraView } from '../../cameras/ports.js';
import type { CameraInfo, SiteInfo } from '../../contract/views.js';
import type { Clock } from '../../kernel/clock.js';
import type { Handlers } from '../call.js';
import type { WatchingNow } from './shown-sessions.js';

/** What the overview is made of. `startedAt` is the instant this process began, ms since 1970. */
export interface SiteParts {
  readonly cameras: Cameras;
  readonly watching: () => readonly WatchingNow[];
  readonly plate: { readonly serial: string; readonly model: string };
  readonly recorderName: () => string;
  readonly version: string;
  readonly startedAt: number;
  readonly clock: Clock;
}

/** What the recorder is, which cameras it has, and who watches right now. */
export function siteHandlers(parts: SiteParts): Pick<Handlers, 'site.get'> {
  return {
    'site.get': async (_args, call): Promise<SiteInfo> => {
      const verdictChannels = call.channels();
      const isVisible = (id: string): boolean => verdictChannels === undefined || verdictChannels.includes(id);
      return {
        serial: parts.plate.serial,
        recorderName: parts.recorderName(),
        model: parts.plate.model,
        version: parts.version,
        now: parts.clock.now(),
        startedAt: parts.startedAt,
        cameras: parts.cameras
          .list()
          .filter((view) => isVisible(view.id))
          .map(toCameraInfo),
        watching: parts
          .watching()
          .filter((session) => isVisible(session.cam) && (call.ticket.kind === 'owner' || session.kid === call.ticket.kid))
          .map(({ kid: _kid, ...session }) => session),
      };
    },
  };
}

/** A camera for the wire. */
export function toCameraInfo(view: CameraView): CameraInfo {
  return {
    id: view.id,
    name: view.name,
    manufacturer: view.manufacturer,
    model: view.model,
    firmware: view.firmware,
    serial: view.serial,
    state: view.state,
    reason: view.reason === undefined ? null : { code: view.reason.code, say: view.reason.say, fix: view.reason.fix },
    streams: view.streams.map(({ kind, codec, width, height, frameRate, bitrateKbps }) => ({
      kind,
      codec,
      width,
      height,
      frameRate,
      bitrateKbps,
    })),
    ptz: view.ptz ?? null,
    lastSeenAt: view.lastSeenAt ?? null,
    hasLogin: view.hasLogin,
    alarms: [...view.alarms],
  };
}
