import { drivers } from '../../drivers/index.js';
import { DriverError, type StreamClient } from '../../drivers/port.js';
import type { Cameras } from '../cameras/ports.js';
import type { CameraRegistry } from '../cameras/registry.js';
import { LiveDesk } from '../cloud/handlers/live.js';
import type { WatchProof } from '../cloud/handlers/shown-sessions.js';
import { newId } from '../contract/text.js';
import type { Ledger } from '../ledger/ledger.js';
import type { LiveCameras, MayHear, MayWatch } from '../live/ports.js';
import { LiveService } from '../live/service.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { ClosedSession } from '../permissions/ports.js';
import type { Permissions } from '../permissions/service.js';
import type { Ticket } from '../permissions/ticket.js';
import type { Base } from './base.js';
import { BookedMedia } from './booked.js';

/** Live view and the desk that speaks for it. */
export interface LiveSide {
  readonly live: LiveService;
  readonly liveDesk: LiveDesk;
}

/** What live view is joined to. */
export interface LiveNeeds {
  readonly cameras: CameraRegistry;
  readonly permissions: Permissions;
  readonly operationLog: OperationLogService;
  readonly ledger: Ledger;
  /** Recordings that are being watched: they count among the sessions. */
  readonly others: () => number;
}

/** Live view over the cameras, asked of the permissions for every session and told of in the operation log. */
export async function openLive(
  { site, clock, log }: Base,
  { cameras, permissions, operationLog, ledger, others }: LiveNeeds,
): Promise<LiveSide> {
  const watched = watchedStreams(await drivers.streams({ clock, log: log.area('rtsp') }), (uri) => cameras.streamFailed(uri));
  const streams = await drivers.converting({ clock, log: log.area('ffmpeg') }, watched);
  const live: LiveService = new LiveService({
    clock,
    log: log.area('live'),
    streams,
    transcoding: () => streams.room(),
    peers: await drivers.viewers({ clock, log: log.area('webrtc') }),
    cameras: liveCameras(cameras),
    mayWatch: watchVerdict(permissions),
    mayHear: hearVerdict(permissions),
    onEvent: (event) => {
      if (event.kind === 'ended') media.ended(event.receipt);
      liveDesk.onEvent(event);
    },
    newSessionId: newId,
    others,
    iceServers: () => iceServersNow(permissions, site.live?.iceServers ?? []),
    bindAddress: site.live?.bindAddress,
    limits: site.live?.maxSessions === undefined ? undefined : { maxSessions: site.live.maxSessions },
  });
  const media = new BookedMedia(ledger, () => live.sessions());
  const organisationName = (grantId: string): string | null => permissions.findGrant(grantId)?.org.name ?? null;
  const onPermissionsChange = (listener: () => void): (() => void) => permissions.onChange(listener);
  const liveDesk: LiveDesk = new LiveDesk({ live, cameras, operationLog, organisationName, onPermissionsChange, clock, log });
  return { live, liveDesk };
}

/**
 * Servers outside that help pictures over the site's border: none while an installer holds the recorder (pictures stay on the site's network), and
 * none that belong to an operator to whom the owner has not agreed.
 */
export function iceServersNow(permissions: Pick<Permissions, 'owner' | 'isOperatorAgreed'>, servers: readonly string[]): readonly string[] {
  return permissions.owner?.consent.role === 'owner' && permissions.isOperatorAgreed() ? servers : [];
}

/**
 * Ends every picture that runs under a ticket for which this is true, at once; tells which. `stills`: tickets of pictures that were shown a moment
 * ago; there is nothing to end, but they are asked about, because looking at stills is counted too.
 */
export function endWatching(
  live: LiveService,
  isOver: (ticket: Ticket) => boolean,
  stills: readonly Ticket[] = [],
): readonly ClosedSession[] {
  for (const ticket of stills) isOver(ticket);
  return live
    .endMatching((session) => isOver((session.ticket.proof as WatchProof).ticket), 'withdrawn')
    .map(({ sessionId, channelId, lastMediaMs }) => ({ session: sessionId, cam: channelId, lastMediaMs }));
}

/** A camera that answers may still have lost its stream: a pull that fails is the first to know, and the camera is looked at again at once. */
export function watchedStreams(client: StreamClient, failed: (uri: string) => void): StreamClient {
  return {
    // A camera without sound, or one that does not give it, is no worse a camera.
    ...client,
    open: async (request) => {
      try {
        return await client.open({
          ...request,
          onEnd: (reason) => {
            failed(request.uri);
            request.onEnd(reason);
          },
        });
      } catch (error) {
        // Given up by whoever asked, or not converted: that says nothing of the camera.
        const isOurs = request.signal.aborted || (error instanceof DriverError && error.code.startsWith('ffmpeg.'));
        if (!isOurs) failed(request.uri);
        throw error;
      }
    },
  };
}

/** Cameras as live view needs them, resolved anew for every session. */
export function liveCameras(cameras: Cameras & Pick<CameraRegistry, 'loginInUse' | 'streamSource'>): LiveCameras {
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
        source: (kind) => cameras.streamSource(channelId, kind),
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

/** Sound under the same ticket: judged as if it had asked for `listen`, and only of cameras that the permission names. */
export function hearVerdict(permissions: Pick<Permissions, 'judge'>): MayHear {
  return ({ channelId, proof }) => {
    const { ticket } = proof as WatchProof;
    if (ticket.kind !== 'owner' && ticket.kind !== 'employee') return false;
    const verdict = permissions.judge({ ...ticket, scope: 'listen' });
    return verdict.ok && (verdict.channels === undefined || verdict.channels.includes(channelId));
  };
}
