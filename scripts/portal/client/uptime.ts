/**
 * A recorder's uptime as this app reckons it: what the recorder last said, and the time since that came. News is always a little old
 * when it arrives, so the reckoning is too low, never too high; of two within one boot the higher is nearer the truth. Times in ms, `nowMs`
 * from a clock that never jumps.
 */
export class Uptime {
  #boot = '';
  #startedMs = 0;

  /** A signed status: another boot begins anew, within one the higher reckoning stays. */
  learn(boot: string, up: number, nowMs: number): void {
    const startedMs = nowMs - up;
    if (boot !== this.#boot || startedMs < this.#startedMs) this.#startedMs = startedMs;
    this.#boot = boot;
  }

  /** The recorder's own word in a refusal counts whichever way it corrects: this device's clock may have stood still or run ahead. */
  correct(up: number, nowMs: number): void {
    this.#startedMs = nowMs - up;
  }

  /** Whole milliseconds, never below 0. */
  at(nowMs: number): number {
    return Math.max(0, Math.floor(nowMs - this.#startedMs));
  }
}
