import type { Cameras } from '../../cameras/ports.js';
import type { LiveAnswer, LiveEnded, SiteInfo } from '../../contract/views.js';
import type { Clock } from '../../kernel/clock.js';
import { AgentError } from '../../kernel/errors.js';
import type { Log } from '../../kernel/log.js';
import type { LiveEvent, LiveSessionInfo, WatchTicket } from '../../live/ports.js';
import type { LiveService } from '../../live/service.js';
import type { EntryInput } from '../../operation-log/entry.js';
import type { Intent, OperationLog, Outcome } from '../../operation-log/ports.js';
import type { Ticket } from '../../permissions/ticket.js';
import { actorOf } from '../actor.js';
import type { Call, Handlers } from '../call.js';
import { MotionWatch } from './motion-watch.js';
import { ptzHandlers } from './ptz.js';

/** What live view and movement need. `organisationName` is null for a grant that is not held any more. */
export interface LiveHandlerParts {
  readonly live: LiveService;
  readonly cameras: Pick<Cameras, 'ptz'>;
  readonly operationLog: OperationLog;
  readonly organisationName: (grantId: string) => string | null;
  /** Called after every change of a permission. Returns the way to stop. */
  readonly onPermissionsChange: (listener: () => void) => () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** One running session as the owner sees it; `kid` is the watcher's key and stays inside. */
export type WatchingNow = SiteInfo['watching'][number] & { readonly kid: string };

/** How long the end of the agent may wait for a viewer to be told; a broker that is silent must not hold it up. */
const TOLD_WITHIN_MS = 1_000;

/** What live view carries through a session for the authorizer and for the end of it. */
export interface WatchProof {
  readonly ticket: Ticket;
  readonly call: Call;
}

/** Live view and movement. Sessions outlive the command that opened them: their end is told to the asker and written to the log here. */
export class LiveDesk {
  readonly #parts: LiveHandlerParts;
  readonly #ends = new Set<Promise<unknown>>();
  /** Per running session, the row that says it began. */
  readonly #begun = new Map<string, Promise<Intent | undefined>>();
  readonly #motions: MotionWatch;

  constructor(parts: LiveHandlerParts) {
    this.#parts = parts;
    const { clock, onPermissionsChange } = parts;
    this.#motions = new MotionWatch({ ptz: (cam) => parts.cameras.ptz(cam), onPermissionsChange, clock, log: parts.log });
  }

