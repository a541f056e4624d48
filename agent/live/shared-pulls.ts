import type { VideoTrack } from '../../drivers/port.js';
import type { LiveCamera, LiveParts, StreamKind } from './ports.js';
import { remember } from './remember.js';
import { type PullViewer, SharedPull, type SharedPullParts, type StreamHabits } from './shared-pull.js';

/** A viewer's place at a stream. */
export interface Seat {
  /** The last H.264 profile of this stream, so that an answer can name it before the camera tells it again. */
  readonly profileLevelId: string | undefined;
  /** This viewer has nothing to show yet. */
  wantPicture(): void;
  /** This viewer lost packets. */
  repairPicture(): void;
  /** Nothing more comes when this returns; resolves when the camera's connection is gone, at once while others watch it. */
  leave(): Promise<void>;
}

/** The camera's connection that just ended is waited for at most so long: a teardown takes 300 ms at most. */
const LET_GO_MS = 1_000;

/** One pull per camera and stream, shared by its viewers. */
export class SharedPulls {
  readonly #parts: Pick<LiveParts, 'clock' | 'log' | 'streams'>;
  readonly #pulls = new Map<string, SharedPull>();
  readonly #habits = new Map<string, StreamHabits>();
  /** Per camera and stream, the connections that are being closed: a camera with one place only would refuse the next one. */
  readonly #closing = new Map<string, Promise<void>>();

  constructor(parts: Pick<LiveParts, 'clock' | 'log' | 'streams'>) {
    this.#parts = parts;
  }

  /** Takes a place in this tick: at the pull that runs, or at one begun now. A stream of another codec than the wanted one fails. */
  join(camera: LiveCamera, stream: StreamKind, viewer: PullViewer, codec: VideoTrack['codec'] = 'H264'): Seat {
    // Host and source are part of the key: a camera that moved, or shows another profile or port there, is another source.
    const key = [camera.channelId, stream, camera.deviceHost, camera.source(stream), codec].join(' ');
    const habits = this.#habits.get(key) ?? { profileLevelId: undefined, isDeaf: false, beginsWhole: undefined };
    remember(this.#habits, key, habits);
    const pull = this.#pulls.get(key) ?? this.#begin(key, { stream, codec, habits }, camera);
    pull.join(viewer, camera);
    return {
      profileLevelId: habits.profileLevelId,
      wantPicture: () => pull.wantPicture(viewer),
      repairPicture: () => pull.repairPicture(),
      leave: () => pull.leave(viewer),
    };
  }

  #begin(key: string, of: Pick<SharedPullParts, 'stream' | 'codec' | 'habits'>, camera: LiveCamera): SharedPull {
    const place = `${camera.channelId} ${of.stream}`;
    const onOver = (): void => {
      if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
      this.#close(place, pull.closed);
    };
    const pull: SharedPull = new SharedPull({ ...this.#parts, ...of, after: this.#letGo(place), onOver }, camera);
    this.#pulls.set(key, pull);
    return pull;
  }

  #close(place: string, closed: Promise<void>): void {
    const closing = closed
      .catch(() => undefined)
      .finally(() => {
        if (this.#closing.get(place) === closing) this.#closing.delete(place);
      });
    this.#closing.set(place, closing);
  }

  /** Undefined when nothing is being closed there. */
  #letGo(place: string): Promise<void> | undefined {
    const closing = this.#closing.get(place);
    if (closing === undefined) return undefined;
    return new Promise((resolve) => {
      const late = this.#parts.clock.after(LET_GO_MS, resolve, true);
      void closing.finally(() => {
        late.cancel();
        resolve();
      });
    });
  }
}
