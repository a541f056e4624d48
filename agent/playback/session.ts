import { randomInt } from 'node:crypto';
import type { FootagePicture, FootageSpan, ViewerPeer } from '../../drivers/port.js';
import { FOOTAGE_TAKEN, type FootageWord } from '../contract/footage.js';
import type { Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { EgressGate, PlaybackEnd, PlaybackInfo, PlaybackLimits, PlaybackParts, PlaybackTicket, PlaybackVerdict } from './ports.js';
import { PLAYBACK_END_WORDS, playbackError } from './reasons.js';
import { RtpPictures } from './rtp-pictures.js';

/** A viewer that says nothing on its data channel for so long is gone, whatever its network layers believe. */
const SILENCE_MS = 15_000;
const SILENCE_CHECK_MS = 2_500;
/** So much waits for the viewer's line at most. */
const MOST_BUFFERED_BYTES = 1024 * 1024;
/** A viewer that has its file whole says so; one that does not is waited for so long after the last byte went to its line. */
const TAKEN_WITHIN_MS = 5_000;
const TAKEN_CHECK_MS = 500;

/** What admission decided; fixed for the session's life. */
export interface PlaybackPlan {
  readonly sessionId: string;
  readonly kind: 'player' | 'export';
  readonly ticket: PlaybackTicket;
  readonly offerSdp: string;
  readonly untilAt: number;
  readonly durationMs: number;
  readonly limits: PlaybackLimits;
}

/** What a session does while it is open: play, or hand out a file. */
export interface PlaybackWork {
  /** First and last instant of footage that was handed out. */
  readonly shown: FootageSpan | undefined;
  /** Before the viewer is answered; gives the codec of the picture. Rejects with AgentError. */
  prepare(): Promise<Pick<FootagePicture, 'codec'>>;
  /** The gate is armed. */
  begin(): void;
  /** The viewer's transport and data channel are up. */
  ready(): void;
  /** The viewer lost a picture. */
  repair(): void;
  /** Nothing is read any more when this returns; resolves when everything is let go. */
  stop(): Promise<void>;
}

/** The way out that a session gives to its work. All of it ends in the gate. */
export interface WayOut {
  verdict(): PlaybackVerdict;
  show(picture: FootagePicture, dueMs: number): void;
  tell(word: FootageWord): void;
  /** One piece of a file; resolves once there is room for the next. Rejects when it may not leave, or the session is over. */
  piece(bytes: Buffer): Promise<void>;
  /** The work is done, or cannot go on. */
  finish(reason: FinishReason, words?: EndWords): void;
  /** Everything is sent: like `finish`, once the viewer says that it has the file, closes, or had time enough to take it. */
  handOver(reason: FinishReason, words?: EndWords): void;
}

/** How a work may end by itself. */
export type FinishReason = 'finished' | 'unreadable';

interface EndWords {
  readonly code: string;
  readonly say: string;
  readonly fix: string;
}

/** One viewer of recordings: gate, transport and work, from admission to its one end. */
export class PlaybackSession {
  readonly plan: PlaybackPlan;
  readonly work: PlaybackWork;
  readonly #parts: PlaybackParts;
  readonly #onEnded: (session: PlaybackSession, settled: Promise<void>) => void;
  readonly #startedMs: number;
  readonly #openedAt: number;
  readonly #timers: Timer[] = [];
  readonly #packets = new RtpPictures();
  #gate: EgressGate | undefined;
  #peer: ViewerPeer | undefined;
  #isConnected = false;
  #isAttached = false;
  #isDataOpen = false;
  #isReady = false;
  #isAnnounced = false;
  #heardMs = 0;
  #refusal: EndWords | undefined;
  #ended: ({ readonly reason: PlaybackEnd } & EndWords) | undefined;
  /** The file is sent: how this ends when the viewer has it. */
  #handed: { readonly reason: FinishReason; readonly words: EndWords | undefined } | undefined;
  #waiting: (() => void) | undefined;

  constructor(
    plan: PlaybackPlan,
    parts: PlaybackParts,
    makeWork: (out: WayOut) => PlaybackWork,
    onEnded: (session: PlaybackSession, settled: Promise<void>) => void,
  ) {
    this.plan = plan;
    this.#parts = parts;
    this.#onEnded = onEnded;
    this.#startedMs = parts.clock.monotonicMs();
    this.#openedAt = parts.clock.now();
    this.work = makeWork({
      verdict: () => this.#verdict(),
      show: (picture, dueMs) => this.#packets.write(picture, dueMs, (bytes, start, end) => this.#gate?.push(bytes, start, end)),
      tell: (word) => void this.#gate?.sendData(JSON.stringify(word)),
      piece: (bytes) => this.#piece(bytes),
      finish: (reason, words) => this.end(reason, words),
      handOver: (reason, words) => this.#handOver(reason, words),
    });
  }

  /** Resolves with the transport's answer. Throws AgentError; the session is ended then. */
  async open(): Promise<ViewerPeer> {
    this.#timers.push(this.#parts.clock.after(this.plan.durationMs, () => this.end('expired'), true));
    try {
      const picture = await this.work.prepare();
      // A file is handed out as it is; there is no picture whose codec the viewer must know.
      const codec = this.plan.kind === 'export' ? 'H264' : picture.codec;
      this.#requireOpen();
      this.#gate = this.#openGate(codec);
      if (!this.#gate.arm()) throw this.#endError();
      this.#peer = await this.#answer(codec);
      this.#requireOpen();
    } catch (error) {
      this.#peer?.close();
      const failure = this.#ended === undefined ? playbackError(error) : this.#endError();
      this.#parts.log.info('recordings could not be opened', { channel: this.plan.ticket.channelId, error });
      this.end('viewer_gone');
      throw failure;
    }
    this.#announce();
    this.work.begin();
    this.#connect();
    if (this.#ended !== undefined) throw this.#endError();
    return this.#peer;
  }

  info(): PlaybackInfo {
    const { sessionId, kind, ticket, untilAt } = this.plan;
    const [packets, bytes] = [this.#gate?.packets ?? 0, this.#gate?.bytes ?? 0];
    const { channelId, viewerId } = ticket;
    return { sessionId, kind, ticket, channelId, viewerId, openedAt: this.#openedAt, untilAt, packets, bytes, shown: this.work.shown };
  }

  /** Nothing leaves when this returns. */
  shut(reason: PlaybackEnd): void {
    this.#gate?.end(PLAYBACK_END_WORDS[reason].gate);
  }

  /** Ends the session; the first reason counts. Gate first, then transport, then files and cameras, then the word to the viewer. */
  end(reason: PlaybackEnd, words?: EndWords): void {
    if (this.#ended !== undefined) return;
    const handed = reason === 'closed_by_viewer' ? this.#handed : undefined;
    this.#handed = undefined;
    if (handed !== undefined) {
      this.end(handed.reason, handed.words);
      return;
    }
    const decidedMs = this.#parts.clock.monotonicMs();
    const { say, fix } = PLAYBACK_END_WORDS[reason];
    this.#ended = { reason, code: `playback.${reason}`, say, fix, ...words };
    this.shut(reason);
    for (const timer of this.#timers) timer.cancel();
    this.#peer?.close();
    this.#waiting?.();
    const settled = this.work.stop();
    this.#onEnded(this, settled);
    if (!this.#isAnnounced) return;
    const lastMediaMs = Math.max(0, (this.#gate?.lastSentAt ?? 0) - decidedMs);
    const durationMs = Math.round(decidedMs - this.#startedMs);
    this.#parts.onEvent({ kind: 'ended', session: this.info(), ...this.#ended, durationMs, lastMediaMs });
  }

  #openGate(codec: FootagePicture['codec']): EgressGate {
    return this.#parts.openGate({
      clock: this.#parts.clock,
      mayWatch: () => this.#verdict().ok,
      codec,
      deadlineAt: this.#startedMs + this.plan.durationMs,
      onRefused: (why) => this.end(why, why === 'withdrawn' ? this.#refusal : undefined),
      onFirstPicture: () => undefined,
      firstSequence: randomInt(0x1_0000),
      firstTimestamp: randomInt(0x1_0000_0000),
    });
  }

  #answer(codec: FootagePicture['codec']): Promise<ViewerPeer> {
    return this.#parts.peers.answer({
      offerSdp: this.plan.offerSdp,
      video: { codec, profileLevelId: undefined },
      iceServers: this.#parts.iceServers?.() ?? [],
      bindAddress: this.#parts.bindAddress,
      onConnected: () => {
        this.#isConnected = true;
        this.#connect();
      },
      onPictureLoss: () => this.work.repair(),
      onResend: (bytes) => this.#gate?.resend(bytes) ?? false,
      onDataOpen: () => {
        this.#isDataOpen = true;
        this.#getReady();
      },
      onDataMessage: (text) => {
        this.#heardMs = this.#parts.clock.monotonicMs();
        if (text === FOOTAGE_TAKEN && this.#handed !== undefined) this.end(this.#handed.reason, this.#handed.words);
      },
      onDataLow: () => this.#waiting?.(),
      onClosed: () => this.end(this.#isConnected ? 'viewer_gone' : 'viewer_unreachable'),
    });
  }

  #announce(): void {
    this.#isAnnounced = true;
    this.#parts.onEvent({ kind: 'opened', session: this.info() });
    // The data channel belongs to the connection: without it nobody would know which time the picture shows.
    this.#timers.push(
      this.#parts.clock.after(this.plan.limits.connectDeadlineMs, () => {
        if (!this.#isReady) this.end('viewer_unreachable');
      }),
    );
  }

  #connect(): void {
    const peer = this.#peer;
    if (this.#ended !== undefined || peer === undefined || !this.#isConnected || !this.#isAnnounced || this.#isAttached) return;
    this.#isAttached = true;
    const { ssrc, payloadType } = peer;
    this.#gate?.connect({ ssrc, payloadType, send: (packet) => peer.sendRtp(packet), sendData: (message) => peer.sendData(message) });
    this.#getReady();
  }

  #getReady(): void {
    if (this.#ended !== undefined || this.#isReady || !this.#isAttached || !this.#isDataOpen) return;
    this.#isReady = true;
    this.#heardMs = this.#parts.clock.monotonicMs();
    this.#watchSilence();
    this.work.ready();
  }

  #watchSilence(): void {
    const { clock } = this.#parts;
    const timer = clock.every(SILENCE_CHECK_MS, () => {
      if (clock.monotonicMs() - this.#heardMs > SILENCE_MS - SILENCE_CHECK_MS) this.end('viewer_gone');
    });
    this.#timers.push(timer);
  }

  async #piece(bytes: Buffer): Promise<void> {
    while (this.#ended === undefined && (this.#peer?.dataBufferedBytes() ?? 0) > MOST_BUFFERED_BYTES) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
      this.#waiting = undefined;
    }
    if (this.#gate?.sendData(bytes) === true) return;
    // Whatever the gate refused has ended this with its own reason; else nobody is there to take the piece.
    this.end('viewer_gone');
    throw this.#endError();
  }

  /** Closing now would throw away what still waits for the viewer's line. */
  #handOver(reason: FinishReason, words: EndWords | undefined): void {
    if (this.#ended !== undefined) return;
    const { clock } = this.#parts;
    this.#handed = { reason, words };
    let sinceMs = clock.monotonicMs();
    const look = (): void => {
      if ((this.#peer?.dataBufferedBytes() ?? 0) > 0) sinceMs = clock.monotonicMs();
      else if (clock.monotonicMs() - sinceMs >= TAKEN_WITHIN_MS) this.end(reason, words);
    };
    this.#timers.push(clock.every(TAKEN_CHECK_MS, look));
  }

  /** The permission in this tick; the words of a no are kept for the viewer. */
  #verdict(): PlaybackVerdict {
    const verdict = this.#parts.mayPlay(this.plan.ticket);
    this.#refusal = verdict.ok ? undefined : { code: verdict.code, say: verdict.say, fix: verdict.fix };
    return verdict;
  }

  #requireOpen(): void {
    if (this.#ended !== undefined) throw this.#endError();
  }

  #endError(): AgentError {
    const { code, say, fix } = this.#ended ?? { code: 'playback.withdrawn', ...PLAYBACK_END_WORDS.withdrawn };
    return new AgentError({ code, say, fix });
  }
}
