/**
 * When a picture is due: the recorder's own clock times the speed. Time is an argument, ms by the monotonic clock; footage time is wall
 * clock ms. Pure.
 */
export class Pacing {
  #speed: number;
  #isReverse: boolean;
  #anchor: { readonly atMs: number; readonly nowMs: number } | undefined;

  constructor(speed: number, isReverse: boolean) {
    this.#speed = speed;
    this.#isReverse = isReverse;
  }

  get speed(): number {
    return this.#speed;
  }

  get isReverse(): boolean {
    return this.#isReverse;
  }

  /** Another speed or direction; the next picture is shown at once and is the new anchor. */
  change(speed: number, isReverse: boolean): void {
    this.#speed = speed;
    this.#isReverse = isReverse;
    this.#anchor = undefined;
  }

  /** What comes next has nothing to do with the time of what came before: after a pause, a gap, a seek. */
  forget(): void {
    this.#anchor = undefined;
  }

  /**
   * The instant at which the picture of `atMs` is due. The first one is due now. A source that falls behind by more than `mostLateMs` is not
   * caught up with: pictures in a burst would only be dropped by the viewer.
   */
  dueMs(atMs: number, nowMs: number, mostLateMs: number): number {
    const anchor = this.#anchor ?? { atMs, nowMs };
    this.#anchor = anchor;
    const away = (this.#isReverse ? anchor.atMs - atMs : atMs - anchor.atMs) / this.#speed;
    const dueMs = anchor.nowMs + Math.max(0, away);
    if (dueMs >= nowMs - mostLateMs) return dueMs;
    this.#anchor = { atMs, nowMs };
    return nowMs;
  }
}
