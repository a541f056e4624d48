import { DriverError, type StreamClient, type StreamPull, type VideoTrack } from '../../drivers/port.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import { inspectH264, NAL_IDR } from './h264.js';
import { PictureRequests } from './picture-requests.js';
import type { LiveCamera, StreamKind } from './ports.js';
import { type RtpView, readRtp } from './rtp.js';

/** A camera that sends nothing for so long while it plays is gone, though its connection may look alive. */
const SILENCE_MS = 15_000;
const SILENCE_CHECK_MS = 3_000;
/** Some cameras finish a picture of the stream before they begin anew: so many pictures are looked at. */
const FIRST_PICTURES = 3;
/** A camera that has not let go of the ended stream yet refuses the new one: it is tried again, because viewers had a picture before. */
const RETRY_MS = 1_000;
const RETRIES = 3;

/** One viewer's end of a shared stream. Called synchronously; what it throws ends itself and nobody else. */
export interface PullViewer {
  /** One RTP packet, valid only during the call. */
  onRtp(bytes: Buffer, start: number, end: number): void;
  /** The stream plays and is described so; again after `onRestart`. Packets may have come before. */
  onTrack(track: VideoTrack): void;
  /** The stream begins again: the packets that follow have nothing to do with those before. */
  onRestart(): void;
  /** Called once: the stream could not be opened, or ended. Nothing follows. */
  onFailed(reason: unknown): void;
  /** Whether it still waits for an intra picture. */
  needsPicture(): boolean;
}

/** What a stream of a camera is known for, kept beyond one pull. */
export interface StreamHabits {
  /** The last H.264 profile. */
  profileLevelId: string | undefined;
  /** The camera cannot be asked for an intra picture. */
  isDeaf: boolean;
  /** Its stream began with an intra picture the last time; undefined when it is not known. */
  beginsWhole: boolean | undefined;
}

/** One connection to the camera, from its opening to its end; what comes of one that is over is passed over. */
interface Attempt {
  readonly abort: AbortController;
  isOver: boolean;
}

/** What a shared pull is made of. */
export interface SharedPullParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly streams: StreamClient;
  readonly stream: StreamKind;
  readonly habits: StreamHabits;
  /** The last viewer left or the stream failed: nobody may join any more. Called once, in the tick. */
  readonly onOver: () => void;
}

/**
 * One stream of one camera for all its viewers. It knows nothing of permissions: every viewer has its own gate, and a viewer that
 * leaves gets nothing more from the tick on, whoever stays. Opened by the first viewer, ended with the last.
 */
export class SharedPull {
  readonly #parts: SharedPullParts;
  readonly #viewers = new Set<PullViewer>();
  readonly #pictures: PictureRequests;
  readonly #view: RtpView = { marker: false, sequence: 0, timestamp: 0, start: 0, end: 0 };
  /** Of the newest viewer: its login is the newest too. */
  #camera: LiveCamera;
  #attempt: Attempt = { abort: new AbortController(), isOver: false };
  #pull: StreamPull | undefined;
  /** Resolves when what was opened so far is closed. */
  #closed: Promise<void> = Promise.resolve();
  #isOver = false;
  #begunAt: number;
  #lastPacketAt: number;
  #silenceTimer: Timer | undefined;
  #retryTimer: Timer | undefined;
  /** Only a stream that was begun again is tried more than once; the first opening fails at once. */
  #retriesLeft = 0;
  /** Pictures still to be looked at for an intra picture; 0 when it is decided. */
  #firstPictures = FIRST_PICTURES;
  #picture = -1;

  constructor(parts: SharedPullParts, camera: LiveCamera) {
    const { clock, log, stream, habits } = parts;
    this.#parts = parts;
    this.#camera = camera;
    this.#begunAt = clock.monotonicMs();
    this.#lastPacketAt = this.#begunAt;
    const ways = {
      ask: () => this.#camera.synchronize(stream, this.#attempt.abort.signal),
      mayRestart: () => habits.beginsWhole === true && this.#pull !== undefined,
      restart: () => void this.#restart(),
      begunAt: () => this.#begunAt,
      isShared: () => this.#viewers.size > 1,
    };
    this.#pictures = new PictureRequests(clock, log, ways, habits.isDeaf);
    this.#open();
  }

  /**
   * Adds a viewer in this tick; packets may come from now on. It is told of the stream once that plays, or in the next tick if it
   * does, and of a failure at any time.
   */
  join(viewer: PullViewer, camera: LiveCamera): void {
    this.#camera = camera;
    this.#viewers.add(viewer);
    const attempt = this.#attempt;
    const track = this.#pull?.track;
    if (track === undefined) return;
    void Promise.resolve().then(() => {
      if (!attempt.isOver && this.#viewers.has(viewer)) this.#guard(viewer, () => viewer.onTrack(track));
    });
  }

  /** The viewer gets nothing more when this returns. Resolves when the camera's connection is gone, at once while others watch. */
  leave(viewer: PullViewer): Promise<void> {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return Promise.resolve();
    this.#end();
    return this.#closed;
  }

  /** A viewer has nothing to show: an intra picture is asked for as soon as the camera may be asked. */
  wantPicture(viewer: PullViewer): void {
    this.#pictures.want(() => this.#viewers.has(viewer) && viewer.needsPicture());
  }

  /** A viewer lost packets. */
  repairPicture(): void {
    this.#pictures.ask();
  }

  #open(): void {
    const opened = this.#openStream(this.#attempt);
    this.#closed = Promise.all([this.#closed, opened]).then(() => undefined);
  }

