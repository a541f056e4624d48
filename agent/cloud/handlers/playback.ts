import type { PlaybackAnswer, PlaybackEnded, PlayerState } from '../../contract/footage.js';
import type { Clock } from '../../kernel/clock.js';
import { AgentError } from '../../kernel/errors.js';
import type { Log } from '../../kernel/log.js';
import type { EntryInput, JsonObject } from '../../operation-log/entry.js';
import type { Intent, OperationLog } from '../../operation-log/ports.js';
import type { Verdict } from '../../permissions/policy.js';
import type { Ticket } from '../../permissions/ticket.js';
import type { PlaybackEvent, PlaybackInfo, PlaybackTicket } from '../../playback/ports.js';
import type { PlaybackOpened, PlaybackService } from '../../playback/service.js';
import { actorOf } from '../actor.js';
import type { Call, Handlers } from '../call.js';
import { sdpHasOnly, type WatchingNow, type WatchProof } from './live.js';

/** What playback needs here. `organisationName` is null for a grant that is not held any more. */
export interface PlaybackDeskParts {
  readonly playback: PlaybackService;
  readonly judge: (ticket: Ticket) => Verdict;
  readonly operationLog: OperationLog;
  readonly organisationName: (grantId: string) => string | null;
  readonly clock: Clock;
  readonly log: Log;
}

type Names = 'playback.timeline' | 'playback.open' | 'playback.control' | 'playback.close' | 'playback.export';

/** How long the end of the agent may wait for a viewer to be told. */
const TOLD_WITHIN_MS = 1_000;

/** Recordings. Like live view, sessions outlive the command that opened them: their end is told to the asker and written to the log here. */
export class PlaybackDesk {
  readonly #parts: PlaybackDeskParts;
  readonly #ends = new Set<Promise<unknown>>();
  /** Per running session, the row that says it began. */
  readonly #begun = new Map<string, Promise<Intent | undefined>>();

  constructor(parts: PlaybackDeskParts) {
    this.#parts = parts;
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
    return this.#parts.playback.sessions().map((session) => {
      const { ticket } = session.ticket.proof as WatchProof;
      return {
        session: session.sessionId,
        cam: session.channelId,
        who: ticket.person?.name ?? '',
        organisation: ticket.kind === 'employee' ? this.#parts.organisationName(ticket.grantId) : null,
        since: session.openedAt,
        until: session.untilAt,
        kid: ticket.kid,
      };
    });
  }

  /** Playback tells of its sessions here: one act in the log each, from intent to result, with the footage that was shown. */
  onEvent(event: PlaybackEvent): void {
    const { session } = event;
    if (event.kind === 'opened') this.#begun.set(session.sessionId, this.#writeBegin(session));
    else this.#onEnd(event);
  }

  /** Resolves when the ends so far stand in the log and are told to their viewers, or could not be told. */
  async settled(): Promise<void> {
    await Promise.all(this.#ends);
  }

  #onEnd(event: Extract<PlaybackEvent, { kind: 'ended' }>): void {
    const { session, code, say, fix, durationMs, lastMediaMs } = event;
    const { sessionId, channelId, bytes, shown } = session;
    const { call } = session.ticket.proof as WatchProof;
    const span = { from: shown === undefined ? null : Math.round(shown.fromMs), to: shown === undefined ? null : Math.round(shown.toMs) };
    const at = this.#parts.clock.now();
    const body: PlaybackEnded = { session: sessionId, cam: channelId, code, say, fix, at, lastMediaMs, durationMs, bytes, ...span };
    this.#keep(this.#atMost(TOLD_WITHIN_MS, call.emit('playback.ended', body)));
    this.#keep(
      this.#writeEnd(session, { code, durationMs, bytes, after: span }).catch((error: unknown) =>
        this.#parts.log.error('the end of a playback could not be written to the operation log', { error }),
      ),
    );
  }

  #atMost(waitMs: number, told: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(waitMs, resolve, true);
      void told.finally(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #keep(end: Promise<void>): void {
    const kept = end.finally(() => this.#ends.delete(kept));
    this.#ends.add(kept);
  }

  /** Undefined when it could not be written; the end is then a row of its own. */
  #writeBegin(session: PlaybackInfo): Promise<Intent | undefined> {
    const { ticket } = session.ticket.proof as WatchProof;
    return this.#parts.operationLog.intent(entryOf(session), ticket.person).catch((error: unknown) => {
      this.#parts.log.error('the begin of a playback could not be written to the operation log', { error });
      return undefined;
    });
  }

  async #writeEnd(
    session: PlaybackInfo,
    told: { readonly code: string; readonly durationMs: number; readonly bytes: number; readonly after: JsonObject },
  ): Promise<void> {
    const { ticket } = session.ticket.proof as WatchProof;
    const outcome = { result: 'ok', ...told } as const;
    const intent = await this.#begun.get(session.sessionId);
    this.#begun.delete(session.sessionId);
    if (intent !== undefined) await this.#parts.operationLog.result(intent, outcome);
    else await this.#parts.operationLog.append({ ...entryOf(session), ...outcome, phase: 'result' }, ticket.person);
  }

  #answer(cam: string, call: Call, opened: PlaybackOpened): PlaybackAnswer {
    const { sessionId, answerSdp, fingerprint, untilAt, from, to } = opened;
    call.note.sessionId = sessionId;
    const organisation = call.ticket.kind === 'employee' ? this.#parts.organisationName(call.ticket.grantId) : null;
    const who = call.ticket.person?.name ?? '';
    const watermark = organisation === null ? who : `${who} · ${organisation}`;
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
