import { randomInt } from 'node:crypto';
import type { VideoTrack, ViewerPeer } from '../../drivers/port.js';
import type { Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { AudioLane, type SharedSounds } from './audio.js';
import { liveError } from './failures.js';
import { MediaGate } from './gate.js';
import type {
  EndReason,
  EndReceipt,
  LiveCamera,
  LiveLimits,
  LiveParts,
  LiveSessionInfo,
  StreamKind,
  StreamWish,
  WatchTicket,
} from './ports.js';
import { END_WORDS } from './reasons.js';
import type { PullViewer } from './shared-pull.js';
import type { Seat, SharedPulls } from './shared-pulls.js';
import type { Codec } from './stream-choice.js';
import { type DirectorParts, StreamDirector } from './stream-director.js';

/** What admission decided; fixed for the session's life. */
export interface SessionPlan {
  readonly sessionId: string;
  readonly ticket: WatchTicket;
  readonly camera: LiveCamera;
  /** What it begins with, and what the viewer wished. */
  readonly stream: StreamKind;
  readonly wish: StreamWish;
  /** What goes to the viewer, whichever stream plays. */
  readonly codec: Codec;
  readonly offerSdp: string;
  readonly untilAt: number;
  readonly durationMs: number;
  readonly limits: LiveLimits;
  /** The streams of the cameras, shared with other viewers. */
  readonly pulls: SharedPulls;
  readonly sounds: SharedSounds;
  /** Sound was wanted and is permitted. */
  readonly withSound: boolean;
}

/** Other words for an end than the reason's own, when somebody knows better (the authorizer, the camera driver). */
export interface EndWords {
  readonly say: string;
  readonly fix: string;
}

/** One viewer of one stream: place at the camera's pull, gate and viewer transport, from admission to its one end. */
export class LiveSession {
  readonly plan: SessionPlan;
  readonly gate: MediaGate;
  readonly #parts: LiveParts;
  readonly #onEnded: (session: LiveSession, settled: Promise<void>) => void;
  readonly #startedAt: number;
  readonly #openedAt: number;
  readonly #timers: Timer[] = [];
  readonly #director: StreamDirector;
  #peer: ViewerPeer | undefined;
  #seat: Seat | undefined;
  /** Ends the sound. */
  #hush: (() => Promise<void>) | undefined;
  #isDescribed = false;
  #isConnected = false;
  #isAttached = false;
  #isAnnounced = false;
  #refusal: EndWords | undefined;
  #failure: AgentError | undefined;
  #receipt: EndReceipt | undefined;
  #endedWith: (EndWords & { readonly reason: EndReason }) | undefined;

  constructor(plan: SessionPlan, parts: LiveParts, onEnded: (session: LiveSession, settled: Promise<void>) => void) {
    this.plan = plan;
    this.#parts = parts;
    this.#onEnded = onEnded;
    this.#startedAt = parts.clock.monotonicMs();
    this.#openedAt = parts.clock.now();
    this.gate = new MediaGate({
      clock: parts.clock,
      mayWatch: () => this.#mayWatch(),
      deadlineAt: this.#startedAt + plan.durationMs,
      onRefused: (why) => this.end(why, why === 'withdrawn' ? this.#refusal : undefined),
      onFirstPicture: () => this.#playing(),
      codec: plan.codec,
      firstSequence: randomInt(0x1_0000),
      firstTimestamp: randomInt(0x1_0000_0000),
    });
    this.#director = new StreamDirector(this.#directorParts(), plan.stream, plan.wish);
  }

  /**
   * Arms the gate in the tick of the call, then starts the camera's stream and the viewer's transport side by side. Resolves with
   * the transport's answer. Throws AgentError; the session is ended then.
   */
  async open(): Promise<ViewerPeer> {
    if (!this.gate.arm()) throw this.#endError();
    this.#timers.push(this.#parts.clock.after(this.plan.durationMs, () => this.end('expired'), true));
    this.#seat = this.#takeSeat();
    try {
      this.#peer = await this.#answer();
    } catch (error) {
      if (this.#receipt === undefined) this.#failure = liveError(error);
      this.end('viewer_unreachable');
    }
    // The camera may have failed, or the permission may have gone, while the answer was made.
    if (!this.#mayWatch()) this.end('withdrawn', this.#refusal);
    if (this.#receipt !== undefined || this.#peer === undefined) {
      this.#peer?.close();
      throw this.#failure ?? this.#endError();
    }
    this.#announce();
    this.#attach();
    // Attaching asks the authorizer once more, and its no ends the session.
    if (this.#endedWith !== undefined) throw this.#endError();
    return this.#peer;
  }

  /** The viewer wants another stream of the camera. Resolves with what plays then; throws AgentError when it stays as it was. */
  choose(wish: StreamWish): Promise<StreamKind> {
    return this.#director.choose(wish);
  }

  info(): LiveSessionInfo {
    const { sessionId, ticket, untilAt } = this.plan;
    const { packets, bytes } = this.gate;
    const { stream } = this.#director;
    return {
      sessionId,
      ticket,
      channelId: ticket.channelId,
      viewerId: ticket.viewerId,
      stream,
      hasSound: this.#peer?.audio !== undefined,
      openedAt: this.#openedAt,
      untilAt,
      packets,
      bytes,
    };
  }

  /**
   * Ends the session; the first reason counts. The order is the promise: gate (nothing leaves from here on), viewer transport,
   * camera, word to the viewer.
   */
  end(reason: EndReason, words?: EndWords): EndReceipt {
    if (this.#receipt !== undefined) return this.#receipt;
    const decidedAt = this.#parts.clock.monotonicMs();
    this.gate.end(END_WORDS[reason].gate);
    const { sessionId, channelId, viewerId, packets, bytes } = this.info();
    this.#receipt = { sessionId, channelId, viewerId, packets, bytes, lastMediaMs: Math.max(0, this.gate.lastSentAt - decidedAt) };
    this.#endedWith = { reason, say: words?.say ?? END_WORDS[reason].say, fix: words?.fix ?? END_WORDS[reason].fix };
    for (const timer of this.#timers) timer.cancel();
    try {
      this.#peer?.close();
    } catch (error) {
      this.#parts.log.error('the connection to a viewer did not end cleanly', { error });
    } finally {
      // Whatever became of the viewer's side: the camera is let go of.
      const left = Promise.all([this.#seat?.leave(), this.#director.stop(), this.#hush?.()]);
      this.#onEnded(
        this,
        left.then(() => undefined),
      );
    }
    if (this.#isAnnounced) this.#announceEnd(this.#receipt, decidedAt);
    return this.#receipt;
  }

  #announceEnd(receipt: EndReceipt, decidedAt: number): void {
    const ended = this.#endedWith;
    if (ended === undefined) return;
    const durationMs = Math.round(decidedAt - this.#startedAt);
    this.#parts.onEvent({ kind: 'ended', session: this.info(), code: `live.${ended.reason}`, ...ended, durationMs, receipt });
  }

  #announce(): void {
    this.#isAnnounced = true;
    this.#parts.onEvent({ kind: 'opened', session: this.info() });
    if (this.#isConnected) return;
    const { connectDeadlineMs } = this.plan.limits;
    this.#timers.push(
      this.#parts.clock.after(connectDeadlineMs, () => {
        if (!this.#isConnected) this.end('viewer_unreachable');
      }),
    );
  }

  #answer(): Promise<ViewerPeer> {
    return this.#parts.peers.answer({
      offerSdp: this.plan.offerSdp,
      video: { codec: this.plan.codec, profileLevelId: this.#seat?.profileLevelId },
      mayHear: this.plan.withSound,
      iceServers: this.#parts.iceServers?.() ?? [],
      bindAddress: this.#parts.bindAddress,
      onConnected: () => {
        this.#isConnected = true;
        this.#attach();
      },
      onPictureLoss: () => this.#seat?.repairPicture(),
      onResend: (bytes) => this.gate.resend(bytes),
      onReport: (report) => this.#director.report(report),
      onClosed: () => this.end(this.#isConnected ? 'viewer_gone' : 'viewer_unreachable'),
    });
  }

  /**
   * Gives the gate its way out once the viewer is connected and the camera has described its stream: a picture flushed before
   * could lack the parameter sets of the description.
   */
  #attach(): void {
    const peer = this.#peer;
    if (this.#receipt !== undefined || peer === undefined || !this.#isConnected || !this.#isDescribed || this.#isAttached) return;
    this.#isAttached = true;
    this.gate.connect({ ssrc: peer.ssrc, payloadType: peer.payloadType, send: (packet) => peer.sendRtp(packet) });
    // Nothing held: the viewer would wait for the camera's next intra picture.
    if (this.gate.state === 'waiting') this.#seat?.wantPicture();
  }

  #takeSeat(): Seat {
    const { camera, stream, codec, pulls } = this.plan;
    return pulls.join(camera, stream, this.#viewer(), codec);
  }

  /** Our end of whichever stream plays. */
  #viewer(): PullViewer {
    return {
      onRtp: (bytes, start, end) => this.gate.push(bytes, start, end),
      onTrack: (track) => this.#described(track),
      onRestart: () => this.gate.restart(),
      onFailed: (reason) => this.#cameraFailed(reason),
      needsPicture: () => this.gate.state === 'armed' || this.gate.state === 'waiting',
    };
  }

  #directorParts(): DirectorParts {
    const { pulls, ticket, codec } = this.plan;
    return {
      ...this.#parts,
      pulls,
      codec,
      channelId: ticket.channelId,
      camera: () => this.#parts.cameras.resolve(ticket.channelId),
      viewer: this.#viewer(),
      sentBytes: () => this.gate.bytes,
      onChanged: (seat, track) => this.#changed(seat, track),
    };
  }

  /** Another stream of the camera takes over with its intra picture; the permission is asked in this very tick. */
  #changed(seat: Seat, track: VideoTrack): boolean {
    if (this.#receipt !== undefined) return false;
    if (!this.#mayWatch()) {
      this.end('withdrawn', this.#refusal);
      return false;
    }
    const before = this.#seat;
    this.#seat = seat;
    this.gate.restart();
    before?.leave().catch((error: unknown) => this.#parts.log.debug('a stream did not end cleanly', { error }));
    this.#described(track);
    return true;
  }

  #described(track: VideoTrack): void {
    if (this.#receipt !== undefined) return;
    this.#isDescribed = true;
    this.gate.describe(track.parameterSets);
    if (this.gate.state === 'armed') this.#seat?.wantPicture();
    this.#attach();
  }

  #cameraFailed(thrown: unknown): void {
    if (this.#receipt !== undefined) return;
    this.#failure = liveError(thrown);
    this.#parts.log.info('the stream of a live view ended', { channel: this.plan.ticket.channelId, error: thrown });
    this.end(this.#failure.code === 'live.codec_unsupported' ? 'codec_unsupported' : 'camera_gone', this.#failure);
  }

  /** Sound follows the first picture; who may watch is not asked to hear it, and may lose that alone. */
  #beginSound(): void {
    const peer = this.#peer;
    if (!this.plan.withSound || peer?.audio === undefined || this.#receipt !== undefined) return;
    const lane = new AudioLane({
      mayHear: () => this.#parts.mayHear?.(this.plan.ticket) === true,
      onRefused: () => void this.#hush?.(),
      pass: (bytes) => this.gate.passSound(bytes),
      peer,
      firstSequence: randomInt(0x1_0000),
      firstTimestamp: randomInt(0x1_0000_0000),
    });
    this.#hush = this.plan.sounds.listen(this.plan.camera, lane.take);
  }

  #playing(): void {
    this.#beginSound();
    const waitMs = Math.round(this.#parts.clock.monotonicMs() - this.#startedAt);
    this.#parts.onEvent({ kind: 'playing', session: this.info(), waitMs });
  }

  /** For the gate: a plain yes or no; the words of a no are kept for the viewer. */
  #mayWatch(): boolean {
    const verdict = this.#parts.mayWatch(this.plan.ticket);
    this.#refusal = verdict.ok ? undefined : verdict;
    return verdict.ok;
  }

  #endError(): AgentError {
    const { reason, say, fix } = this.#endedWith ?? { reason: 'withdrawn' as const, ...END_WORDS.withdrawn };
    return new AgentError({ code: `live.${reason}`, say, fix, retryable: reason === 'agent_stopping' });
  }
}
