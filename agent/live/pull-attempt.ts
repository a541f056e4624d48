import type { StreamClient, StreamPull, VideoTrack } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import { NAL_IDR } from './nal-syntax.js';
import type { LiveCamera, StreamKind } from './ports.js';
import { type RtpView, readRtp } from './rtp.js';
import { syntaxOf } from './syntaxes.js';

/** Some cameras finish a picture of the stream before they begin anew: so many pictures are looked at. */
const FIRST_PICTURES = 3;

/** What one connection to the camera tells; nothing once it is hung up. */
export interface AttemptHandlers {
  /** The stream is described and plays. Packets may have come before. */
  onPlaying(track: VideoTrack): void;
  /** Called once, before the packet that tells: whether the stream began with an intra picture. */
  onBegun?(isWhole: boolean): void;
  /** One RTP packet, valid only during the call. */
  onRtp(bytes: Buffer, start: number, end: number): void;
  /** Called once: it could not be opened, or ended. Nothing follows. */
  onFailed(reason: unknown): void;
}

/** What a connection is made with. */
export interface AttemptParts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly streams: StreamClient;
  readonly stream: StreamKind;
  /** What the viewers take. */
  readonly codec: VideoTrack['codec'];
  readonly camera: LiveCamera;
  /** Nothing is asked of the camera before this. */
  readonly after?: Promise<void> | undefined;
}

/** One connection to the camera, from its opening to its end. */
export class PullAttempt {
  /** Resolves when whatever was opened is gone; never before `hangUp` or a failure. */
  readonly closed: Promise<void>;
  /** Monotonic ms of the last packet, or of the beginning. */
  lastPacketAt: number;
  /** How the stream began: with an intra picture, without one, or not to be told yet. */
  beginning: 'open' | 'whole' | 'midway' = 'open';
  readonly #abort = new AbortController();
  readonly #view: RtpView = { marker: false, sequence: 0, timestamp: 0, start: 0, end: 0 };
  readonly #parts: AttemptParts;
  readonly #handlers: AttemptHandlers;
  #pull: StreamPull | undefined;
  #closing: Promise<void> = Promise.resolve();
  #letGo: () => void = () => undefined;
  #isOver = false;
  #picturesLeft = FIRST_PICTURES;
  #picture = -1;

  constructor(parts: AttemptParts, handlers: AttemptHandlers) {
    this.#parts = parts;
    this.#handlers = handlers;
    this.lastPacketAt = parts.clock.monotonicMs();
    const isHungUp = new Promise<void>((resolve) => {
      this.#letGo = resolve;
    });
    this.closed = Promise.all([this.#open(), isHungUp]).then(() => this.#closing);
    // Whoever awaits it hears of a failure; nobody awaiting is no unhandled rejection.
    this.closed.catch(() => undefined);
  }

  /** Of the stream that plays; undefined before and after. */
  get track(): VideoTrack | undefined {
    return this.#pull?.track;
  }

  /** Aborted with the connection. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Hung up, or failed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing comes any more from this tick on; a camera that plays is told so before it is gone. Idempotent. */
  hangUp(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const pull = this.#pull;
    this.#pull = undefined;
    if (pull === undefined) this.#abort.abort();
    else this.#closing = pull.close().finally(() => this.#abort.abort());
    this.#closing.catch(() => undefined);
    this.#letGo();
  }

  async #open(): Promise<void> {
    const { streams, stream, camera, after } = this.#parts;
    const { signal } = this.#abort;
    try {
      if (after !== undefined) await after;
      if (this.#isOver) return;
      const uri = await camera.streamUri(stream, signal);
      if (this.#isOver) return;
      const pull = await streams.open({
        codec: this.#parts.codec,
        uri,
        allowedHost: camera.deviceHost,
        login: camera.login,
        signal,
        onRtp: (bytes, start, end) => this.#took(bytes, start, end),
        onEnd: (reason) => this.#fail(reason),
      });
      if (this.#isOver) await pull.close();
      else this.#plays(pull);
    } catch (error) {
      this.#fail(error);
    }
  }

  #plays(pull: StreamPull): void {
    this.#pull = pull;
    this.lastPacketAt = this.#parts.clock.monotonicMs();
    this.#handlers.onPlaying(pull.track);
  }

  #took(bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    this.lastPacketAt = this.#parts.clock.monotonicMs();
    if (this.beginning === 'open') this.#lookAtFirst(bytes, start, end);
    this.#handlers.onRtp(bytes, start, end);
  }

  #fail(reason: unknown): void {
    if (this.#isOver) return;
    this.hangUp();
    this.#handlers.onFailed(reason);
  }

  #lookAtFirst(bytes: Buffer, start: number, end: number): void {
    const view = this.#view;
    if (!readRtp(bytes, start, end, view)) return;
    if (view.timestamp !== this.#picture) {
      if (this.#picture >= 0) this.#picturesLeft -= 1;
      this.#picture = view.timestamp;
    }
    const isWhole = this.#picturesLeft > 0 && (syntaxOf(this.#parts.codec).inspect(bytes, view.start, view.end) & NAL_IDR) !== 0;
    if (!isWhole && this.#picturesLeft > 0) return;
    this.beginning = isWhole ? 'whole' : 'midway';
    this.#handlers.onBegun?.(isWhole);
  }
}
