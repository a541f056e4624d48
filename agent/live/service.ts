import { AgentError } from '../kernel/errors.js';
import type { Service } from '../kernel/service.js';
import { type AdmissionVerdict, admit, LIVE_LIMITS } from './admission.js';
import type {
  EndReason,
  EndReceipt,
  LiveCamera,
  LiveLimits,
  LiveOpened,
  LiveOpenRequest,
  LiveParts,
  LiveSessionInfo,
  StreamKind,
} from './ports.js';
import { END_WORDS } from './reasons.js';
import { remember } from './remember.js';
import { LiveSession } from './session.js';
import { SharedPulls } from './shared-pulls.js';

/** Live view: opens, holds and ends sessions. */
export class LiveService implements Service {
  readonly name = 'live';
  readonly #parts: LiveParts;
  readonly #limits: LiveLimits;
  readonly #sessions = new Map<string, LiveSession>();
  /** Ended sessions whose camera connection is still being torn down. */
  readonly #settling = new Set<Promise<void>>();
  readonly #lastOpenAt = new Map<string, number>();
  readonly #pulls: SharedPulls;
  #isStopping = false;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.#limits = { ...LIVE_LIMITS, ...parts.limits };
    this.#pulls = new SharedPulls(parts);
  }

  async start(): Promise<void> {
    // Nothing to prepare: a live view that nobody opens costs nothing, not even the native library.
  }

  /** Loads the native part now, so that the first viewer does not wait for it. Throws DriverError `viewer.failed`. */
  warm(): Promise<void> {
    return this.#parts.peers.warm();
  }

  /**
   * Admits, opens and answers; media follows by itself. Admission, registration and the arming of the gate are one tick. Throws
   * AgentError: `live.*`, or the authorizer's code and words.
   */
  async open(request: LiveOpenRequest): Promise<LiveOpened> {
    const { channelId, viewerId } = request.ticket;
    const stream = request.stream ?? 'main';
    const camera = this.#parts.cameras.resolve(channelId);
    const verdict = this.#admit(request, camera, stream);
    if (!verdict.ok) throw new AgentError(verdict);
    if (camera === undefined)
      throw new AgentError({ code: 'live.no_such_camera', say: 'There is no camera on this channel.', fix: 'Choose another.' });
    for (const sessionId of verdict.replaces) this.end(sessionId, 'taken_over');
    remember(this.#lastOpenAt, viewerId, this.#parts.clock.monotonicMs());
    const sessionId = this.#parts.newSessionId();
    const { untilAt, durationMs } = verdict;
    const { ticket, offerSdp } = request;
    const session = new LiveSession(
      { sessionId, ticket, camera, stream, offerSdp, untilAt, durationMs, limits: this.#limits, pulls: this.#pulls },
      this.#parts,
      (ended, settled) => this.#ended(ended, settled),
    );
    this.#sessions.set(sessionId, session);
    const peer = await session.open();
    return { sessionId, answerSdp: peer.answerSdp, fingerprint: peer.fingerprint, untilAt, stream };
  }

  /** Ends one session at once: when it returns, nothing leaves any more. Undefined when there is none of that id. */
  end(sessionId: string, reason: EndReason): EndReceipt | undefined {
    return this.#sessions.get(sessionId)?.end(reason);
  }

  /**
   * Ends every session that matches, those still opening included, in the tick of the call and without awaiting anything: for
   * withdrawal. All are shut before any camera is told.
   */
  endMatching(matches: (session: LiveSessionInfo) => boolean, reason: EndReason): readonly EndReceipt[] {
    const chosen = [...this.#sessions.values()].filter((session) => matches(session.info()));
    for (const session of chosen) session.gate.end(END_WORDS[reason].gate);
    return chosen.map((session) => session.end(reason));
  }

  /** Sessions that are open or opening. */
  sessions(): readonly LiveSessionInfo[] {
    return [...this.#sessions.values()].map((session) => session.info());
  }

  /** Ends all sessions and resolves when their camera connections are gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.endMatching(() => true, 'agent_stopping');
    await Promise.all(this.#settling);
  }

  #admit(request: LiveOpenRequest, camera: LiveCamera | undefined, stream: StreamKind): AdmissionVerdict {
    const { channelId, viewerId } = request.ticket;
    const lastOpenAt = this.#lastOpenAt.get(viewerId);
    return admit({
      now: this.#parts.clock.now(),
      isStopping: this.#isStopping,
      permission: this.#parts.mayWatch(request.ticket),
      channelId,
      viewerId,
      stream,
      requestedMs: request.maxDurationMs,
      camera: camera === undefined ? undefined : { state: camera.state, reason: camera.reason, codec: camera.codec(stream) },
      sessions: this.sessions(),
      sinceLastOpenMs: lastOpenAt === undefined ? undefined : this.#parts.clock.monotonicMs() - lastOpenAt,
      limits: this.#limits,
    });
  }

  #ended(session: LiveSession, settled: Promise<void>): void {
    const { sessionId, ticket } = session.plan;
    this.#sessions.delete(sessionId);
    const done = settled
      .catch((error: unknown) => this.#parts.log.warn('a camera connection did not end cleanly', { channel: ticket.channelId, error }))
      .finally(() => this.#settling.delete(done));
    this.#settling.add(done);
  }
}