  handlers(): Pick<Handlers, 'live.open' | 'live.close' | 'live.stream'> & ReturnType<typeof ptzHandlers> {
    return {
      'live.open': (args, call) => this.#open(args, call),
      'live.stream': async (args, call) => {
        call.note.sessionId = args.session;
        // Somebody else's session is none to this asker.
        const sessionId = this.#isOf(call, args.session) ? args.session : '';
        return { stream: await this.#parts.live.choose(sessionId, args.stream) };
      },
      'live.close': async (args, call) => {
        call.note.sessionId = args.session;
        if (this.#isOf(call, args.session)) this.#parts.live.end(args.session, 'closed_by_viewer');
        return { isDone: true };
      },
      ...ptzHandlers({ cameras: this.#parts.cameras, motions: this.#motions, clock: this.#parts.clock }),
    };
  }

  #isOf(call: Call, sessionId: string): boolean {
    return this.#parts.live.sessions().some((session) => session.sessionId === sessionId && session.viewerId === call.ticket.kid);
  }

  watching(): readonly WatchingNow[] {
    return this.#parts.live.sessions().map((session) => {
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

  /**
   * Live view tells of its sessions here. Watching is one act in the log, from intent to result: what a power cut interrupts is then told
   * by the next run.
   */
  onEvent(event: LiveEvent): void {
    if (event.kind === 'opened') this.#begun.set(event.session.sessionId, this.#writeBegin(event.session));
    if (event.kind === 'ended') this.#onEnd(event);
  }

  #onEnd(event: Extract<LiveEvent, { kind: 'ended' }>): void {
    const { session, receipt } = event;
    const { call } = session.ticket.proof as WatchProof;
    const body: LiveEnded = {
      session: session.sessionId,
      cam: session.channelId,
      code: event.code,
      say: event.say,
      fix: event.fix,
      at: this.#parts.clock.now(),
      lastMediaMs: receipt.lastMediaMs,
      durationMs: Math.round(event.durationMs),
      bytes: receipt.bytes,
    };
    this.#keep(this.#atMost(TOLD_WITHIN_MS, call.emit('live.ended', body)));
    this.#keep(
      this.#writeEnd(session, { result: 'ok', code: event.code, durationMs: event.durationMs, bytes: receipt.bytes }).catch(
        (error: unknown) => this.#parts.log.error('the end of a session could not be written to the operation log', { error }),
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
  #writeBegin(session: LiveSessionInfo): Promise<Intent | undefined> {
    const { ticket } = session.ticket.proof as WatchProof;
    return this.#parts.operationLog.intent(watchEntry(session), ticket.person).catch((error: unknown) => {
      this.#parts.log.error('the begin of a session could not be written to the operation log', { error });
      return undefined;
    });
  }

  async #writeEnd(session: LiveSessionInfo, outcome: Outcome): Promise<void> {
    const { ticket } = session.ticket.proof as WatchProof;
    const intent = await this.#begun.get(session.sessionId);
    this.#begun.delete(session.sessionId);
    if (intent !== undefined) await this.#parts.operationLog.result(intent, outcome);
    else await this.#parts.operationLog.append({ ...watchEntry(session), ...outcome, phase: 'result' }, ticket.person);
  }

  /** Resolves when the ends so far stand in the log and are told to their viewers, or could not be told. */
  async settled(): Promise<void> {
    await Promise.all(this.#ends);
  }

  async #open(args: Parameters<Handlers['live.open']>[0], call: Call): Promise<LiveAnswer> {
    if (!sdpHasOnly(args.sdp, args.fp)) {
      throw new AgentError({
        code: 'live.bad_offer',
        say: 'The offer names another certificate than the signed one.',
        fix: 'Open the picture again.',
      });
    }
    const proof: WatchProof = { ticket: call.ticket, call };
    const ticket: WatchTicket = { channelId: args.cam, viewerId: call.ticket.kid, proof };
    const wish = { stream: args.stream, sound: args.sound, maxDurationMs: args.maxS * 1000 };
    const opened = await this.#parts.live.open({ ticket, offerSdp: args.sdp, ...wish });
    call.note.sessionId = opened.sessionId;
    const organisation = call.ticket.kind === 'employee' ? this.#parts.organisationName(call.ticket.grantId) : null;
    const who = call.ticket.person?.name ?? '';
    const watermark = organisation === null ? who : `${who} · ${organisation}`;
    const { sessionId: session, answerSdp: sdp, fingerprint: fp, untilAt: until, stream, hasSound: sound } = opened;
    return { session, cam: args.cam, sdp, fp, until, stream, sound, watermark };
  }
}

/** Who watches which camera under which permission. */
function watchEntry(session: LiveSessionInfo): Omit<EntryInput, 'phase'> {
  const { ticket, call } = session.ticket.proof as WatchProof;
  return {
    action: 'live.watch',
    ...call.from,
    ...actorOf(ticket),
    channel: session.channelId,
    scope: 'live-view',
    // Listening is more than watching: the log says so.
    ...(session.hasSound ? { after: { sound: true } } : {}),
    sessionId: session.sessionId,
    commandHash: call.commandHash,
  };
}

/** Exactly the signed fingerprint, wherever the SDP states one. */
export function sdpHasOnly(sdp: string, fingerprint: string): boolean {
  const stated = [...sdp.matchAll(/^a=fingerprint:(.+?)\r?$/gim)].map((match) => (match[1] ?? '').trim().toLowerCase());
  return stated.length > 0 && stated.every((one) => one === fingerprint.toLowerCase());
}
