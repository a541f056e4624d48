import { DriverError, type StreamClient, type VideoTrack } from '../../drivers/port.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import { HeldPackets } from './held-packets.js';
import { PictureRequests } from './picture-requests.js';
import type { LiveCamera, StreamKind } from './ports.js';
import { PullAttempt } from './pull-attempt.js';

/** A camera that sends nothing for so long while it plays is gone, though its connection may look alive. */
const SILENCE_MS = 15_000;
const SILENCE_CHECK_MS = 3_000;
/** A second connection that has shown no intra picture by then is given up; the first goes on. */
const REOPEN_MS = 12_000;
/** A second connection that sends more than this before its intra picture does not begin with one. */
const REOPEN_LIMIT_BYTES = 2 * 1024 * 1024;

/** One viewer's end of a shared stream. Called synchronously; what it throws ends itself and nobody else. */
export interface PullViewer {
  /** One RTP packet, valid only during the call. */
  onRtp(bytes: Uint8Array, start: number, end: number): void;
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

/** What a shared pull is made of. */
export interface SharedPullParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly streams: StreamClient;
  readonly stream: StreamKind;
  /** A stream of another codec fails. */
  readonly codec: VideoTrack['codec'];
  readonly habits: StreamHabits;
  /** The camera is asked for nothing before this. */
  readonly after: Promise<void> | undefined;
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
  /** Of the newest viewer: its login is the newest too. */
  #camera: LiveCamera;
  #current: PullAttempt;
  /** Opened beside the current one for the intra picture it begins with; takes its place with that picture and not before. */
  #next: { readonly attempt: PullAttempt; readonly held: HeldPackets; readonly deadline: Timer } | undefined;
  #isOver = false;
  #begunAt: number;
  #reopenedAt = Number.NEGATIVE_INFINITY;
  #silenceTimer: Timer | undefined;
  #closed: Promise<unknown> = Promise.resolve();

  constructor(parts: SharedPullParts, camera: LiveCamera) {
    const { clock, log, stream, habits, after } = parts;
    this.#parts = parts;
    this.#camera = camera;
    this.#begunAt = clock.monotonicMs();
    const ways = {
      ask: () => this.#camera.synchronize(stream, this.#current.signal),
      mayRestart: () => habits.beginsWhole === true && this.#current.track !== undefined && this.#next === undefined,
      restart: () => this.#reopen(),
      begunAt: () => this.#begunAt,
      restartedAt: () => this.#reopenedAt,
      isShared: () => this.#viewers.size > 1,
      isWatched: () => [...this.#viewers].some((viewer) => !viewer.needsPicture()),
    };
    this.#pictures = new PictureRequests(clock, log, ways, habits.isDeaf);
    this.#current = this.#attempt(
      {
        onPlaying: (track) => this.#playing(track),
        // The first packets tell whether beginning the stream again is a way to an intra picture.
        onBegun: (isWhole) => {
          habits.beginsWhole = isWhole;
        },
        onRtp: (bytes, start, end) => this.#spread(bytes, start, end),
        onFailed: (reason) => this.#lost(reason),
      },
      after,
    );
  }

  /** Resolves when every connection it made is gone. */
  get closed(): Promise<void> {
    return this.#closed.then(() => undefined);
  }

