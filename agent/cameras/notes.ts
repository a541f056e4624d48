import type { CameraEvent } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { CameraAlarm, CameraNote } from './ports.js';

const ALARMS: ReadonlySet<string> = new Set<CameraAlarm>(['tamper', 'video-loss', 'hardware-failure']);
/** A camera gone mad must not push the acts of people out of the log: so many rows at once, and one more per period. */
const MOST_ROWS = 12;
const ROW_MS = 5 * 60_000;
/** More contacts than a camera has. */
const MOST_KEYS = 64;

/** What notes are made with. */
export interface CameraNotesParts {
  readonly note: (note: CameraNote) => void;
  readonly clock: Clock;
  readonly log: Log;
}

interface Book {
  /** What the log was told last, by kind and source. */
  readonly told: Map<string, boolean>;
  rows: number;
  refilledMs: number;
  isMuted: boolean;
}

/**
 * Which of the things that cameras say are worth a row: complaints and contacts, each when it changes. What a camera repeats after a restart or a
 * lost connection is no change. One kind of complaint is one matter, however many lenses have it.
 */
export class CameraNotes {
  readonly #parts: CameraNotesParts;
  readonly #books = new Map<string, Book>();

  constructor(parts: CameraNotesParts) {
    this.#parts = parts;
  }

  /** `alarms`: what the channel complains of after this event. */
  heard(channel: string, { kind, isOn, isInitial, source }: CameraEvent, alarms: readonly CameraAlarm[]): void {
    if (ALARMS.has(kind)) {
      const alarm = kind as CameraAlarm;
      const isStillOn = alarms.includes(alarm);
      this.#tell(channel, alarm, isStillOn, { kind: 'alarm', channel, alarm, isOn: isStillOn });
    } else if (kind === 'digital-input') {
      const book = this.#book(channel);
      const key = `input ${source}`;
      // How a contact stands when listening begins is no news.
      if (isInitial && !book.told.has(key) && book.told.size < MOST_KEYS) book.told.set(key, isOn);
      this.#tell(channel, key, isOn, { kind: 'input', channel, input: source, isOn });
    }
  }

  forget(channel: string): void {
    this.#books.delete(channel);
  }

  #tell(channel: string, key: string, isOn: boolean, note: CameraNote): void {
    const book = this.#book(channel);
    if ((book.told.get(key) ?? false) === isOn) return;
    if (!book.told.has(key) && book.told.size >= MOST_KEYS) return;
    if (!this.#mayWrite(channel, book)) return;
    book.told.set(key, isOn);
    this.#parts.note(note);
  }

  #mayWrite(channel: string, book: Book): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    const earned = Math.floor((nowMs - book.refilledMs) / ROW_MS);
    if (earned > 0) {
      book.rows = Math.min(MOST_ROWS, book.rows + earned);
      book.refilledMs += earned * ROW_MS;
    }
    if (book.rows > 0) {
      book.rows -= 1;
      book.isMuted = false;
      return true;
    }
    if (!book.isMuted) this.#parts.log.warn('a camera tells more than the operation log takes', { camera: channel });
    book.isMuted = true;
    return false;
  }

  #book(channel: string): Book {
    const known = this.#books.get(channel);
    if (known !== undefined) return known;
    const made: Book = { told: new Map(), rows: MOST_ROWS, refilledMs: this.#parts.clock.monotonicMs(), isMuted: false };
    this.#books.set(channel, made);
    return made;
  }
}
