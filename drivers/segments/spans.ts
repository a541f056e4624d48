/** From the beginnings of files to stretches of time; no I/O. Times are ms since 1970. */
import type { FootageSpan } from '../port.js';

/** One file: when it begins, and its path below the root. */
export interface Segment {
  readonly startMs: number;
  readonly path: string;
}

/** Recorders lose up to this between two files without a gap that anybody would see. */
export const JOINT_MS = 2_000;

/** The usual distance of two files: their median, of an even number the lower one. 0 where there are fewer than two. */
export function usualStepMs(segments: readonly Segment[]): number {
  const steps = segments.slice(1).map((segment, index) => segment.startMs - (segments[index]?.startMs ?? 0));
  return steps.sort((one, other) => one - other)[Math.floor((steps.length - 1) / 2)] ?? 0;
}

/** Whether the next file begins where one begun at `startMs` ends, as far as that can be told without opening either. */
export function isFollowed(startMs: number, nextMs: number | undefined, stepMs: number): boolean {
  return nextMs !== undefined && stepMs > 0 && nextMs - startMs <= stepMs * 1.25 + JOINT_MS;
}

/**
 * Stretches of the files of one folder, in order. Most files follow each other and need not be opened: `endOf` (which does open one) is asked
 * only where the next begins late, and gives undefined for a file that cannot be read. The last file is left open: its end is `undefined`
 * until somebody knows what follows.
 */
export async function stretch(
  segments: readonly Segment[],
  endOf: (segment: Segment) => Promise<number | undefined>,
): Promise<{ readonly spans: readonly FootageSpan[]; readonly stepMs: number }> {
  const stepMs = usualStepMs(segments);
  const spans: FootageSpan[] = [];
  let fromMs: number | undefined;
  for (const [index, segment] of segments.entries()) {
    const nextMs = segments[index + 1]?.startMs;
    fromMs ??= segment.startMs;
    if (nextMs === undefined || isFollowed(segment.startMs, nextMs, stepMs)) continue;
    const endMs = Math.min((await endOf(segment)) ?? segment.startMs, nextMs);
    if (nextMs - endMs <= JOINT_MS) continue;
    if (endMs > fromMs) spans.push({ fromMs, toMs: endMs });
    fromMs = undefined;
  }
  const last = segments.at(-1);
  // Up to the last file's beginning: whoever joins folders knows or asks the rest.
  if (last !== undefined && fromMs !== undefined) spans.push({ fromMs, toMs: last.startMs });
  return { spans, stepMs };
}

/** Stretches in order, those that overlap or nearly touch joined. */
export function joinSpans(spans: readonly FootageSpan[], nearMs = JOINT_MS): FootageSpan[] {
  const joined: { fromMs: number; toMs: number }[] = [];
  for (const span of [...spans].sort((one, other) => one.fromMs - other.fromMs)) {
    const last = joined.at(-1);
    if (last !== undefined && span.fromMs - last.toMs <= nearMs) last.toMs = Math.max(last.toMs, span.toMs);
    else joined.push({ ...span });
  }
  return joined;
}

/** What of the stretches lies between two instants. */
export function cutSpans(spans: readonly FootageSpan[], between: FootageSpan): FootageSpan[] {
  return spans
    .map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, between.fromMs), toMs: Math.min(toMs, between.toMs) }))
    .filter(({ fromMs, toMs }) => fromMs < toMs);
}
