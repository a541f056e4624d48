/**
 * Which command numbers of one key were seen. Numbers need not come in order (a browser signs several commands at once, and signing takes
 * different times), but each counts once, and none that is older than the window is taken. One window per key and boot.
 */
export class ReplayWindow {
  readonly #size: number;
  /** Ascending. */
  readonly #seen: number[] = [];
  #floor = 0;

  constructor(size = 64) {
    this.#size = size;
  }

  /** Whether the number can still be taken. */
  isNew(n: number): boolean {
    return n > this.#floor && !this.#seen.includes(n);
  }

  /** Takes the number; false when it was seen or is too old to know. */
  take(n: number): boolean {
    if (!this.isNew(n)) return false;
    const at = this.#seen.findIndex((known) => known > n);
    this.#seen.splice(at < 0 ? this.#seen.length : at, 0, n);
    if (this.#seen.length > this.#size) this.#floor = this.#seen.shift() ?? this.#floor;
    return true;
  }
}
