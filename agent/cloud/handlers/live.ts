import type { Cameras } from '../../cameras/ports.js';
import type { LiveAnswer, LiveEnded } from '../../contract/views.js';
import { AgentError } from '../../kernel/errors.js';
import type { LiveEvent, LiveSessionInfo, WatchTicket } from '../../live/ports.js';
import type { LiveService } from '../../live/service.js';
import type { EntryInput } from '../../operation-log/entry.js';
import { actorOf } from '../actor.js';
import type { Call, Handlers } from '../call.js';
import { MotionWatch } from './motion-watch.js';
import { ptzHandlers } from './ptz.js';
import { ShownSessions, type ShownSessionsParts, sdpHasOnly, type WatchingNow, type WatchProof } from './shown-sessions.js';

/** What live view and movement need. */
export interface LiveHandlerParts extends ShownSessionsParts {
  readonly live: LiveService;
  readonly cameras: Pick<Cameras, 'ptz'>;
  /** Called after every change of a permission. Returns the way to stop. */
  readonly onPermissionsChange: (listener: () => void) => () => void;
}

/** Live view and movement. */
export class LiveDesk {
  readonly #parts: LiveHandlerParts;
  readonly #shown: ShownSessions<LiveSessionInfo>;
  readonly #motions: MotionWatch;

  constructor(parts: LiveHandlerParts) {
    this.#parts = parts;
    this.#shown = new ShownSessions(parts, watchEntry);
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
    return this.#shown.watching(this.#parts.live.sessions());
  }

  /** Live view tells of its sessions here. */
  onEvent(event: LiveEvent): void {
    if (event.kind === 'opened') this.#shown.begin(event.session);
    if (event.kind === 'ended') this.#onEnd(event);
  }

  #onEnd({ session, receipt, code, say, fix, durationMs }: Extract<LiveEvent, { kind: 'ended' }>): void {
    const { sessionId, channelId: cam } = session;
    const { lastMediaMs, bytes } = receipt;
    const lasted = { durationMs: Math.round(durationMs), bytes };
    const body: LiveEnded = { session: sessionId, cam, code, say, fix, at: this.#parts.clock.now(), lastMediaMs, ...lasted };
    this.#shown.end(session, { result: 'ok', code, durationMs, bytes }, (call) => call.emit('live.ended', body));
  }

  /** Resolves when the ends so far stand in the log and are told to their viewers, or could not be told. */
  settled(): Promise<void> {
    return this.#shown.settled();
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
    const watermark = this.#shown.watermark(call);
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
