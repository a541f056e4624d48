import type { SharedKeys } from '../contract/spake2plus.js';
import { type PairingWay, TRIES_PER_PRESS } from './window.js';

/** Longest time between the right code and the accepted consent: people read. */
export const EXCHANGE_MS = 10 * 60_000;

interface Exchange {
  readonly keys: SharedKeys;
  readonly startedMs: number;
}

/**
 * Exchanges that were answered and not finished, per way. As many as there are tries: whoever makes exchanges to push out somebody else's has
 * none left before he succeeds.
 */
export class Exchanges {
  readonly #open: Record<PairingWay, Map<string, Exchange>> = { relay: new Map(), lan: new Map() };

  remember(way: PairingWay, sid: string, exchange: Exchange): void {
    const open = this.#open[way];
    open.delete(sid);
    if (open.size >= TRIES_PER_PRESS) open.delete(open.keys().next().value ?? '');
    open.set(sid, exchange);
  }

  /**
   * The keys of an exchange, once: good or bad, it is spent. Undefined when it is unknown, too old, or was begun on the other way (then it is
   * spent too: it is known to somebody who should not know it).
   */
  take(way: PairingWay, sid: string, nowMs: number): SharedKeys | undefined {
    const found = this.#open[way].get(sid);
    this.#open.relay.delete(sid);
    this.#open.lan.delete(sid);
    return found !== undefined && nowMs - found.startedMs < EXCHANGE_MS ? found.keys : undefined;
  }

  clear(): void {
    this.#open.relay.clear();
    this.#open.lan.clear();
  }
}
