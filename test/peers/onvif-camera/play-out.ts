/** One running encoder of the camera: always in wall-clock phase, awake only while someone watches. */
import { type Clip, nearestIdr } from './clip.js';
import { packetize } from './rtp.js';

/** A frame on its way to every viewer. */
export interface PlayedFrame {
  readonly payloads: readonly Uint8Array[];
  readonly isIdr: boolean;
  /** The instant this frame was due, ms since 1970. */
  readonly atMs: number;
}

/** After a stall of more than this many frames the encoder goes on at the present instead of catching up. */
const MAX_BEHIND = 50;
/** Of the numbers burnt into the picture, whatever the clip's own rate. */
const BURNT_RATE = 25;

/** Plays a clip as a loop in phase with the wall clock: frame n of the day is frame n modulo the clip's length. */
export class PlayOut {
  readonly #watchers = new Set<(frame: PlayedFrame) => void>();
  readonly #now: () => number;
  #clip: Clip;
  /** Frames away from the wall clock's phase: what synchronize() jumped so far. */
  #shift = 0;
  #wantsIdr = false;
  #sent = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `now` is the wall clock in ms. */
  constructor(clip: Clip, now: () => number) {
    this.#clip = clip;
    this.#now = now;
  }

  get clip(): Clip {
    return this.#clip;
  }

  /** Frames come until the returned function is called; the first one is whatever is due next, usually in the middle of a GOP. */
  watch(onFrame: (frame: PlayedFrame) => void): () => void {
    this.#watchers.add(onFrame);
    if (this.#timer === undefined) {
      this.#sent = this.#due();
      this.#schedule();
    }
    return () => this.#watchers.delete(onFrame);
  }

  /** The next frame is an IDR, for everyone who watches: the loop jumps to its nearest one, time and sequence go on. */
  synchronize(): void {
    if (this.#watchers.size > 0) this.#wantsIdr = true;
  }

  /** Another resolution or frame rate: starts with an IDR, time goes on. */
  change(clip: Clip): void {
    if (clip === this.#clip) return;
    this.#clip = clip;
    this.#shift = 0;
    this.#sent = this.#due();
    this.synchronize();
  }

  /** The number burnt into the frame that is due now (25 per second, 0..499). */
  frameNumber(): number {
    return Math.floor((this.#indexOf(this.#due()) * BURNT_RATE) / this.#clip.rate);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#watchers.clear();
  }

  #due(): number {
    return Math.floor((this.#now() * this.#clip.rate) / 1000);
  }

  #indexOf(count: number): number {
    const length = this.#clip.frames.length;
    return (((count + this.#shift) % length) + length) % length;
  }

  #send(count: number): void {
    if (this.#wantsIdr) this.#shift += nearestIdr(this.#clip, this.#indexOf(count)) - this.#indexOf(count);
    this.#wantsIdr = false;
    const frame = this.#clip.frames[this.#indexOf(count)];
    if (frame === undefined) return;
    const played = { payloads: packetize(this.#clip, frame), isIdr: frame.isIdr, atMs: (count * 1000) / this.#clip.rate };
    for (const watcher of this.#watchers) watcher(played);
  }

  #tick(): void {
    const until = this.#due();
    if (until - this.#sent > MAX_BEHIND) {
      this.#sent = until - 1;
      this.#wantsIdr = true;
    }
    while (this.#sent < until && this.#watchers.size > 0) {
      this.#sent += 1;
      this.#send(this.#sent);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#watchers.size === 0) {
      this.#timer = undefined;
      // With nobody watching the encoder falls back into phase: picture number and time of day belong together again.
      this.#shift = 0;
      this.#wantsIdr = false;
      return;
    }
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, ((this.#sent + 1) * 1000) / this.#clip.rate - this.#now()));
  }
}
