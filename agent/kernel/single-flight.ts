/** Callers that ask for the same thing while it is being made share one making. */
export class SingleFlight<T> {
  readonly #inFlight = new Map<string, Promise<T>>();

  run(key: string, make: () => Promise<T>): Promise<T> {
    const running = this.#inFlight.get(key);
    if (running !== undefined) return running;
    const made = make().finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, made);
    return made;
  }
}
