import type { CameraRegistry } from '../cameras/registry.js';
import type { Service } from '../kernel/service.js';
import type { Ledger } from '../ledger/ledger.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { ClosedSession } from '../permissions/ports.js';
import type { Permissions } from '../permissions/service.js';
import type { Ticket } from '../permissions/ticket.js';
import type { Base } from './base.js';
import { endWatching, type LiveSide, openLive } from './live.js';
import { endPlaying, openPlayback, type PlaybackSide } from './playback.js';
import { SnapshotDesk } from './snapshot.js';

/** All that shows pictures: live, recorded, and stills. */
export interface Pictures extends LiveSide, PlaybackSide {
  readonly snapshots: SnapshotDesk;
  /** In the order of their start. Last to start is first to stop: viewers are told why while there is a way to tell them. */
  readonly services: readonly Service[];
  /** Ends every picture under a ticket for which this is true, at once; tells which. */
  endPictures(isOver: (ticket: Ticket) => boolean): readonly ClosedSession[];
}

/** What pictures are joined to. */
export interface PictureNeeds {
  readonly cameras: CameraRegistry;
  readonly permissions: Permissions;
  readonly operationLog: OperationLogService;
  readonly ledger: Ledger;
}

/** Live view and playback share one number of sessions. */
export async function openPictures(base: Base, needs: PictureNeeds): Promise<Pictures> {
  const { cameras, permissions } = needs;
  const others = (): number => playback.sessions().length;
  const { live, liveDesk } = await openLive(base, { ...needs, others });
  const { playback, playbackDesk } = await openPlayback(base, { ...needs, liveSessions: () => live.sessions().length });
  const organisationName = (grant: string): string | null => permissions.findGrant(grant)?.org.name ?? null;
  const snapshots = new SnapshotDesk({ cameras, organisationName, clock: base.clock });
  return {
    ...{ live, liveDesk, playback, playbackDesk, snapshots },
    services: [
      { name: 'live-ends', start: async () => undefined, stop: () => liveDesk.settled() },
      { name: 'playback-ends', start: async () => undefined, stop: () => playbackDesk.settled() },
      live,
      playback,
    ],
    endPictures: (isOver) => [...endWatching(live, isOver, snapshots.recent()), ...endPlaying(playback, isOver)],
  };
}
