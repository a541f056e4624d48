import type { FactName, Level } from '../types.js';

/** How long a fact must stay bad before it is told, and stay good before it is taken back. All in ms. */
export interface Holds {
  /** At or above warn for this long: warn is announced. */
  readonly warnAfterMs: number;
  /** At crit for this long: crit is announced. */
  readonly critAfterMs: number;
  /** Below what was announced for this long: taken back. */
  readonly clearAfterMs: number;
  /** Each relapse doubles `clearAfterMs` up to this. Equal to it where nothing flaps. */
  readonly clearMaxMs: number;
}

/** What a check found: how bad, and the sentence for it. Never a false alarm of its own: time is judged by alerts.ts. */
export interface Finding {
  readonly level: Level;
  readonly sentence: string;
}

/** One fact. `judge` is pure: value, level before (for hysteresis) and time in, finding out. */
export interface Check<Value> {
  readonly fact: FactName;
  /** The recorder's word for it in alerts that have no camera. */
  readonly name: string;
  readonly holds: Holds;
  judge(value: Value, before: Level, at: number): Finding;
}

/** Thresholds of a value that is bad when high. It leaves a level only below that level's clear value. */
export interface Thresholds {
  readonly warn: number;
  readonly crit: number;
  readonly clearWarn: number;
  readonly clearCrit: number;
}

/** Level of `value` by thresholds with hysteresis (Netdata's pattern: the limit depends on the state one is in). */
export function levelWithHysteresis(value: number, before: Level, limits: Thresholds): Level {
  if (value >= (before === 'crit' ? limits.clearCrit : limits.crit)) return 'crit';
  if (value >= (before === 'ok' ? limits.warn : limits.clearWarn)) return 'warn';
  return 'ok';
}

const RANK: Record<Level, number> = { ok: 0, warn: 1, crit: 2 };

/** Positive when `a` is worse than `b`, 0 when equal. */
export function compareLevels(a: Level, b: Level): number {
  return RANK[a] - RANK[b];
}

/** 0.734 -> "73 %". */
export function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}

/** Bytes as a person says them: "1.5 GB". Decimal units, as disks are sold. */
export function bytesInWords(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A duration as a person says it: "40 s", "12 min", "3 h", "2 days". */
export function durationInWords(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 90) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} days`;
}
