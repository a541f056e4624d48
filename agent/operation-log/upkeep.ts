import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import type { EntryInput } from './entry.js';
import type { OperationLog } from './ports.js';
import { CAPACITY_WARNING, DEFAULT_RETENTION, type RetentionRule } from './retention.js';

/** Durable memory of what the owner chose. */
export interface RetentionStore {
  load(): Promise<RetentionRule | undefined>;
  save(rule: RetentionRule): Promise<void>;
}

/** What upkeep works on. */
export interface UpkeepParts {
  readonly log: Pick<OperationLog, 'prune' | 'fullness' | 'append' | 'intent' | 'result'>;
  readonly store: RetentionStore;
  /** The log is nearly full: the owner is told (once a day, and in the log). */
  readonly onNearlyFull: () => void;
  readonly clock: Clock;
  readonly technicalLog: Log;
}

/** How often the log is looked after. One step takes at most 5 000 rows; a log that is far too long is shortened step by step. */
const LOOK_MS = 3_600_000;
const DAY_MS = 86_400_000;
const MOST_STEPS = 50;

/** Keeps the log within what the owner chose: shortens it, says when it fills up, holds everything while a legal hold stands. */
export class LogUpkeep implements Service {
  readonly name = 'log-upkeep';
  readonly #parts: UpkeepParts;
  #rule: RetentionRule = DEFAULT_RETENTION;
  #timer: Timer | undefined;
  #warnedMs: number | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    this.#rule = (await this.#parts.store.load()) ?? DEFAULT_RETENTION;
    this.#timer = this.#parts.clock.every(LOOK_MS, () => this.look());
    this.look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  get rule(): RetentionRule {
    return this.#rule;
  }

  /** 1 is where the oldest rows go. */
  fullness(): Promise<number> {
    return this.#parts.log.fullness(this.#rule);
  }

  /** The owner, or somebody at the recorder, chooses anew; written down before and after. */
  async choose(change: Partial<RetentionRule>, by: Pick<EntryInput, 'actor' | 'source'>): Promise<RetentionRule> {
    const before = this.#rule;
    const rule = { ...before, ...change };
    const intent = await this.#parts.log.intent({ ...by, action: 'log.retention', before: { ...before }, after: { ...rule } });
    await this.#parts.store.save(rule);
    this.#rule = rule;
    await this.#parts.log.result(intent, { result: 'ok', before: { ...before }, after: { ...rule } });
    this.look();
    return rule;
  }

  /** One look, after the one that is under way. */
  look(): void {
    this.#running = this.#running
      .then(() => this.#shorten())
      .catch((error: unknown) => this.#parts.technicalLog.error('the operation log could not be looked after', { error }));
  }

  /** Resolves when the looks so far are done. */
  settled(): Promise<void> {
    return this.#running;
  }

  async #shorten(): Promise<void> {
    const { log } = this.#parts;
    for (let step = 0; step < MOST_STEPS && !this.#isStopped; step += 1) if ((await log.prune(this.#rule)) === 0) break;
    if (!this.#isStopped && (await log.fullness(this.#rule)) >= CAPACITY_WARNING) await this.#warn();
  }

  async #warn(): Promise<void> {
    const { clock, log, onNearlyFull } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#warnedMs !== undefined && nowMs - this.#warnedMs < DAY_MS) return;
    this.#warnedMs = nowMs;
    const row = { action: 'security.log-capacity', phase: 'result', source: 'system', actor: 'system', result: 'ok' } as const;
    await log.append({ ...row, after: { rows: this.#rule.rows, days: this.#rule.days, isHeld: this.#rule.isHeld } });
    onNearlyFull();
  }
}
