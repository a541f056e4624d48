/** Speeds from -1 to 1. */
export interface Direction {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

interface PtzParts {
  move(direction: Direction): Promise<unknown>;
  stop(): Promise<unknown>;
  onError(error: unknown): void;
}

/** The recorder stops a movement by itself when no further order comes; so it is repeated while the button is held. */
export const REPEAT_MS = 400;

/**
 * Holding a button: moves at once and again every 400 ms, one order at a time; releasing it always ends in exactly one stop, sent
 * after the last move so that the two cannot overtake each other.
 */
export class PtzDriver {
  readonly #parts: PtzParts;
  #held: Direction | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #inFlight: Promise<unknown> | undefined;

  constructor(parts: PtzParts) {
    this.#parts = parts;
  }

  press(direction: Direction): void {
    const isRepeat = this.#held?.pan === direction.pan && this.#held.tilt === direction.tilt && this.#held.zoom === direction.zoom;
    if (isRepeat) return;
    clearInterval(this.#timer);
    this.#held = direction;
    this.#send();
    this.#timer = setInterval(() => this.#send(), REPEAT_MS);
  }

  release(): void {
    if (this.#held === undefined) return;
    this.#held = undefined;
    clearInterval(this.#timer);
    const last = this.#inFlight ?? Promise.resolve();
    void last.then(() => this.#parts.stop()).catch((error: unknown) => this.#parts.onError(error));
  }

  #send(): void {
    if (this.#held === undefined || this.#inFlight !== undefined) return;
    this.#inFlight = this.#parts
      .move(this.#held)
      .catch((error: unknown) => {
        this.#parts.onError(error);
        clearInterval(this.#timer);
      })
      .finally(() => {
        this.#inFlight = undefined;
      });
  }
}
