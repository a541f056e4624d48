import type { Login } from '../../drivers/port.js';
import type { Cameras } from '../cameras/ports.js';
import type { WatchProof } from '../cloud/handlers/live.js';
import type { LiveCameras, MayWatch } from '../live/ports.js';
import type { Permissions } from '../permissions/service.js';

/** Cameras as live view needs them, resolved anew for every session. */
export function liveCameras(cameras: Cameras & { loginInUse(id: string): Login | undefined }): LiveCameras {
  return {
    resolve: (channelId) => {
      const view = cameras.find(channelId);
      if (view === undefined) return undefined;
      return {
        channelId,
        state: view.state === 'online' ? 'up' : 'down',
        reason: view.reason === undefined ? 'The camera has not answered yet.' : `${view.reason.say} ${view.reason.fix}`,
        deviceHost: view.host,
        login: cameras.loginInUse(channelId),
        codec: (kind) => {
          const codec = view.streams.find((stream) => stream.kind === kind)?.codec;
          return codec === 'H264' || codec === 'H265' ? codec : undefined;
        },
        streamUri: async (kind, signal) => (await cameras.resolveStream(channelId, kind, signal)).uri,
        synchronize: (kind, signal) => cameras.synchronize(channelId, kind, signal),
      };
    },
  };
}

/** The authorizer as live view asks it: the ticket that opened the session, judged again, now. */
export function watchVerdict(permissions: Permissions): MayWatch {
  return (ticket) => permissions.judge((ticket.proof as WatchProof).ticket);
}
