import { RateLimit } from '../cloud/rate.js';

/** Most connections of one address, and of all together. */
export const MOST_PER_ADDRESS = 16;
/** Every connection costs about 50 KiB and a handshake. */
export const MOST_IN_ALL = 64;

/** Why a connection is not taken. */
export type GateRefusal = 'too_many_from_here' | 'too_many' | 'too_fast';

/** Counts connections before anything is spent on them: a handshake costs 10 ms on a small recorder. */
export class ConnectionGate {
  readonly #open = new Map<string, number>();
  readonly #rate = new RateLimit(10, 40);
  #count = 0;

  /** Connections now. */
  get count(): number {
    return this.#count;
  }

  /** Takes the connection, or says why not. What was taken is given back with `leave`. */
  enter(address: string, nowMs: number): GateRefusal | undefined {
    const here = this.#open.get(address) ?? 0;
    if (here >= MOST_PER_ADDRESS) return 'too_many_from_here';
    if (this.#count >= MOST_IN_ALL) return 'too_many';
    if (!this.#rate.take(address, nowMs)) return 'too_fast';
    this.#open.set(address, here + 1);
    this.#count += 1;
    return undefined;
  }

  /** The connection has ended. */
  leave(address: string): void {
    const here = this.#open.get(address) ?? 0;
    if (here > 1) this.#open.set(address, here - 1);
    else this.#open.delete(address);
    this.#count -= 1;
  }
}
