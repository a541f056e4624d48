/**
 * When a finding becomes news. Pure: levels and time in, next state and at most one announced change out. Time is monotonic
 * milliseconds, so that a stepping clock neither fires nor clears anything.
 */
import { compareLevels, type Holds } from './checks/check.js';
import type { AlertNotice, AlertPhase, Level } from './types.js';

/** What one alert remembers. `...Since` are monotonic ms; null when the condition does not hold now. */
export interface AlertState {
  /** What the outside was told. */
  readonly announced: Level;
  readonly warnSince: number | null;
  readonly critSince: number | null;
  /** Since when it is better than announced. */
  readonly betterSince: number | null;
  /** The worst seen since then: that is what may be announced next. */
  readonly worstBetter: Level;
  /** Present length of the clear hold. */
  readonly holdMs: number;
  /** When it was last taken back; a relapse soon after keeps the long hold. */
  readonly clearedSince: number | null;
}

/** Where an alert stands after a finding, and what is to be told, if anything. */
export interface AlertStep {
  readonly next: AlertState;
  readonly change: { readonly from: Level; readonly to: Level; readonly kind: AlertNotice['kind'] } | undefined;
}

/** An alert about which nothing was said. */
export function quietAlert(holds: Holds): AlertState {
  return {
    announced: 'ok',
    warnSince: null,
    critSince: null,
    betterSince: null,
    worstBetter: 'ok',
    holdMs: holds.clearAfterMs,
    clearedSince: null,
  };
}

/** An alert that was announced before a restart: its holds begin anew, nothing is told again. */
export function rememberedAlert(level: Level, holdMs: number, holds: Holds): AlertState {
  const boundedMs = Math.min(holds.clearMaxMs, Math.max(holds.clearAfterMs, holdMs));
  return { ...quietAlert(holds), announced: level, holdMs: boundedMs };
}

/** Takes one finding. At most one change is announced per step. */
export function stepAlert(before: AlertState, level: Level, nowMs: number, holds: Holds): AlertStep {
  const seen = observe(before, level, nowMs, holds);
  const worse = dueWorse(seen, nowMs, holds);
  if (worse !== undefined) {
    const kind = seen.announced === 'ok' ? 'fired' : 'worse';
    return { next: fire(seen, worse, holds), change: { from: seen.announced, to: worse, kind } };
  }
  if (seen.betterSince !== null && nowMs - seen.betterSince >= seen.holdMs) {
    const to = seen.worstBetter;
    const next = { ...seen, announced: to, betterSince: null, worstBetter: 'ok' as Level, clearedSince: to === 'ok' ? nowMs : null };
    return { next, change: { from: seen.announced, to, kind: to === 'ok' ? 'recovered' : 'better' } };
  }
  return { next: seen, change: undefined };
}

function observe(before: AlertState, level: Level, nowMs: number, holds: Holds): AlertState {
  const isBetter = compareLevels(level, before.announced) < 0;
  const hasRelapsed = before.betterSince !== null && !isBetter;
  const isCalm = before.clearedSince !== null && nowMs - before.clearedSince >= holds.clearMaxMs;
  const holdMs = hasRelapsed ? doubled(before.holdMs, holds) : isCalm ? holds.clearAfterMs : before.holdMs;
  const worstBefore = before.betterSince === null ? level : before.worstBetter;
  return {
    announced: before.announced,
    warnSince: level === 'ok' ? null : (before.warnSince ?? nowMs),
    critSince: level === 'crit' ? (before.critSince ?? nowMs) : null,
    betterSince: isBetter ? (before.betterSince ?? nowMs) : null,
    worstBetter: isBetter ? worseOf(worstBefore, level) : 'ok',
    holdMs,
    clearedSince: isCalm ? null : before.clearedSince,
  };
}

function dueWorse(state: AlertState, nowMs: number, holds: Holds): Level | undefined {
  if (state.announced === 'crit') return undefined;
  if (state.critSince !== null && nowMs - state.critSince >= holds.critAfterMs) return 'crit';
  if (state.announced === 'ok' && state.warnSince !== null && nowMs - state.warnSince >= holds.warnAfterMs) return 'warn';
  return undefined;
}

function fire(state: AlertState, to: Level, holds: Holds): AlertState {
  // Told as cured not long ago, and ill again: the next cure must hold longer.
  const holdMs = state.clearedSince === null ? state.holdMs : doubled(state.holdMs, holds);
  return { ...state, announced: to, betterSince: null, worstBetter: 'ok', clearedSince: null, holdMs };
}

function doubled(holdMs: number, holds: Holds): number {
  return Math.min(holds.clearMaxMs, holdMs * 2);
}

function worseOf(a: Level, b: Level): Level {
  return compareLevels(a, b) >= 0 ? a : b;
}

/** The word for where an alert stands. */
export function phaseOf(state: AlertState): AlertPhase {
  if (state.announced === 'ok') return state.warnSince === null ? 'ok' : 'pending';
  return state.betterSince === null ? 'firing' : 'recovering';
}
