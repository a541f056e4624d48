/** Which frame goes next on a shared bus. Pure apart from its own memory. */

/** A frame that waits. `settle` is called exactly once. */
export interface QueuedFrame {
  /** One per camera: takes its turn with the others. */
  readonly lane: string;
  readonly bytes: Buffer;
  /** A `move` that was not sent yet is replaced by a newer one, and dropped by a stop. */
  readonly kind: 'stop' | 'move' | 'other';
  /** Bytes that end what this frame begins, for when the cable comes loose in between. */
  readonly undo?: Buffer | undefined;
  /** The bus stays silent behind this frame until `read` has what it waits for, or the time is over. */
  readonly reply?: { readonly waitMs: number; readonly read: (bytes: Uint8Array) => boolean } | undefined;
  readonly settle: (failure: Error | undefined) => void;
}

/**
 * Stops go before everything. Else the cameras take turns, one frame each: a newer movement replaces an older one that was not sent yet (a
 * joystick makes more than 2400 baud can carry), so no camera can keep another one waiting for long.
 */
export class CommandQueue {
  readonly #stops = new Map<string, QueuedFrame>();
  readonly #lanes = new Map<string, QueuedFrame[]>();

  get size(): number {
    let size = this.#stops.size;
    for (const frames of this.#lanes.values()) size += frames.length;
    return size;
  }

  add(frame: QueuedFrame): void {
    const { lane, kind } = frame;
    const waiting = this.#lanes.get(lane) ?? [];
    const replaced = kind === 'other' ? [] : waiting.filter((one) => one.kind === 'move');
    const kept = waiting.filter((one) => !replaced.includes(one));
    // In its place: who talks much must not lose his turn by it.
    this.#keep(lane, kind === 'stop' ? kept : [...kept, frame]);
    // Replaced frames count as done: the device gets something newer from the same hand.
    for (const one of replaced) one.settle(undefined);
    if (kind !== 'stop') return;
    const older = this.#stops.get(lane);
    this.#stops.set(lane, frame);
    older?.settle(undefined);
  }

  /** The frame to send now. A Map keeps the order of insertion, which makes the turns. */
  next(): QueuedFrame | undefined {
    for (const [lane, frame] of this.#stops) {
      this.#stops.delete(lane);
      return frame;
    }
    for (const [lane, [frame, ...rest]] of this.#lanes) {
      this.#lanes.delete(lane);
      if (rest.length > 0) this.#lanes.set(lane, rest);
      return frame;
    }
    return undefined;
  }

  /** Takes a frame back that was not sent; false when it is not waiting any more. */
  remove(frame: QueuedFrame): boolean {
    if (this.#stops.get(frame.lane) === frame) return this.#stops.delete(frame.lane);
    const frames = this.#lanes.get(frame.lane) ?? [];
    if (!frames.includes(frame)) return false;
    this.#keep(
      frame.lane,
      frames.filter((one) => one !== frame),
    );
    return true;
  }

  /** Ends everything that waits. */
  clear(failure: Error): void {
    for (let frame = this.next(); frame !== undefined; frame = this.next()) frame.settle(failure);
  }

  #keep(lane: string, frames: QueuedFrame[]): void {
    if (frames.length > 0) this.#lanes.set(lane, frames);
    else this.#lanes.delete(lane);
  }
}
