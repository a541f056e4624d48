import type { FootagePicture } from '../../drivers/port.js';
import type { FootageWord, Speed } from '../contract/footage.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { PlaybackVerdict, RecordingSource } from './ports.js';

/** What a player needs. */
export interface PlayerParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly source: RecordingSource;
  /** The permission as it stands in this tick. */
  readonly verdict: () => PlaybackVerdict;
  /** Hands a picture to the gate; `dueMs` is monotonic. */
  readonly show: (picture: FootagePicture, dueMs: number) => void;
  readonly tell: (word: FootageWord) => void;
}

/** How a player begins. */
export interface PlayerStart {
  readonly atMs: number;
  readonly speed: Speed;
  readonly isPlaying: boolean;
}
