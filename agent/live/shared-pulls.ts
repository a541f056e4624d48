import type { LiveCamera, LiveParts, StreamKind } from './ports.js';
import { remember } from './remember.js';
import { type PullViewer, SharedPull, type StreamHabits } from './shared-pull.js';

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

/** One pull per camera and stream, shared by its viewers. */
export class SharedPulls {
  readonly #parts: Pick<LiveParts, 'clock' | 'log' | 'streams'>;
  readonly #pulls = new Map<string, SharedPull>();
  readonly #habits = new Map<string, StreamHabits>();

  constructor(parts: Pick<LiveParts, 'clock' | 'log' | 'streams'>) {
    this.#parts = parts;
  }

  /** Takes a place in this tick: at the pull that runs, or at one begun now. */
  join(camera: LiveCamera, stream: StreamKind, viewer: PullViewer): Seat {
    // The host is part of the key: a camera that moved is another source.
    const key = `${camera.channelId}/${stream}/${camera.deviceHost}`;
    const habits = this.#habits.get(key) ?? { profileLevelId: undefined, isDeaf: false, beginsWhole: undefined };
    remember(this.#habits, key, habits);
    const pull = this.#pulls.get(key) ?? this.#begin(key, habits, stream, camera);
    pull.join(viewer, camera);
    return {
      profileLevelId: habits.profileLevelId,
      wantPicture: () => pull.wantPicture(viewer),
      repairPicture: () => pull.repairPicture(),
      leave: () => pull.leave(viewer),
    };
  }

  #begin(key: string, habits: StreamHabits, stream: StreamKind, camera: LiveCamera): SharedPull {
    const onOver = (): void => {
      if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
    };
    const pull: SharedPull = new SharedPull({ ...this.#parts, stream, habits, onOver }, camera);
    this.#pulls.set(key, pull);
    return pull;
  }
}
