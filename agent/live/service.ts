import { AgentError } from '../kernel/errors.js';
import type { Service } from '../kernel/service.js';
import { type AdmissionVerdict, admit, LIVE_LIMITS } from './admission.js';
import { SharedSounds } from './audio.js';
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
  StreamWish,
} from './ports.js';
import { END_WORDS } from './reasons.js';
import { remember } from './remember.js';
import { LiveSession } from './session.js';
import { SharedPulls } from './shared-pulls.js';
import { chooseStream, offersCodec, type StreamChoice } from './stream-choice.js';

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
  readonly #sounds: SharedSounds;
  #isStopping = false;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.#limits = { ...LIVE_LIMITS, ...parts.limits };
    this.#pulls = new SharedPulls(parts);
    this.#sounds = new SharedSounds(parts);
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
    const camera = this.#parts.cameras.resolve(channelId);
    const wish = request.stream ?? 'main';
    const choice = chooseStream({
      wish,
      main: camera?.codec('main'),
      sub: camera?.codec('sub'),
      playsH265: offersCodec(request.offerSdp, 'H265'),
      transcoding: this.#parts.transcoding?.() ?? 'no',
    });
    const verdict = this.#admit(request, camera, choice);
    if (!verdict.ok) throw new AgentError(verdict);
    if (camera === undefined || !choice.ok)
      throw new AgentError({ code: 'live.no_such_camera', say: 'There is no camera on this channel.', fix: 'Choose another.' });
    remember(this.#lastOpenAt, viewerId, this.#parts.clock.monotonicMs());
    const sessionId = this.#parts.newSessionId();
    const { untilAt, durationMs } = verdict;
    const { ticket, offerSdp } = request;
    const { stream, codec } = choice;
    const shared = { limits: this.#limits, pulls: this.#pulls, sounds: this.#sounds };
    const withSound = request.sound === true && this.#parts.mayHear?.(ticket) === true;
    const session = new LiveSession(
      { ...shared, sessionId, ticket, camera, stream, wish, codec, withSound, offerSdp, untilAt, durationMs },
      this.#parts,
      (ended, settled) => this.#ended(ended, settled),
    );
    this.#sessions.set(sessionId, session);
    const opening = session.open();
    // In the same tick, but after the new session took its place: the camera's stream goes on for it instead of being opened again.
    for (const replaced of verdict.replaces) this.end(replaced, 'taken_over');
    const peer = await opening;
    const { answerSdp, fingerprint } = peer;
    return { sessionId, answerSdp, fingerprint, untilAt, stream, hasSound: peer.audio !== undefined };
  }

  /** The viewer of a session wants another stream. Resolves with what plays then. Throws AgentError (`live.no_such_session`, `live.*`). */
  async choose(sessionId: string, wish: StreamWish): Promise<StreamKind> {
    const session = this.#sessions.get(sessionId);
    if (session === undefined)
      throw new AgentError({ code: 'live.no_such_session', say: 'This live view is over.', fix: 'Open the camera again.' });
    return session.choose(wish);
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

  #admit(request: LiveOpenRequest, camera: LiveCamera | undefined, choice: StreamChoice): AdmissionVerdict {
    const { channelId, viewerId } = request.ticket;
    const lastOpenAt = this.#lastOpenAt.get(viewerId);
    return admit({
      now: this.#parts.clock.now(),
      isStopping: this.#isStopping,
      permission: this.#parts.mayWatch(request.ticket),
      channelId,
      viewerId,
      choice,
      requestedMs: request.maxDurationMs,
      camera: camera === undefined ? undefined : { state: camera.state, reason: camera.reason },
      sessions: this.sessions(),
      others: this.#parts.others?.(),
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
