import { DriverError, type VideoTrack } from '../../drivers/port.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import { HeldPackets } from './held-packets.js';
import { NAL_IDR } from './nal-syntax.js';
import type { LiveCamera, StreamKind } from './ports.js';
import { type RtpView, readRtp } from './rtp.js';
import type { PullViewer } from './shared-pull.js';
import type { Seat, SharedPulls } from './shared-pulls.js';
import { syntaxOf } from './syntaxes.js';

/** An intra picture that has not come by then is not coming; the old stream plays on. */
const PATIENCE_MS = 12_000;
const HOLD_LIMIT_BYTES = 2 * 1024 * 1024;

/** What a change of the stream is made of. */
export interface StreamSwitchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly pulls: SharedPulls;
  readonly camera: LiveCamera;
  readonly to: StreamKind;
  readonly codec: VideoTrack['codec'];
  /** Whoever gets the packets once the change is made. */
  readonly viewer: PullViewer;
  /**
   * The new stream begins an intra picture, now: called once, in the tick of the packet, before it is handed on. False: it may not be shown; the
   * place is given back.
   */
  readonly onReady: (seat: Seat, track: VideoTrack) => boolean;
  /** It did not come about; what plays goes on playing. Called once at most, never after `onReady`. */
  readonly onFailed: (reason: unknown) => void;
}

/**
 * Waits beside the stream that plays for the first whole intra picture of another stream of the same camera. The viewer sees nothing
 * of it before that: no gap, no picture that cannot be decoded.
 */
export class StreamSwitch {
  readonly #parts: StreamSwitchParts;
  readonly #held = new HeldPackets(HOLD_LIMIT_BYTES);
  readonly #view: RtpView = { marker: false, sequence: 0, timestamp: 0, start: 0, end: 0 };
  readonly #seat: Seat;
  readonly #timer: Timer;
  #track: VideoTrack | undefined;
  #picture = -1;
  #hasIntra = false;
  #state: 'waiting' | 'made' | 'over' = 'waiting';

  constructor(parts: StreamSwitchParts) {
    this.#parts = parts;
    this.#timer = parts.clock.after(
      PATIENCE_MS,
      () => this.#fail(new DriverError('camera.timeout', 'the other stream shows no intra picture')),
      true,
    );
    this.#seat = parts.pulls.join(parts.camera, parts.to, this.#place(), parts.codec);
    this.#seat.wantPicture();
  }

  get to(): StreamKind {
    return this.#parts.to;
  }

  /** Gives it up; nothing is told. Resolves like `Seat.leave`. */
  stop(): Promise<void> {
    if (this.#state !== 'waiting') return Promise.resolve();
    this.#settle('over');
    return this.#seat.leave().catch(() => undefined);
  }

  #place(): PullViewer {
    const { viewer } = this.#parts;
    return {
      onRtp: (bytes, start, end) => {
        if (this.#state === 'made') viewer.onRtp(bytes, start, end);
        else if (this.#state === 'waiting') this.#take(bytes, start, end);
      },
      onTrack: (track) => {
        this.#track = track;
        if (this.#state === 'made') viewer.onTrack(track);
        else if (this.#hasIntra) this.#make();
      },
      onRestart: () => {
        if (this.#state === 'made') viewer.onRestart();
        else this.#forget();
      },
      onFailed: (reason) => {
        if (this.#state === 'made') viewer.onFailed(reason);
        else this.#fail(reason);
      },
      needsPicture: () => (this.#state === 'made' ? viewer.needsPicture() : this.#state === 'waiting' && !this.#hasIntra),
    };
  }

  /** Before the intra picture only the picture at hand is kept: it may turn out to be one, with its parameter sets in front. */
  #take(bytes: Uint8Array, start: number, end: number): void {
    const view = this.#view;
    if (!readRtp(bytes, start, end, view)) return;
    if (!this.#hasIntra && view.timestamp !== this.#picture) this.#held.dropFirst(this.#held.count);
    this.#picture = view.timestamp;
    if (!this.#held.append(bytes, start, end)) {
      this.#forget();
      return;
    }
    if (this.#hasIntra || (syntaxOf(this.#parts.codec).inspect(bytes, view.start, view.end) & NAL_IDR) === 0) return;
    this.#hasIntra = true;
    if (this.#track !== undefined) this.#make();
  }

  #make(): void {
    const track = this.#track;
    if (this.#state !== 'waiting' || track === undefined) return;
    this.#settle('made');
    if (!this.#parts.onReady(this.#seat, track)) {
      this.#state = 'over';
      this.#leave();
      return;
    }
    this.#held.each((bytes, start, end) => {
      this.#parts.viewer.onRtp(bytes, start, end);
      return this.#state === 'made';
    });
    this.#held.clear();
  }

  #fail(reason: unknown): void {
    if (this.#state !== 'waiting') return;
    this.#settle('over');
    this.#leave();
    this.#parts.onFailed(reason);
  }

  #leave(): void {
    this.#seat.leave().catch((error: unknown) => this.#parts.log.debug('a stream did not end cleanly', { error }));
  }

  #settle(state: 'made' | 'over'): void {
    this.#state = state;
    this.#timer.cancel();
  }

  #forget(): void {
    this.#held.clear();
    this.#hasIntra = false;
    this.#picture = -1;
    if (this.#state === 'waiting') this.#seat.wantPicture();
  }
}