  /** Opens, and stays until the stream it opened is gone. */
  async #openStream(attempt: Attempt): Promise<void> {
    const { signal } = attempt.abort;
    try {
      const uri = await this.#camera.streamUri(this.#parts.stream, signal);
      if (attempt.isOver) return;
      const pull = await this.#parts.streams.open({
        uri,
        allowedHost: this.#camera.deviceHost,
        login: this.#camera.login,
        signal,
        onRtp: (bytes, start, end) => {
          if (!attempt.isOver) this.#spread(bytes, start, end);
        },
        onEnd: (reason) => {
          if (!attempt.isOver) this.#fail(reason);
        },
      });
      if (attempt.isOver) await pull.close();
      else this.#playing(pull);
    } catch (error) {
      if (!attempt.isOver) this.#openFailed(error, attempt);
    }
  }

  #openFailed(error: unknown, attempt: Attempt): void {
    if (this.#retriesLeft === 0) {
      this.#fail(error);
      return;
    }
    this.#retriesLeft -= 1;
    // A camera that makes this difficult is not begun again for a picture.
    this.#parts.habits.beginsWhole = false;
    this.#retryTimer = this.#parts.clock.after(RETRY_MS, () => void this.#openStream(attempt), true);
  }

  #playing(pull: StreamPull): void {
    if (pull.track.codec !== 'H264') {
      this.#pull = pull;
      this.#fail(new DriverError('stream.unsupported', `the stream is ${pull.track.codec}`));
      return;
    }
    this.#pull = pull;
    this.#retriesLeft = 0;
    this.#parts.habits.profileLevelId = pull.track.profileLevelId;
    this.#lastPacketAt = this.#parts.clock.monotonicMs();
    this.#watchSilence();
    for (const viewer of this.#viewers) this.#guard(viewer, () => viewer.onTrack(pull.track));
  }

  /** Ends the connection and makes another; one camera connection at a time, because small cameras have few. */
  async #restart(): Promise<void> {
    if (this.#isOver || this.#pull === undefined) return;
    this.#begunAt = this.#parts.clock.monotonicMs();
    const closing = this.#hangUp().catch((error: unknown) => this.#parts.log.debug('a stream did not end cleanly', { error }));
    this.#attempt = { abort: new AbortController(), isOver: false };
    this.#retriesLeft = RETRIES;
    this.#firstPictures = FIRST_PICTURES;
    this.#picture = -1;
    for (const viewer of this.#viewers) this.#guard(viewer, () => viewer.onRestart());
    this.#closed = Promise.all([this.#closed, closing]).then(() => undefined);
    await closing;
    if (!this.#isOver) this.#open();
  }

  #spread(bytes: Buffer, start: number, end: number): void {
    this.#lastPacketAt = this.#parts.clock.monotonicMs();
    if (this.#firstPictures > 0) this.#lookAtFirst(bytes, start, end);
    for (const viewer of this.#viewers) {
      try {
        viewer.onRtp(bytes, start, end);
      } catch (error) {
        this.#drop(viewer, error);
      }
    }
  }

  /** Whether the camera begins a stream with an intra picture: then beginning it again is a way to get one. */
  #lookAtFirst(bytes: Buffer, start: number, end: number): void {
    const view = this.#view;
    if (!readRtp(bytes, start, end, view)) return;
    if (view.timestamp !== this.#picture) {
      if (this.#picture >= 0) this.#firstPictures -= 1;
      this.#picture = view.timestamp;
      if (this.#firstPictures === 0) this.#parts.habits.beginsWhole = false;
    }
    if (this.#firstPictures === 0 || (inspectH264(bytes, view.start, view.end) & NAL_IDR) === 0) return;
    this.#firstPictures = 0;
    this.#parts.habits.beginsWhole = true;
  }

  #watchSilence(): void {
    const { clock } = this.#parts;
    this.#silenceTimer = clock.after(
      SILENCE_CHECK_MS,
      () => {
        if (clock.monotonicMs() - this.#lastPacketAt > SILENCE_MS)
          this.#fail(new DriverError('camera.timeout', 'the camera plays but sends nothing'));
        else this.#watchSilence();
      },
      true,
    );
  }

  #guard(viewer: PullViewer, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#drop(viewer, error);
    }
  }

  /** A viewer that fails takes only itself away. */
  #drop(viewer: PullViewer, error: unknown): void {
    this.#parts.log.error('a viewer failed to take a packet', { error });
    void this.leave(viewer);
    viewer.onFailed(error);
  }

  #fail(reason: unknown): void {
    if (this.#isOver) return;
    const viewers = [...this.#viewers];
    // Over first: a viewer that opens again while it is told gets another pull.
    this.#viewers.clear();
    this.#end();
    for (const viewer of viewers) viewer.onFailed(reason);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.habits.isDeaf = this.#pictures.isUnsupported;
    this.#pictures.stop();
    const closing = this.#hangUp();
    this.#closed = Promise.all([this.#closed, closing]).then(() => undefined);
    // Whoever awaits it hears of a failure; nobody awaiting is no unhandled rejection.
    this.#closed.catch(() => undefined);
    this.#parts.onOver();
  }

  /** Nothing of the connection counts any more from this tick on; a camera that plays is told so before it is gone. */
  #hangUp(): Promise<void> {
    const { abort } = this.#attempt;
    const pull = this.#pull;
    this.#attempt.isOver = true;
    this.#pull = undefined;
    this.#silenceTimer?.cancel();
    this.#retryTimer?.cancel();
    if (pull !== undefined) return pull.close().finally(() => abort.abort());
    abort.abort();
    return Promise.resolve();
  }
}
