import type { VideoTrack, ViewerReport } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import { liveError } from './failures.js';
import type { LiveCamera, StreamKind, StreamWish } from './ports.js';
import type { PullViewer } from './shared-pull.js';
import type { Seat, SharedPulls } from './shared-pulls.js';
import type { Codec } from './stream-choice.js';
import { beginCourse, courseChanged, courseFailed, judgeReport, type StreamCourse } from './stream-policy.js';
import { StreamSwitch } from './stream-switch.js';

/** What the director works with. */
export interface DirectorParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly pulls: SharedPulls;
  readonly channelId: string;
  /** The camera as it is known now; undefined when it was removed. */
  readonly camera: () => LiveCamera | undefined;
  /** What the viewer's answer says; no stream of another codec can follow. */
  readonly codec: Codec;
  /** Whoever gets the packets, of whichever stream. */
  readonly viewer: PullViewer;
  /** Bytes handed to the viewer so far. */
  readonly sentBytes: () => number;
  /** The place at the new stream is there and its intra picture comes next; false when it may not be shown. */
  readonly onChanged: (seat: Seat, track: VideoTrack) => boolean;
}

/** Chooses between a camera's large and small stream while a session runs: by the viewer's word or, left to itself, by how its line does. */
export class StreamDirector {
  readonly #parts: DirectorParts;
  #wish: StreamWish;
  #course: StreamCourse;
  #switch: StreamSwitch | undefined;
  #told: { resolve: (stream: StreamKind) => void; reject: (error: unknown) => void }[] = [];
  #sentBefore = 0;
  #isOver = false;

  constructor(parts: DirectorParts, stream: StreamKind, wish: StreamWish) {
    this.#parts = parts;
    this.#wish = wish;
    this.#course = beginCourse(stream, parts.clock.monotonicMs());
  }

  /** What plays. */
  get stream(): StreamKind {
    return this.#course.stream;
  }

  /** The viewer reports. Only a session that was left the choice is changed by it. */
  report(report: ViewerReport): void {
    const { clock, sentBytes } = this.#parts;
    const atMs = clock.monotonicMs();
    const bytes = sentBytes();
    const sentBps = ((bytes - this.#sentBefore) * 8_000) / Math.max(1, atMs - this.#course.lastReportAt);
    this.#sentBefore = bytes;
    const { course, wanted } = judgeReport(this.#course, { atMs, ...report, sentBps });
    this.#course = course;
    if (this.#wish === 'auto' && this.#switch === undefined && wanted !== course.stream && this.#isPassedOn(wanted)) this.#begin(wanted);
  }

  /** The viewer wants this stream from now on. Resolves with what plays then; rejects with AgentError when it stays as it was. */
  choose(wish: StreamWish): Promise<StreamKind> {
    this.#wish = wish;
    if (wish === 'auto' || (wish === this.stream && this.#switch === undefined)) return Promise.resolve(this.stream);
    if (this.#switch?.to !== wish) {
      this.#giveUp(new AgentError({ code: 'live.chosen_again', say: 'Another stream was chosen meanwhile.', fix: 'Wait for that one.' }));
      if (wish === this.stream) return Promise.resolve(wish);
      this.#begin(wish);
    }
    return new Promise((resolve, reject) => this.#told.push({ resolve, reject }));
  }

  /** The session ends; resolves when what was begun is gone. */
  stop(): Promise<void> {
    this.#isOver = true;
    const stopped = this.#switch?.stop() ?? Promise.resolve();
    this.#giveUp(new AgentError({ code: 'live.ended', say: 'The live view ended meanwhile.', fix: 'Open it again.' }));
    return stopped;
  }

  /** By itself it changes only to what is passed on as it is: nobody's browser reload may cost the recorder a core. */
  #isPassedOn(stream: StreamKind): boolean {
    return this.#parts.camera()?.codec(stream) === this.#parts.codec;
  }

  #begin(to: StreamKind): void {
    const camera = this.#parts.camera();
    if (this.#isOver || camera === undefined) return;
    const { clock, log, pulls, codec, viewer, onChanged } = this.#parts;
    const change: StreamSwitch = new StreamSwitch({
      clock,
      log,
      pulls,
      camera,
      to,
      codec,
      viewer,
      onReady: (seat, track) => {
        if (this.#isOver || this.#switch !== change || !onChanged(seat, track)) return false;
        this.#made(to);
        return true;
      },
      onFailed: (reason) => {
        if (this.#switch === change) this.#failed(to, reason);
      },
    });
    this.#switch = change;
  }

  #made(to: StreamKind): void {
    this.#switch = undefined;
    this.#course = courseChanged(this.#course, to, this.#parts.clock.monotonicMs());
    this.#parts.log.info('a live view plays another stream', { channel: this.#parts.channelId, stream: to });
    for (const waiting of this.#told.splice(0)) waiting.resolve(to);
  }

  #failed(to: StreamKind, reason: unknown): void {
    this.#switch = undefined;
    this.#course = courseFailed(this.#course, this.#parts.clock.monotonicMs());
    this.#parts.log.info('a live view stays with its stream', { channel: this.#parts.channelId, wanted: to, error: reason });
    for (const waiting of this.#told.splice(0)) waiting.reject(liveError(reason));
  }

  #giveUp(why: AgentError): void {
    void this.#switch?.stop();
    this.#switch = undefined;
    for (const waiting of this.#told.splice(0)) waiting.reject(why);
  }
}
