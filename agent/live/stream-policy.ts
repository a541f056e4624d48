/**
 * When a session that may choose by itself plays the large stream and when the small one. It goes down when the viewer's line does
 * not carry what is sent, and up again only by trying, because what a line would carry beyond what is sent cannot be known; after
 * every attempt that failed the next one waits twice as long, so it does not swing. Pure; time is an argument.
 */
import type { StreamKind } from './ports.js';

/** Lost so much for a while: the line is full. Below it resends and the viewer's buffer cope (5 % is watched without a freeze). */
const BAD_LOSS = 0.1;
/** Lost so much: there is no picture worth waiting for. */
const VERY_BAD_LOSS = 0.3;
/** An estimate below this share of what is sent says the same as loss. */
const TIGHT_ESTIMATE = 0.85;
/** Between good and bad nothing is concluded: that is the first half of the hysteresis. */
const GOOD_LOSS = 0.03;
const BAD_FOR_MS = 2_500;
const VERY_BAD_FOR_MS = 800;
/** Reports this soon after a change speak of the stream before it, or of its intra picture. */
const SETTLE_MS = 4_000;
/** First attempt to go up: as soon as the line has shown that it carries the small stream. */
const FIRST_UP_MS = 3_000;
const SECOND_UP_MS = 20_000;
const LONGEST_UP_MS = 600_000;
/** Who held the large stream so long may try again quickly after the next fall. */
const PROVEN_MS = 120_000;
/** A gap in the reports says nothing about the time between. */
const REPORT_GAP_MS = 5_000;

/** What is remembered of one session between two reports. */
export interface StreamCourse {
  readonly stream: StreamKind;
  /** Monotonic ms of the last change of the stream, or of the begin. */
  readonly sinceAt: number;
  readonly badSinceAt: number | undefined;
  readonly goodSinceAt: number | undefined;
  readonly lastReportAt: number;
  /** Good for so long before it goes up. */
  readonly upAfterMs: number;
}

/** One report of the viewer, with what was sent meanwhile. */
export interface CourseReport {
  readonly atMs: number;
  readonly loss: number;
  readonly estimateBps: number | undefined;
  readonly sentBps: number;
}

/** At the begin of a session. */
export const beginCourse = (stream: StreamKind, atMs: number): StreamCourse => ({
  stream,
  sinceAt: atMs,
  badSinceAt: undefined,
  goodSinceAt: undefined,
  lastReportAt: atMs,
  upAfterMs: FIRST_UP_MS,
});

/** The course after a report, and the stream that should be played now (the one that is, unless it is time to change). */
export function judgeReport(course: StreamCourse, report: CourseReport): { readonly course: StreamCourse; readonly wanted: StreamKind } {
  const { atMs } = report;
  const isGap = atMs - course.lastReportAt > REPORT_GAP_MS;
  const isTight = report.estimateBps !== undefined && report.estimateBps < report.sentBps * TIGHT_ESTIMATE;
  const isBad = report.loss >= BAD_LOSS || isTight;
  const isGood = report.loss <= GOOD_LOSS && !isTight;
  const badSinceAt = isBad ? ((isGap ? undefined : course.badSinceAt) ?? atMs) : undefined;
  const goodSinceAt = isGood ? ((isGap ? undefined : course.goodSinceAt) ?? atMs) : undefined;
  const next: StreamCourse = { ...course, badSinceAt, goodSinceAt, lastReportAt: atMs };
  return { course: next, wanted: wantedBy(next, report) };
}

function wantedBy(course: StreamCourse, { atMs, loss }: CourseReport): StreamKind {
  const { stream, badSinceAt, goodSinceAt } = course;
  if (stream === 'main') {
    const patienceMs = loss >= VERY_BAD_LOSS ? VERY_BAD_FOR_MS : BAD_FOR_MS;
    const isLasting = badSinceAt !== undefined && atMs - badSinceAt >= patienceMs;
    return isLasting && atMs - course.sinceAt >= SETTLE_MS ? 'sub' : 'main';
  }
  return goodSinceAt !== undefined && atMs - goodSinceAt >= course.upAfterMs ? 'main' : 'sub';
}

/** The stream was changed at `atMs`. A fall soon after a rise doubles the wait for the next rise. */
export function courseChanged(course: StreamCourse, stream: StreamKind, atMs: number): StreamCourse {
  const isFall = stream === 'sub' && course.stream === 'main';
  const isProven = atMs - course.sinceAt >= PROVEN_MS;
  const upAfterMs = isFall ? (isProven ? SECOND_UP_MS : longer(course.upAfterMs)) : course.upAfterMs;
  return { ...course, stream, upAfterMs, sinceAt: atMs, badSinceAt: undefined, goodSinceAt: undefined };
}

/** The other stream could not be opened: it is tried again, but later and later. */
export function courseFailed(course: StreamCourse, atMs: number): StreamCourse {
  return { ...course, upAfterMs: longer(course.upAfterMs), badSinceAt: undefined, goodSinceAt: undefined, lastReportAt: atMs };
}

const longer = (ms: number): number => Math.min(LONGEST_UP_MS, Math.max(SECOND_UP_MS, ms * 2));
