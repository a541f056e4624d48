/**
 * The last day of samples in memory, one Float64Array per column: 24 h at one a minute is 115 kB and makes no garbage. Older rows
 * live in the store only.
 */
import type { HealthColumns, HealthSample } from './types.js';

const COLUMNS = ['at', 'cpu', 'memory', 'disk', 'temperatureCelsius', 'rssBytes', 'camerasUp', 'camerasTotal'] as const;
type Column = (typeof COLUMNS)[number];

/** A distance larger than this many periods is a gap. */
const GAP_PERIODS = 1.5;

/** A ring of samples, oldest overwritten first. */
export class History {
  readonly #columns: Readonly<Record<Column, Float64Array>>;
  readonly #capacity: number;
  readonly #periodMs: number;
  /** Index of the oldest row. */
  #start = 0;
  #length = 0;

  /** Keeps `spanMs` of samples that come every `periodMs`. */
  constructor(periodMs: number, spanMs = 86_400_000) {
    this.#periodMs = periodMs;
    this.#capacity = Math.max(2, Math.ceil(spanMs / periodMs) + 1);
    const make = (): Float64Array => new Float64Array(this.#capacity);
    this.#columns = {
      at: make(),
      cpu: make(),
      memory: make(),
      disk: make(),
      temperatureCelsius: make(),
      rssBytes: make(),
      camerasUp: make(),
      camerasTotal: make(),
    };
  }

  get length(): number {
    return this.#length;
  }

  /** Adds the newest row. A clock that stepped back makes rows of the future: they leave the chart, the store still has them. */
  append(sample: HealthSample): void {
    while (this.#length > 0 && this.#read('at', this.#length - 1) >= sample.at) this.#length -= 1;
    if (this.#length === this.#capacity) {
      this.#start = (this.#start + 1) % this.#capacity;
      this.#length -= 1;
    }
    const slot = (this.#start + this.#length) % this.#capacity;
    for (const name of COLUMNS) this.#columns[name][slot] = sample[name] ?? Number.NaN;
    this.#length += 1;
  }

  /** Rows at or after `fromAt`, with a row of nulls in each gap. */
  columns(fromAt: number): HealthColumns {
    const out: Record<Column, (number | null)[]> = {
      at: [],
      cpu: [],
      memory: [],
      disk: [],
      temperatureCelsius: [],
      rssBytes: [],
      camerasUp: [],
      camerasTotal: [],
    };
    let before = Number.NaN;
    for (let row = 0; row < this.#length; row += 1) {
      const at = this.#read('at', row);
      if (at < fromAt) continue;
      if (at - before > GAP_PERIODS * this.#periodMs) this.#pushGap(out, before + this.#periodMs);
      for (const name of COLUMNS) {
        const value = this.#read(name, row);
        out[name].push(Number.isNaN(value) ? null : value);
      }
      before = at;
    }
    return { periodMs: this.#periodMs, ...out, at: out.at.map(Number) };
  }

  #pushGap(out: Record<Column, (number | null)[]>, at: number): void {
    for (const name of COLUMNS) out[name].push(name === 'at' ? at : null);
  }

  #read(name: Column, row: number): number {
    return this.#columns[name][(this.#start + row) % this.#capacity] ?? Number.NaN;
  }
}

const NULLABLE = ['cpu', 'memory', 'memoryAvailableBytes', 'disk', 'diskFreeBytes', 'temperatureCelsius', 'rssBytes', 'uptimeS'] as const;
const REQUIRED = ['at', 'camerasUp', 'camerasTotal'] as const;

/** A row from the store, believed only when every number is one; else undefined. */
export function asHealthSample(row: unknown): HealthSample | undefined {
  if (row === null || typeof row !== 'object') return undefined;
  const fields = row as Record<string, unknown>;
  const out: Record<string, number | null> = {};
  for (const name of REQUIRED) {
    const value = fields[name];
    if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
    out[name] = value;
  }
  for (const name of NULLABLE) {
    const value = fields[name] ?? null;
    if (value !== null && (typeof value !== 'number' || !Number.isFinite(value))) return undefined;
    out[name] = value;
  }
  return out as unknown as HealthSample;
}
