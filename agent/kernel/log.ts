import type { Clock } from './clock.js';
import { redactText, redactValue } from './redact.js';

/** How grave a line is, from least to most. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The technical log (stderr, journald). The operation log, which tells who did what, is another thing: agent/operation-log. */
export interface Log {
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** The same sink, with `area` in front. */
  area(name: string): Log;
}

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Where lines go and which. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Takes one line without its newline. */
  readonly write: (line: string) => void;
  /** `json` for machines (journald, tests), `text` for people. */
  readonly format: 'json' | 'text';
}

/** Redaction happens here, in the sink: no caller can forget it. */
export function createLog(options: LogOptions, areaName = ''): Log {
  const at =
    (level: LogLevel) =>
    (message: string, facts?: Readonly<Record<string, unknown>>): void => {
      if (RANK[level] < RANK[options.level]) return;
      const safe = facts === undefined ? {} : (redactValue(facts) as Record<string, unknown>);
      options.write(render(options, level, areaName, redactText(message), safe));
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    area: (name) => createLog(options, areaName === '' ? name : `${areaName}.${name}`),
  };
}

function render(options: LogOptions, level: LogLevel, area: string, message: string, facts: Record<string, unknown>): string {
  const time = new Date(options.clock.now()).toISOString();
  if (options.format === 'json') return JSON.stringify({ time, level, area, message, ...facts });
  const tail = Object.entries(facts).map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${area === '' ? '' : `${area}: `}${message}${tail.join('')}`;
}

/** Says a kind of thing at most once per `periodMs` and counts what it kept back: a flood of bad input must not become a flood of log. */
export class RateLimitedLog {
  readonly #kinds = new Map<string, { nextAt: number; held: number }>();
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #periodMs: number;

  constructor(log: Log, clock: Clock, periodMs = 60_000) {
    this.#log = log;
    this.#clock = clock;
    this.#periodMs = periodMs;
  }

  warn(kind: string, message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    const now = this.#clock.monotonicMs();
    const seen = this.#kinds.get(kind);
    if (seen !== undefined && now < seen.nextAt) {
      seen.held += 1;
      return;
    }
    if (this.#kinds.size > 256) this.#kinds.clear();
    this.#kinds.set(kind, { nextAt: now + this.#periodMs, held: 0 });
    this.#log.warn(message, { kind, ...facts, ...(seen !== undefined && seen.held > 0 ? { alsoSince: seen.held } : {}) });
  }
}
