import type { Clock, Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import type { EntryInput } from './entry.js';
import type { AskedBy, Intent, OperationLog } from './ports.js';
import { CAPACITY_WARNING, DEFAULT_RETENTION, type RetentionRule } from './retention.js';

/** Durable memory of what the owner chose. */
export interface RetentionStore {
  load(): Promise<RetentionRule | undefined>;
  save(rule: RetentionRule): Promise<void>;
}

/** What upkeep works on. */
export interface UpkeepParts {
  readonly log: Pick<OperationLog, 'prune' | 'fullness' | 'list' | 'append' | 'intent' | 'result'>;
  readonly store: RetentionStore;
  /** The log is nearly full: the owner is told (once a month, and in the log). */
  readonly onNearlyFull: () => void;
  readonly clock: Clock;
  readonly technicalLog: Log;
}

/** How often the log is looked after. One step takes at most 5 000 rows; a log that is far too long is shortened step by step. */
const LOOK_MS = 3_600_000;
const MONTH_MS = 30 * 86_400_000;
const MOST_STEPS = 50;
const FULL = 'security.log-capacity';

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

  /** The owner, or somebody at the recorder, chooses anew; written down before and after. `by` undefined: whoever asks has that done. */
  async choose(change: Partial<RetentionRule>, by: AskedBy | undefined): Promise<RetentionRule> {
    const before = this.#rule;
    const rule = { ...before, ...change };
    const told = { before: { ...before }, after: { ...rule } };
    const intent = by && (await this.#intend(by, told));
    await this.#keep(rule).catch(async (error: unknown) => {
      const code = error instanceof AgentError ? error.code : 'log.retention_failed';
      if (intent !== undefined) await this.#parts.log.result(intent, { result: 'failed', code });
      throw error;
    });
    if (intent !== undefined) await this.#parts.log.result(intent, { result: 'ok', ...told });
    this.look();
    return rule;
  }

  #intend({ person, ...way }: AskedBy, told: Pick<EntryInput, 'before' | 'after'>): Promise<Intent> {
    return this.#parts.log.intent({ ...way, action: 'log.retention', ...told }, person);
  }

  /** A hold counts at once, also when it cannot be stored; a rule that takes more away counts when it is. */
  async #keep(rule: RetentionRule): Promise<void> {
    if (rule.isHeld) this.#rule = { ...this.#rule, isHeld: true };
    await this.#parts.store.save(rule);
    this.#rule = rule;
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
    if (this.#warnedMs !== undefined && nowMs - this.#warnedMs < MONTH_MS) return;
    this.#warnedMs = nowMs;
    // A log at its bound stays there for good: neither every look nor every start is to say it again.
    const sinceAt = clock.now() - MONTH_MS;
    if ((await log.list({ action: FULL, sinceAt, limit: 1, newestFirst: true })).length > 0) return;
    const row = { action: FULL, phase: 'result', source: 'system', actor: 'system', result: 'ok' } as const;
    await log.append({ ...row, after: { rows: this.#rule.rows, days: this.#rule.days, isHeld: this.#rule.isHeld } });
    onNearlyFull();
  }
}
