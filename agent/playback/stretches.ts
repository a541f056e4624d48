/** Stretches of footage, and the gaps between them. Times are wall clock ms. Pure. */

/** From `fromMs` up to, but not with, `toMs`. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A pause between two pictures that is shorter is no gap: cameras with few pictures, joints of files. */
export const LEAST_GAP_MS = 2_000;

/** The part of a stretch that lies within bounds; undefined when nothing does. Null: no bound on that side. */
export function within({ fromMs, toMs }: Stretch, from: number | null, to: number | null): Stretch | undefined {
  const cut = { fromMs: Math.max(fromMs, from ?? fromMs), toMs: Math.min(toMs, to ?? toMs) };
  return cut.fromMs < cut.toMs ? cut : undefined;
}

/** The gap that lies between two instants of which pictures are known, in order of time; undefined when it is one stretch. */
export function gapBetween(spans: readonly Stretch[], oneMs: number, otherMs: number): Stretch | undefined {
  const [before, after] = oneMs < otherMs ? [oneMs, otherMs] : [otherMs, oneMs];
  const last = spans.findLast((span) => span.fromMs <= before);
  const next = spans.find((span) => span.toMs > before && span.fromMs <= after && after < span.toMs + LEAST_GAP_MS && span !== last);
  if (last === undefined || next === undefined || next.fromMs - last.toMs < LEAST_GAP_MS) return undefined;
  return { fromMs: Math.max(last.toMs, before), toMs: Math.min(next.fromMs, after) };
}

/** The next instant with footage from `atMs` on (or back from it); undefined when there is none that way. */
export function nextFootage(spans: readonly Stretch[], atMs: number, isReverse: boolean): number | undefined {
  if (isReverse) {
    const before = spans.findLast((span) => span.fromMs < atMs);
    return before === undefined ? undefined : Math.min(atMs, before.toMs);
  }
  const after = spans.find((span) => span.toMs > atMs);
  return after === undefined ? undefined : Math.max(atMs, after.fromMs);
}

/** All gaps of at least LEAST_GAP_MS between stretches, in order. */
export function gapsOf(spans: readonly Stretch[]): readonly Stretch[] {
  return spans.slice(1).flatMap((span, index) => {
    const before = spans[index]?.toMs ?? span.fromMs;
    return span.fromMs - before >= LEAST_GAP_MS ? [{ fromMs: before, toMs: span.fromMs }] : [];
  });
}

/** Gaps shorter than this are shown at every size. */
const FINEST_MS = 1_000;

/**
 * Stretches of several cameras in few enough numbers: the shortest gaps are closed until at most `most` stretches are left altogether.
 * Gives the length below which gaps are not shown.
 */
export function coarsen(
  all: readonly (readonly Stretch[])[],
  most: number,
): { readonly all: readonly (readonly Stretch[])[]; readonly resolutionMs: number } {
  let resolutionMs = FINEST_MS;
  let now = all;
  while (now.reduce((sum, spans) => sum + spans.length, 0) > most && resolutionMs < 2 ** 40) {
    resolutionMs *= 2;
    now = all.map((spans) => closeGaps(spans, resolutionMs));
  }
  return { all: now, resolutionMs };
}

function closeGaps(spans: readonly Stretch[], nearMs: number): readonly Stretch[] {
  const closed: { fromMs: number; toMs: number }[] = [];
  for (const span of spans) {
    const last = closed.at(-1);
    if (last !== undefined && span.fromMs - last.toMs < nearMs) last.toMs = Math.max(last.toMs, span.toMs);
    else closed.push({ ...span });
  }
  return closed;
}

/** Begin and end in whole seconds after `fromMs`; nothing that is there is rounded away. */
export function toPairs(spans: readonly Stretch[], fromMs: number): number[] {
  return spans.flatMap((span) => [Math.floor((span.fromMs - fromMs) / 1000), Math.ceil((span.toMs - fromMs) / 1000)]);
}
