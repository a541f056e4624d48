import type { Clock } from '../kernel/clock.js';
import type { Database } from './database.js';
import type { Schema } from './schema.js';

const MINUTE_MS = 60_000;
/** On a disk that cannot be written, the newest six hours wait. */
const MOST_WAITING = 360;
const DAY_MS = 86_400_000;
const KEEP_MS = 7 * DAY_MS;

/** A sample and the minute it stands for. */
export interface StoredSample<T> {
  /** Start of the minute, UTC ms. */
  readonly at: number;
  readonly sample: T;
}

/**
 * Samples written together, unless somebody flushes before: each commit costs 20 KiB of flash, measured, whatever is in it. The agent flushes when it
 * writes something else anyway (compose/floored-clock.ts).
 */
const GATHER = 30;

/**
 * One health sample a minute, kept for seven days. They are written many at a time, so a power cut takes some minutes of the chart with it: the
 * operation log, the alerts and everything that decides something are written at once elsewhere.
 */
export class HealthStore {
  readonly #database: Database;
  readonly #clock: Clock;
  #waiting = new Map<number, string>();
  /** Old samples go once a day, together with a writing that comes anyway. */
  #prunedDay = 0;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** `sample` must be JSON. A second one in the same minute replaces the first. */
  async append(at: number, sample: unknown): Promise<void> {
    this.#waiting.set(Math.floor(at / MINUTE_MS), JSON.stringify(sample));
    if (this.#waiting.size >= GATHER) await this.flush();
  }

  /** Writes what is waiting, and takes out what is older than seven days. What cannot be written waits on, but not without end. */
  async flush(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const rows = this.#waiting;
    this.#waiting = new Map();
    const nowAt = this.#clock.now();
    const day = Math.floor(nowAt / DAY_MS);
    try {
      await this.#database.write(async (tx) => {
        const sql = 'INSERT INTO health_sample(minute, json) VALUES(?, ?) ON CONFLICT(minute) DO UPDATE SET json=excluded.json';
        for (const [minute, json] of rows) await tx.run(sql, [minute, json]);
        if (day !== this.#prunedDay)
          await tx.run('DELETE FROM health_sample WHERE minute < ?', [Math.floor((nowAt - KEEP_MS) / MINUTE_MS)]);
      });
      this.#prunedDay = day;
    } catch (error) {
      this.#waiting = new Map([...rows, ...this.#waiting].slice(-MOST_WAITING));
      throw error;
    }
  }

  /** Samples from `sinceAt` (UTC ms, inclusive) on, oldest first. Those that do not fit the schema (an older version's) are left out. */
  async since<T>(sinceAt: number, schema: Schema<T>): Promise<readonly StoredSample<T>[]> {
    await this.flush();
    const rows = await this.#database.all('SELECT minute, json FROM health_sample WHERE minute >= ? ORDER BY minute', [
      Math.ceil(sinceAt / MINUTE_MS),
    ]);
    return rows.flatMap((row) => {
      const read = schema.safeParse(asJson(String(row.json)));
      return read.success ? [{ at: Number(row.minute) * MINUTE_MS, sample: read.data }] : [];
    });
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
