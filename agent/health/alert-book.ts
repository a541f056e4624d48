/** Keeps one alert per key over time and turns findings into notices; the arithmetic is in alerts.ts. */
import { type AlertState, phaseOf, quietAlert, rememberedAlert, stepAlert } from './alerts.js';
import type { Holds } from './checks/check.js';
import type { JudgedFact } from './facts.js';
import type { AlertMemory, AlertNotice, AlertNow, FactName, Level, RememberedAlert } from './types.js';

interface Entry {
  readonly fact: FactName;
  readonly object: string;
  readonly name: string;
  readonly holds: Holds;
  readonly state: AlertState;
  readonly firedAt: number | null;
  readonly level: Level;
  readonly sentence: string;
}

/** All alerts of the recorder, one per key (`disk`, `camera-up:ch-2`). */
export class AlertBook {
  readonly #entries = new Map<string, Entry>();
  /** Announced before the restart, and not judged yet. */
  readonly #remembered = new Map<string, RememberedAlert>();

  /** Level a fact had at the sample before, for hysteresis. */
  levelBefore(key: string): Level {
    return this.#entries.get(key)?.level ?? this.#remembered.get(key)?.level ?? 'ok';
  }

  /** Takes what was kept over a restart; anything that is not an alert memory is ignored. */
  remember(memory: unknown): void {
    for (const alert of readMemory(memory)) this.#remembered.set(alert.key, alert);
  }

  /** Judged facts of one sample in, announced changes out. `at` is wall time for the notice, `nowMs` monotonic for the holds. */
  step(facts: readonly JudgedFact[], at: number, nowMs: number): readonly AlertNotice[] {
    const notices: AlertNotice[] = [];
    const keys = new Set(facts.map((fact) => fact.key));
    for (const fact of facts) {
      const notice = this.#stepOne(fact, at, nowMs);
      if (notice !== undefined) notices.push(notice);
    }
    for (const key of [...this.#entries.keys(), ...this.#remembered.keys()]) {
      if (keys.has(key)) continue;
      const notice = this.#withdraw(key, at);
      if (notice !== undefined) notices.push(notice);
    }
    return notices;
  }

  #stepOne(fact: JudgedFact, at: number, nowMs: number): AlertNotice | undefined {
    // A fact that is not told now is no news in either direction: the alert stays as it is.
    if (fact.finding === undefined) return undefined;
    const before = this.#entries.get(fact.key) ?? this.#entryFor(fact);
    const { next, change } = stepAlert(before.state, fact.finding.level, nowMs, fact.holds);
    const firedAt = next.announced === 'ok' ? null : (before.firedAt ?? at);
    const { level, sentence } = fact.finding;
    this.#entries.set(fact.key, { ...before, name: fact.name, state: next, firedAt, level, sentence });
    this.#remembered.delete(fact.key);
    if (change === undefined) return undefined;
    return notice(fact, change, at, firedAt ?? before.firedAt ?? at, sentence);
  }

  #entryFor(fact: JudgedFact): Entry {
    const kept = this.#remembered.get(fact.key);
    const state = kept === undefined ? quietAlert(fact.holds) : rememberedAlert(kept.level, kept.holdMs, fact.holds);
    const { object, name, holds } = fact;
    return { fact: fact.fact, object, name, holds, state, firedAt: kept?.firedAt ?? null, level: kept?.level ?? 'ok', sentence: '' };
  }

  #withdraw(key: string, at: number): AlertNotice | undefined {
    const entry = this.#entries.get(key);
    const kept = this.#remembered.get(key);
    this.#entries.delete(key);
    this.#remembered.delete(key);
    const from = entry?.state.announced ?? kept?.level ?? 'ok';
    const about = entry ?? kept;
    if (about === undefined || from === 'ok') return undefined;
    const sentence = `${about.name} is not part of this recorder any more.`;
    const { fact, object, name } = about;
    return notice({ key, fact, object, name }, { from, to: 'ok', kind: 'withdrawn' }, at, about.firedAt ?? at, sentence);
  }

  /** Alerts that are pending, firing or recovering. */
  now(): readonly AlertNow[] {
    return [...this.#entries].flatMap(([key, entry]) => {
      const phase = phaseOf(entry.state);
      if (phase === 'ok') return [];
      const { fact, object, firedAt, sentence } = entry;
      return [{ key, fact, object, phase, level: entry.state.announced, firedAt, sentence }];
    });
  }

  /** What must survive a restart. */
  memory(): AlertMemory {
    const alerts = [...this.#entries].flatMap(([key, entry]) => {
      const { announced: level, holdMs } = entry.state;
      if (level === 'ok' || entry.firedAt === null) return [];
      return [{ key, fact: entry.fact, object: entry.object, name: entry.name, level, firedAt: entry.firedAt, holdMs }];
    });
    return { version: 1, alerts: [...alerts, ...this.#remembered.values()] };
  }
}

function notice(
  about: { readonly key: string; readonly fact: FactName; readonly object: string; readonly name: string },
  change: { readonly from: Level; readonly to: Level; readonly kind: AlertNotice['kind'] },
  at: number,
  firedAt: number,
  sentence: string,
): AlertNotice {
  const { key, fact, object, name } = about;
  return { id: `${key}@${firedAt}:${change.to}:${at}`, key, fact, object, name, ...change, at, firedAt, sentence };
}

const FACTS: readonly string[] = [
  'cpu',
  'memory',
  'disk',
  'temperature',
  'camera-up',
  'camera-alarm',
  'power',
] satisfies readonly FactName[];

function readMemory(memory: unknown): readonly RememberedAlert[] {
  const alerts = (memory as { alerts?: unknown } | null | undefined)?.alerts;
  if (!Array.isArray(alerts)) return [];
  return alerts.filter(isRemembered).slice(0, 1000);
}

function isRemembered(row: unknown): row is RememberedAlert {
  const fields = (row ?? {}) as Record<string, unknown>;
  return (
    ['key', 'object', 'name'].every((name) => typeof fields[name] === 'string') &&
    ['firedAt', 'holdMs'].every((name) => Number.isFinite(fields[name])) &&
    FACTS.includes(String(fields.fact)) &&
    (fields.level === 'warn' || fields.level === 'crit')
  );
}
