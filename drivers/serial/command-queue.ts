/** Which frame goes next on a shared bus. Pure apart from its own memory. */

/** A frame that waits. `settle` is called exactly once. */
export interface QueuedFrame {
  readonly address: number;
  readonly bytes: Buffer;
  readonly isStop: boolean;
  readonly settle: (failure: Error | undefined) => void;
}

/**
 * Stops go before everything. Else one waiting frame per address, addresses in turn: a newer movement replaces an older one that was not
 * sent yet (a joystick makes more than 2400 baud can carry), so no camera can keep another one waiting for long.
 */
export class CommandQueue {
  readonly #stops = new Map<number, QueuedFrame>();
  readonly #moves = new Map<number, QueuedFrame>();

  get size(): number {
    return this.#stops.size + this.#moves.size;
  }

  add(frame: QueuedFrame): void {
    // Replaced frames count as done: the device gets something newer from the same hand.
    this.#take(this.#moves, frame.address)?.settle(undefined);
    if (frame.isStop) this.#take(this.#stops, frame.address)?.settle(undefined);
    (frame.isStop ? this.#stops : this.#moves).set(frame.address, frame);
  }

  /** The frame to send now. A Map keeps the order of insertion, which makes the turns. */
  next(): QueuedFrame | undefined {
    for (const waiting of [this.#stops, this.#moves]) {
      for (const address of waiting.keys()) return this.#take(waiting, address);
    }
    return undefined;
  }

  /** Takes a frame back that was not sent; false when it is not waiting any more. */
  remove(frame: QueuedFrame): boolean {
    const waiting = frame.isStop ? this.#stops : this.#moves;
    return waiting.get(frame.address) === frame && waiting.delete(frame.address);
  }

  /** Ends everything that waits. */
  clear(failure: Error): void {
    for (let frame = this.next(); frame !== undefined; frame = this.next()) frame.settle(failure);
  }

  #take(waiting: Map<number, QueuedFrame>, address: number): QueuedFrame | undefined {
    const frame = waiting.get(address);
    waiting.delete(address);
    return frame;
  }
}
