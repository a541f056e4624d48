import type { GearNote, GearParts } from './ports.js';

/** A panel or a till gone mad must not fill the log: so many rows in a minute, the rest is counted. */
const MOST_NOTES = 60;
const MINUTE_MS = 60_000;

/** Writes what one piece of gear told into the operation log. Each has a writer of its own: a till gone mad must not cost an alarm its row. */
export class NoteWriter {
  readonly #parts: Pick<GearParts, 'note' | 'clock' | 'log'>;
  readonly #path: string;
  #minuteBegan = Number.NEGATIVE_INFINITY;
  #notes = 0;
  #dropped = 0;

  /** `path` names the gear in the log of the program. */
  constructor(parts: Pick<GearParts, 'note' | 'clock' | 'log'>, path: string) {
    this.#parts = parts;
    this.#path = path;
  }

  /** Whether the row is on the disk. Never throws or rejects; what cannot be written stands in the log of the program. */
  async note(note: GearNote): Promise<boolean> {
    const { clock, log } = this.#parts;
    const path = this.#path;
    if (clock.monotonicMs() - this.#minuteBegan >= MINUTE_MS) {
      if (this.#dropped > 0) log.warn('serial gear told more than the operation log takes', { path, dropped: this.#dropped });
      this.#minuteBegan = clock.monotonicMs();
      this.#notes = 0;
      this.#dropped = 0;
    }
    this.#notes += 1;
    if (this.#notes > MOST_NOTES) {
      this.#dropped += 1;
      return false;
    }
    try {
      await this.#parts.note(note);
      return true;
    } catch (error) {
      log.error('what serial gear told could not be written to the operation log', { path, error });
      return false;
    }
  }
}
