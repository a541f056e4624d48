import { gapBetween, LEAST_GAP_MS, type Stretch } from './stretches.js';

/** Where intra pictures only are shown, and some cameras make few, a shorter step is no gap by itself. */
const LEAST_FAST_GAP_MS = 30_000;

/** What gaps are told by: the picture that came last, shown or not, and the two steps before it. Times are wall clock ms. Pure. */
export class SeenPictures {
  #atMs: number | undefined;
  #steps: readonly [number, number] = [0, 0];

  add(atMs: number): void {
    if (this.#atMs !== undefined) this.#steps = [this.#steps[1], Math.abs(atMs - this.#atMs)];
    this.#atMs = atMs;
  }

  /** What comes next has nothing to do with what came before. */
  forget(): void {
    this.#atMs = undefined;
  }

  /**
   * The gap in front of this picture; undefined when there is none. The pictures themselves tell one too: a file that is listed may be damaged.
   * Cameras that make few pictures make no gaps by that.
   */
  gapTo(atMs: number, spans: readonly Stretch[], way: { readonly isBackwards: boolean; readonly isFast: boolean }): Stretch | undefined {
    const before = this.#atMs;
    if (before === undefined) return undefined;
    const listed = gapBetween(spans, before, atMs);
    if (listed !== undefined) return listed;
    const stepMs = way.isBackwards ? before - atMs : atMs - before;
    const leastMs = way.isFast ? LEAST_FAST_GAP_MS : LEAST_GAP_MS;
    if (stepMs < Math.max(leastMs, 2 * Math.min(...this.#steps))) return undefined;
    return { fromMs: Math.min(before, atMs), toMs: Math.max(before, atMs) };
  }
}
