/** Lets so many things be on their way at once; the others wait for their turn, in order. mqtt.js does not keep to a broker's receive maximum by itself. */
export class InFlight {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(size: number) {
    this.#free = size;
  }

  /** Settles as `send` does, which is called at once when there is room. */
  async run<T>(send: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await send();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
