/** Token buckets per key, as plain data: `perSecond` refill, `burst` size. Pure apart from the map it keeps; time comes in. */
export class RateLimit {
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();
  readonly #perSecond: number;
  readonly #burst: number;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes one token; false when there is none. */
  take(key: string, nowMs: number): boolean {
    const known = this.#buckets.get(key);
    const tokens =
      known === undefined ? this.#burst : Math.min(this.#burst, known.tokens + ((nowMs - known.atMs) / 1000) * this.#perSecond);
    if (known === undefined && this.#buckets.size >= 1024) this.#buckets.clear();
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs });
    return tokens >= 1;
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
    if (this.#last.size >= 1024) this.#last.clear();
    this.#last.set(key, nowMs);
    return true;
  }
}
