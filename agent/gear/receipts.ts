import type { ReceiptLine } from '../../drivers/port.js';
import type { Clock, Timer } from '../kernel/clock.js';

/** A till that does not cut its paper: after so much silence the receipt is over. */
const PAUSE_MS = 5_000;
const MOST_LINES = 60;

/** Lines of one till, gathered into receipts. */
export class Receipts {
  readonly #clock: Clock;
  readonly #onReceipt: (lines: readonly string[]) => void;
  #lines: string[] = [];
  #timer: Timer | undefined;
  #count = 0;

  constructor(clock: Clock, onReceipt: (lines: readonly string[]) => void) {
    this.#clock = clock;
    this.#onReceipt = onReceipt;
  }

  /** Receipts that ended since the start. */
  get count(): number {
    return this.#count;
  }

  /** A line that was printed. */
  take({ text, isLast }: ReceiptLine): void {
    this.#timer?.cancel();
    if (text !== '') this.#lines.push(text);
    if (isLast || this.#lines.length >= MOST_LINES) this.end();
    else this.#timer = this.#clock.after(PAUSE_MS, () => this.end(), true);
  }

  /** What was gathered is a receipt. */
  end(): void {
    this.#timer?.cancel();
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length === 0) return;
    this.#count += 1;
    this.#onReceipt(lines);
  }
}
