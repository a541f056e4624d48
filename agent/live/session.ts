import { randomInt } from 'node:crypto';
import { DriverError, type StreamPull, type ViewerPeer } from '../../drivers/port.js';
import type { Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { liveError } from './failures.js';
import { MediaGate } from './gate.js';
import { PictureRequests } from './picture-requests.js';
import type { EndReason, EndReceipt, LiveCamera, LiveLimits, LiveParts, LiveSessionInfo, StreamKind, WatchTicket } from './ports.js';
import { END_WORDS } from './reasons.js';

/** A camera that sends nothing for so long while it plays is gone, though its connection may look alive. */
const CAMERA_SILENCE_MS = 15_000;
const CAMERA_CHECK_MS = 3_000;

/** What admission decided; fixed for the session's life. */
export interface SessionPlan {
  readonly sessionId: string;
  readonly ticket: WatchTicket;
  readonly camera: LiveCamera;
  readonly stream: StreamKind;
  readonly offerSdp: string;
  readonly untilAt: number;
  readonly durationMs: number;
  readonly limits: LiveLimits;
  /** The last H.264 profile this stream had, so that the answer can name it before the camera has told it again. */
  readonly profileLevelId: string | undefined;
}

/** Other words for an end than the reason's own, when somebody knows better (the authorizer, the camera driver). */
export interface EndWords {
  readonly say: string;
  readonly fix: string;
}

/** One viewer of one stream: camera pull, gate and viewer transport, from admission to its one end. */
export class LiveSession {
  readonly plan: SessionPlan;
  readonly gate: MediaGate;
  readonly #parts: LiveParts;
  readonly #onEnded: (session: LiveSession, settled: Promise<void>) => void;
  readonly #abort = new AbortController();
  readonly #pictures: PictureRequests;
  readonly #startedAt: number;
  readonly #openedAt: number;
  readonly #timers: Timer[] = [];
  #peer: ViewerPeer | undefined;
  #pull: StreamPull | undefined;
  #pulling: Promise<void> = Promise.resolve();
  #isConnected = false;
  #isAttached = false;
  #isAnnounced = false;
  #cameraTimer: Timer | undefined;
  #refusal: EndWords | undefined;
  #failure: AgentError | undefined;
  #receipt: EndReceipt | undefined;
  #endedWith: (EndWords & { readonly reason: EndReason }) | undefined;
  #profileLevelId: string | undefined;

  constructor(plan: SessionPlan, parts: LiveParts, onEnded: (session: LiveSession, settled: Promise<void>) => void) {
    this.plan = plan;
    this.#parts = parts;
    this.#onEnded = onEnded;
    this.#startedAt = parts.clock.monotonicMs();
    this.#openedAt = parts.clock.now();
    this.#profileLevelId = plan.profileLevelId;
    this.#pictures = new PictureRequests(parts.clock, parts.log, () => plan.camera.synchronize(plan.stream, this.#abort.signal));
    this.gate = new MediaGate({
      clock: parts.clock,
      mayWatch: () => this.#mayWatch(),
      deadlineAt: this.#startedAt + plan.durationMs,
      onRefused: (why) => this.end(why, why === 'withdrawn' ? this.#refusal : undefined),
      onFirstPicture: () => this.#playing(),
      firstSequence: randomInt(0x1_0000),
      firstTimestamp: randomInt(0x1_0000_0000),
    });
  }

  /** As the camera described the stream; for the next session's answer. */
  get profileLevelId(): string | undefined {
    return this.#profileLevelId;
  }

  /**
   * Arms the gate in the tick of the call, then starts the camera's stream and the viewer's transport side by side. Resolves with
   * the transport's answer. Throws AgentError; the session is ended then.
   */
  async open(): Promise<ViewerPeer> {
    if (!this.gate.arm()) throw this.#endError();
    this.#timers.push(this.#parts.clock.after(this.plan.durationMs, () => this.end('expired'), true));
    this.#pulling = this.#pullStream();
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

  info(): LiveSessionInfo {
    const { sessionId, ticket, stream, untilAt } = this.plan;
    const { packets, bytes } = this.gate;
    return {
      sessionId,
      ticket,
      channelId: ticket.channelId,
      viewerId: ticket.viewerId,
      stream,
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
    this.#cameraTimer?.cancel();
    this.#peer?.close();
    this.#abort.abort();
    this.#onEnded(this, this.#settle());
    if (this.#isAnnounced) this.#announceEnd(this.#receipt, decidedAt);
    return this.#receipt;
  }

  async #settle(): Promise<void> {
    await this.#pulling;
    await this.#pull?.close();
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
      video: { codec: 'H264', profileLevelId: this.#profileLevelId },
      iceServers: this.#parts.iceServers?.() ?? [],
      bindAddress: this.#parts.bindAddress,
      onConnected: () => {
        this.#isConnected = true;
        this.#attach();
      },
      onPictureLoss: () => this.#pictures.ask(),
      onClosed: () => this.end(this.#isConnected ? 'viewer_gone' : 'viewer_unreachable'),
    });
  }

  /**
   * Gives the gate its way out once the viewer is connected and the camera has described its stream: a picture flushed before
   * could lack the parameter sets of the description.
   */
  #attach(): void {
    const peer = this.#peer;
    if (this.#receipt !== undefined || peer === undefined || !this.#isConnected || this.#pull === undefined || this.#isAttached) return;
    this.#isAttached = true;
    this.gate.connect({ ssrc: peer.ssrc, payloadType: peer.payloadType, send: (packet) => peer.sendRtp(packet) });
    // Nothing held: the viewer would wait for the camera's next intra picture.
    if (this.gate.state === 'waiting') this.#pictures.ask();
  }

  async #pullStream(): Promise<void> {
    const { camera, stream } = this.plan;
    const { signal } = this.#abort;
    try {
      const uri = await camera.streamUri(stream, signal);
      if (signal.aborted) return;
      const pull = await this.#parts.streams.open({
        uri,
        allowedHost: camera.deviceHost,
        login: camera.login,
        signal,
        onRtp: (buffer, start, end) => this.gate.push(buffer, start, end),
        onEnd: (reason) => this.#cameraFailed(reason),
      });
      this.#pull = pull;
      if (signal.aborted) return;
      if (pull.track.codec !== 'H264') throw new DriverError('stream.unsupported', `the stream is ${pull.track.codec}`);
      this.#profileLevelId = pull.track.profileLevelId;
      this.gate.describe(pull.track.parameterSets);
      if (this.gate.state === 'armed') this.#pictures.ask();
      this.#attach();
      this.#watchCamera(this.#parts.clock.monotonicMs());
    } catch (error) {
      this.#cameraFailed(error);
    }
  }

  #cameraFailed(thrown: unknown): void {
    if (this.#receipt !== undefined) return;
    this.#failure = liveError(thrown);
    this.#parts.log.info('the stream of a live view ended', { channel: this.plan.ticket.channelId, error: thrown });
    this.end(this.#failure.code === 'live.codec_unsupported' ? 'codec_unsupported' : 'camera_gone', this.#failure);
  }

  #watchCamera(playingSince: number): void {
    if (this.#receipt !== undefined) return;
    this.#cameraTimer = this.#parts.clock.after(
      CAMERA_CHECK_MS,
      () => {
        const silentMs = this.#parts.clock.monotonicMs() - Math.max(playingSince, this.gate.lastCameraAt);
        if (silentMs > CAMERA_SILENCE_MS) this.#cameraFailed(new DriverError('camera.timeout', 'the camera plays but sends nothing'));
        else this.#watchCamera(playingSince);
      },
      true,
    );
  }

  #playing(): void {
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
