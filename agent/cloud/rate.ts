/** Keys that are remembered; the longest unused give way. */
const MOST_KEYS = 1024;

/** Puts `value` at the end of the order of use, and lets the least recently used go when there are too many. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  if (map.size >= MOST_KEYS) map.delete(map.keys().next().value ?? '');
  map.set(key, value);
}

/** Token buckets per key: `perSecond` refill, `burst` size. Time comes in. A key that was forgotten begins with a full bucket, as a new one does. */
export class RateLimit {
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();
  readonly #perSecond: number;
  readonly #burst: number;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes `cost` tokens; false, with nothing taken, when there are fewer. */
  take(key: string, nowMs: number, cost = 1): boolean {
    const tokens = this.#tokens(key, nowMs);
    remember(this.#buckets, key, { tokens: tokens >= cost ? tokens - cost : tokens, atMs: nowMs });
    return tokens >= cost;
  }

  /** How long until there is a token; 0 when there is one. */
  waitMs(key: string, nowMs: number): number {
    return Math.max(0, Math.ceil(((1 - this.#tokens(key, nowMs)) / this.#perSecond) * 1000));
  }

  #tokens(key: string, nowMs: number): number {
    const known = this.#buckets.get(key);
    if (known === undefined) return this.#burst;
    return Math.min(this.#burst, known.tokens + ((nowMs - known.atMs) / 1000) * this.#perSecond);
  }
}

/** At most `most` per key in any stretch of `withinMs`: exact, where a bucket would let up to twice as many through. */
export class SlidingCount {
  readonly #times = new Map<string, number[]>();
  readonly #most: number;
  readonly #withinMs: number;

  constructor(most: number, withinMs: number) {
    this.#most = most;
    this.#withinMs = withinMs;
  }

  /** Counts one; how long to wait when it is one too many (which is then not counted), else 0. */
  take(key: string, nowMs: number): number {
    const times = (this.#times.get(key) ?? []).filter((at) => nowMs - at < this.#withinMs);
    const waitMs = times.length < this.#most ? 0 : (times[0] ?? nowMs) + this.#withinMs - nowMs;
    if (waitMs === 0) times.push(nowMs);
    remember(this.#times, key, times);
    return waitMs;
  }

  forget(key: string): void {
    this.#times.delete(key);
  }
}

/** Says yes once per key and period: for rows that would otherwise repeat every few seconds. */
export class OncePer {
  readonly #last = new Map<string, number>();
  readonly #periodMs: number;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  isDue(key: string, nowMs: number): boolean {
    const last = this.#last.get(key);
    if (last !== undefined && nowMs - last < this.#periodMs) return false;
    remember(this.#last, key, nowMs);
    return true;
  }

  /** What was said yes to did not happen: the next one is due. */
  forget(key: string): void {
    this.#last.delete(key);
  }
}
