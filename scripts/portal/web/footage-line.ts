import type { Timeline } from '../../../agent/contract/footage.js';

/** A stretch of time, ms since 1970. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Midnight of the day that `at` is in, on this device's calendar, and the midnight after it: a day may have 23 or 25 hours. */
export function dayAround(at: number, daysOn = 0): Stretch {
  const day = new Date(at);
  const midnight = (offset: number): number => new Date(day.getFullYear(), day.getMonth(), day.getDate() + offset).getTime();
  return { from: midnight(daysOn), to: midnight(daysOn + 1) };
}

/** Pairs of seconds after the line's begin, as stretches within it. */
function stretches(pairs: readonly number[], { from, to }: Stretch): Stretch[] {
  const found: Stretch[] = [];
  for (let at = 0; at + 1 < pairs.length; at += 2) {
    const [begin, end] = [from + (pairs[at] ?? 0) * 1000, Math.min(to, from + (pairs[at + 1] ?? 0) * 1000)];
    if (end > begin) found.push({ from: begin, to: end });
  }
  return found;
}

/** What one camera recorded, what lies between, and where something moved. */
export interface Line {
  readonly spans: readonly Stretch[];
  /** Between the first and the last recording. */
  readonly gaps: readonly Stretch[];
  readonly motion: readonly Stretch[];
  readonly recordedMs: number;
}

/** The line of `cam` from an answer about one or many. */
export function lineOf(timeline: Timeline, cam: string): Line {
  const mine = timeline.cams.find((one) => one.cam === cam);
  const spans = stretches(mine?.spans ?? [], timeline);
  const gaps = spans.flatMap((span, at) => {
    const next = spans[at + 1];
    return next === undefined ? [] : [{ from: span.to, to: next.from }];
  });
  const recordedMs = spans.reduce((sum, { from, to }) => sum + to - from, 0);
  return { spans, gaps, motion: stretches(mine?.motion ?? [], timeline), recordedMs };
}

/** Whether there is a recording of this moment. */
export const isRecorded = ({ spans }: Line, at: number): boolean => spans.some(({ from, to }) => at >= from && at < to);

/** `14:03` or `14:03:22` of a day, as its moment; undefined for anything else. */
export function momentOf(text: string, day: Stretch): number | undefined {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const at = new Date(day.from);
  at.setHours(hours, minutes, seconds, 0);
  return at.getTime();
}
