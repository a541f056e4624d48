import { createHash } from 'node:crypto';
import { drivers } from '../../drivers/index.js';
import type { CameraRegistry } from '../cameras/registry.js';
import { PlaybackDesk } from '../cloud/handlers/playback.js';
import type { WatchProof } from '../cloud/handlers/shown-sessions.js';
import type { ExportStatement } from '../contract/footage.js';
import { signStatement } from '../contract/jws.js';
import { newId } from '../contract/text.js';
import type { Ledger } from '../ledger/ledger.js';
import { LIVE_LIMITS } from '../live/admission.js';
import { MediaGate } from '../live/gate.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { ClosedSession } from '../permissions/ports.js';
import type { Permissions } from '../permissions/service.js';
import type { Ticket } from '../permissions/ticket.js';
import type { ExportFacts, PlaybackTicket } from '../playback/ports.js';
import { PlaybackService } from '../playback/service.js';
import type { Base } from './base.js';
import { BookedMedia } from './booked.js';
import { iceServersNow } from './live.js';
import { openRecordings } from './recordings.js';

/** Playback and the desk that speaks for it. */
export interface PlaybackSide {
  readonly playback: PlaybackService;
  readonly playbackDesk: PlaybackDesk;
}

/** What playback is joined to. */
export interface PlaybackNeeds {
  readonly cameras: CameraRegistry;
  readonly permissions: Permissions;
  readonly operationLog: OperationLogService;
  readonly ledger: Ledger;
  /** Live views that are open. */
  readonly liveSessions: () => number;
}

/** Recordings over the same egress gate, authorizer and book as live view. */
export async function openPlayback(base: Base, needs: PlaybackNeeds): Promise<PlaybackSide> {
  const { site, clock, log } = base;
  const { permissions, operationLog, ledger, liveSessions } = needs;
  const judge = (ticket: Ticket) => permissions.judge(ticket);
  const playback: PlaybackService = new PlaybackService({
    clock,
    log: log.area('playback'),
    recordings: await openRecordings(base, needs.cameras),
    peers: await drivers.viewers({ clock, log: log.area('webrtc') }),
    openGate: (wish) => new MediaGate(wish),
    mayPlay: (ticket) => judge((ticket.proof as WatchProof).ticket),
    onEvent: (event) => {
      if (event.kind === 'ended') media.ended(event.session);
      playbackDesk.onEvent(event);
    },
    newSessionId: newId,
    newHash: () => {
      const hash = createHash('sha256');
      return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') };
    },
    signExport: (facts, ticket) => signExport(base, facts, ticket),
    liveSessions,
    limits: { ...LIVE_LIMITS, maxSessions: site.live?.maxSessions ?? LIVE_LIMITS.maxSessions },
    iceServers: () => iceServersNow(permissions, site.live?.iceServers ?? []),
    bindAddress: site.live?.bindAddress,
  });
  const media = new BookedMedia(ledger, () => playback.sessions());
  const organisationName = (grantId: string): string | null => permissions.findGrant(grantId)?.org.name ?? null;
  const playbackDesk: PlaybackDesk = new PlaybackDesk({ playback, judge, operationLog, organisationName, clock, log });
  return { playback, playbackDesk };
}

/** What the recorder says of a file it handed out: made from its recordings, unchanged, for this command. */
function signExport({ serial, clock, signer }: Base, facts: ExportFacts, ticket: PlaybackTicket): Promise<string> {
  const { call } = ticket.proof as WatchProof;
  const gaps = facts.gaps.map(([from, to]): [number, number] => [from, to]);
  const statement: ExportStatement = { v: 1, dev: serial, ...facts, gaps, cmd: call.commandHash, at: clock.now() };
  return signStatement('export+jws', statement, signer);
}

/** Ends every playback that runs under a ticket for which this is true, at once; tells which. */
export function endPlaying(playback: PlaybackService, isOver: (ticket: Ticket) => boolean): readonly ClosedSession[] {
  return playback
    .endMatching((session) => isOver((session.ticket.proof as WatchProof).ticket), 'withdrawn')
    .map(({ sessionId, channelId }) => ({ session: sessionId, cam: channelId, lastMediaMs: 0 }));
}
