import type { PlaybackAnswer, PlaybackEnded, PlayerState } from '../../contract/footage.js';
import { AgentError } from '../../kernel/errors.js';
import type { EntryInput } from '../../operation-log/entry.js';
import type { Verdict } from '../../permissions/policy.js';
import type { Ticket } from '../../permissions/ticket.js';
import type { PlaybackEvent, PlaybackInfo, PlaybackTicket } from '../../playback/ports.js';
import type { PlaybackOpened, PlaybackService } from '../../playback/service.js';
import { actorOf } from '../actor.js';
import type { Call, Handlers } from '../call.js';
import { ShownSessions, type ShownSessionsParts, sdpHasOnly, type WatchingNow, type WatchProof } from './shown-sessions.js';

/** What playback needs here. */
export interface PlaybackDeskParts extends ShownSessionsParts {
  readonly playback: PlaybackService;
  readonly judge: (ticket: Ticket) => Verdict;
}

type Names = 'playback.timeline' | 'playback.open' | 'playback.control' | 'playback.close' | 'playback.export';

/** Recordings. */
export class PlaybackDesk {
  readonly #parts: PlaybackDeskParts;
  readonly #shown: ShownSessions<PlaybackInfo>;

  constructor(parts: PlaybackDeskParts) {
    this.#parts = parts;
    this.#shown = new ShownSessions(parts, entryOf);
  }

  handlers(): Pick<Handlers, Names> {
    const { playback, judge } = this.#parts;
    return {
      'playback.timeline': async (args, call) => {
        const verdict = judge(call.ticket);
        if (!verdict.ok) throw new AgentError(verdict);
        const timeline = await playback.timeline(args, verdict, call.ended);
        // Looking took a moment: what was withdrawn meanwhile is not told.
        call.recheck();
        return timeline;
      },
      'playback.open': async (args, call) => {
        requireOwnOffer(args.sdp, args.fp);
        return this.#answer(args.cam, call, await playback.open(args, ticketOf(args.cam, call)));
      },
      'playback.export': async (args, call) => {
        requireOwnOffer(args.sdp, args.fp);
        return this.#answer(args.cam, call, await playback.export(args, ticketOf(args.cam, call)));
      },
      'playback.control': async (args, call): Promise<PlayerState> => {
        call.note.sessionId = args.session;
        return playback.control(args, call.ticket.kid);
      },
      'playback.close': async (args, call) => {
        const mine = playback.sessions().find((session) => session.sessionId === args.session && session.viewerId === call.ticket.kid);
        call.note.sessionId = args.session;
        if (mine !== undefined) playback.end(args.session, 'closed_by_viewer');
        return { isDone: true };
      },
    };
  }

  watching(): readonly WatchingNow[] {
    return this.#shown.watching(this.#parts.playback.sessions());
  }

  /** Playback tells of its sessions here: one act in the log each, with the footage that was shown. */
  onEvent(event: PlaybackEvent): void {
    if (event.kind === 'opened') this.#shown.begin(event.session);
    else this.#onEnd(event);
  }

  /** Resolves when the ends so far stand in the log and are told to their viewers, or could not be told. */
  settled(): Promise<void> {
    return this.#shown.settled();
  }

  #onEnd({ session, code, say, fix, durationMs, lastMediaMs }: Extract<PlaybackEvent, { kind: 'ended' }>): void {
    const { sessionId, channelId: cam, bytes, shown } = session;
    const span = { from: shown === undefined ? null : Math.round(shown.fromMs), to: shown === undefined ? null : Math.round(shown.toMs) };
    const at = this.#parts.clock.now();
    const body: PlaybackEnded = { session: sessionId, cam, code, say, fix, at, lastMediaMs, durationMs, bytes, ...span };
    this.#shown.end(session, { result: 'ok', code, durationMs, bytes, after: span }, (call) => call.emit('playback.ended', body));
  }

  #answer(cam: string, call: Call, opened: PlaybackOpened): PlaybackAnswer {
    const { sessionId, answerSdp, fingerprint, untilAt, from, to } = opened;
    call.note.sessionId = sessionId;
    const watermark = this.#shown.watermark(call);
    return { session: sessionId, cam, sdp: answerSdp, fp: fingerprint, until: untilAt, watermark, from, to };
  }
}

function ticketOf(cam: string, call: Call): PlaybackTicket {
  const proof: WatchProof = { ticket: call.ticket, call };
  return { channelId: cam, viewerId: call.ticket.kid, proof };
}

function requireOwnOffer(sdp: string, fp: string): void {
  if (sdpHasOnly(sdp, fp)) return;
  const say = 'The offer names another certificate than the signed one.';
  throw new AgentError({ code: 'playback.bad_offer', say, fix: 'Open the recordings again.' });
}

/** Who sees whose recordings under which permission. */
function entryOf(session: PlaybackInfo): Omit<EntryInput, 'phase'> {
  const { ticket, call } = session.ticket.proof as WatchProof;
  return {
    action: session.kind === 'export' ? 'playback.copy' : 'playback.watch',
    ...call.from,
    ...actorOf(ticket),
    channel: session.channelId,
    scope: 'playback',
    sessionId: session.sessionId,
    commandHash: call.commandHash,
  };
}
