import type { DownKind } from '../contract/topics.js';
import type { Origin } from './call.js';
import { RateLimit } from './rate.js';

/**
 * How many letters are looked at before anybody knows who sent them; opening one costs a millisecond. Each way in has its own counts, so that a
 * flood over the relay does not keep out whoever stands at the recorder; each kind too, so that a flood of letters does not keep a
 * withdrawal out; and on the local network no one address can use up what all of them share.
 */
export class DoorRates {
  readonly #all = new RateLimit(50, 200);
  /** In bytes: a letter is copied a handful of times while it is opened, and a small recorder must not run out of memory over letters of strangers. */
  readonly #bytes = new RateLimit(262_144, 2_097_152);
  readonly #pairing = new RateLimit(2, 20);
  readonly #perRemote = new RateLimit(20, 80);
  readonly #pairingPerRemote = new RateLimit(1, 10);

  /** Whether one more of this kind and size may come in from there now. What is refused to one address is not charged to the others. */
  take(kind: DownKind, bytes: number, from: Origin, nowMs: number): boolean {
    const isPairing = kind === 'pair';
    if (from.remote !== undefined) {
      const own = isPairing ? this.#pairingPerRemote : this.#perRemote;
      if (!own.take(`${kind} ${from.remote}`, nowMs)) return false;
    }
    const key = `${from.source} ${kind}`;
    return this.#all.take(key, nowMs) && this.#bytes.take(key, nowMs, bytes) && (!isPairing || this.#pairing.take(key, nowMs));
  }
}