  /**
   * Adds a viewer in this tick; packets may come from now on. It is told of the stream once that plays, or in the next tick if it
   * does, and of a failure at any time.
   */
  join(viewer: PullViewer, camera: LiveCamera): void {
    this.#camera = camera;
    this.#viewers.add(viewer);
    const attempt = this.#current;
    if (attempt.track === undefined) return;
    void Promise.resolve().then(() => {
      const { track } = attempt;
      if (track !== undefined && this.#viewers.has(viewer)) this.#guard(viewer, () => viewer.onTrack(track));
    });
  }

  /** The viewer gets nothing more when this returns. Resolves when the camera's connection is gone, at once while others watch. */
  leave(viewer: PullViewer): Promise<void> {
    this.#viewers.delete(viewer);
    this.#pictures.forget(viewer);
    if (this.#viewers.size > 0) return Promise.resolve();
    this.#end();
    return this.closed;
  }

  /** A viewer has nothing to show: an intra picture is asked for as soon as the camera may be asked. */
  wantPicture(viewer: PullViewer): void {
    if (this.#viewers.has(viewer)) this.#pictures.want(viewer);
  }

  /** A viewer lost packets. */
  repairPicture(): void {
    this.#pictures.ask();
  }

  #attempt(handlers: ConstructorParameters<typeof PullAttempt>[1], after?: Promise<void>): PullAttempt {
    const attempt = new PullAttempt({ ...this.#parts, camera: this.#camera, after }, handlers);
    this.#closed = Promise.all([this.#closed, attempt.closed]);
    this.#closed.catch(() => undefined);
    return attempt;
  }

  #playing(track: VideoTrack): void {
    if (track.codec !== this.#parts.codec) {
      this.#fail(new DriverError('stream.unsupported', `the stream is ${track.codec}`));
      return;
    }
    this.#parts.habits.profileLevelId = track.profileLevelId;
    this.#silenceTimer?.cancel();
    this.#watchSilence();
    this.#each((viewer) => viewer.onTrack(track));
  }

  #spread(bytes: Uint8Array, start: number, end: number): void {
    for (const viewer of this.#viewers) {
      try {
        viewer.onRtp(bytes, start, end);
      } catch (error) {
        this.#drop(viewer, error);
      }
    }
  }

  /**
   * Opens the stream a second time beside the first. The viewers change over with its intra picture, so that those who have a picture
   * miss nothing; whatever goes wrong with it, they stay with what they have, and it is not tried again.
   */
  #reopen(): void {
    if (this.#isOver || this.#next !== undefined) return;
    const { clock, log } = this.#parts;
    this.#begunAt = clock.monotonicMs();
    this.#reopenedAt = this.#begunAt;
    const attempt: PullAttempt = this.#attempt({
      onPlaying: () => this.#changeOver(attempt),
      onRtp: (bytes, start, end) => {
        if (attempt === this.#current) this.#spread(bytes, start, end);
        else this.#holdNext(attempt, bytes, start, end);
      },
      onFailed: (reason) => {
        if (attempt === this.#current) this.#lost(reason);
        else this.#giveUpNext(reason);
      },
    });
    const deadline = clock.after(
      REOPEN_MS,
      () => this.#giveUpNext(new DriverError('camera.timeout', 'no intra picture came in time')),
      true,
    );
    this.#next = { attempt, held: new HeldPackets(REOPEN_LIMIT_BYTES), deadline };
    log.debug('the stream is opened beside itself for an intra picture');
  }

  #holdNext(attempt: PullAttempt, bytes: Uint8Array, start: number, end: number): void {
    if (this.#next?.attempt !== attempt) return;
    if (attempt.beginning === 'midway' || !this.#next.held.append(bytes, start, end))
      this.#giveUpNext(new DriverError('stream.unsupported', 'the stream did not begin with an intra picture this time'));
    else this.#changeOver(attempt);
  }

  /** Once the second connection plays and has shown its intra picture, in one tick. */
  #changeOver(attempt: PullAttempt): void {
    const next = this.#next;
    const { track } = attempt;
    if (next?.attempt !== attempt || track === undefined || attempt.beginning !== 'whole') return;
    next.deadline.cancel();
    this.#next = undefined;
    this.#current.hangUp();
    this.#current = attempt;
    this.#each((viewer) => viewer.onRestart());
    this.#playing(track);
    next.held.each((bytes, start, end) => {
      this.#spread(bytes, start, end);
      return !attempt.isOver;
    });
  }

  #giveUpNext(reason: unknown): void {
    const next = this.#next;
    if (next === undefined) return;
    this.#next = undefined;
    next.deadline.cancel();
    next.attempt.hangUp();
    this.#parts.habits.beginsWhole = false;
    this.#parts.log.debug('the stream could not be opened beside itself', { error: reason });
    if (this.#current.isOver) this.#fail(reason);
  }

  /** The current connection ended. A camera that lets only one in has ended it for the second one, and that one is waited for. */
  #lost(reason: unknown): void {
    if (this.#next === undefined) this.#fail(reason);
    else this.#parts.habits.beginsWhole = false;
  }

  #watchSilence(): void {
    const { clock } = this.#parts;
    this.#silenceTimer = clock.after(
      SILENCE_CHECK_MS,
      () => {
        if (clock.monotonicMs() - this.#current.lastPacketAt > SILENCE_MS)
          this.#fail(new DriverError('camera.timeout', 'the camera plays but sends nothing'));
        else this.#watchSilence();
      },
      true,
    );
  }

  #each(act: (viewer: PullViewer) => void): void {
    for (const viewer of this.#viewers) this.#guard(viewer, () => act(viewer));
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
    this.leave(viewer).catch(() => undefined);
    this.#tell(viewer, error);
  }

  /** What a viewer does with the bad news is its own affair: the others hear it all the same. */
  #tell(viewer: PullViewer, reason: unknown): void {
    try {
      viewer.onFailed(reason);
    } catch (error) {
      this.#parts.log.error('a viewer failed to take the end of its stream', { error });
    }
  }

  #fail(reason: unknown): void {
    if (this.#isOver) return;
    const viewers = [...this.#viewers];
    // Over first: a viewer that opens again while it is told gets another pull.
    this.#viewers.clear();
    this.#end();
    for (const viewer of viewers) this.#tell(viewer, reason);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.habits.isDeaf = this.#pictures.isUnsupported;
    this.#pictures.stop();
    this.#silenceTimer?.cancel();
    this.#next?.deadline.cancel();
    this.#next?.attempt.hangUp();
    this.#next = undefined;
    this.#current.hangUp();
    this.#parts.onOver();
  }
}
