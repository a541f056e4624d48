import type { Log, LogLevel } from '../../agent/kernel/log.js';

/** One line as it was handed to the log, before any redaction. */
export interface LogLine {
  readonly level: LogLevel;
  readonly area: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A log that keeps what it is told. */
export class TestLog implements Log {
  readonly lines: LogLine[];
  readonly #area: string;

  constructor(area = '', lines: LogLine[] = []) {
    this.#area = area;
    this.lines = lines;
  }

  debug(message: string, facts: LogLine['facts'] = {}): void {
    this.#note('debug', message, facts);
  }

  info(message: string, facts: LogLine['facts'] = {}): void {
    this.#note('info', message, facts);
  }

  warn(message: string, facts: LogLine['facts'] = {}): void {
    this.#note('warn', message, facts);
  }

  error(message: string, facts: LogLine['facts'] = {}): void {
    this.#note('error', message, facts);
  }

  area(name: string): Log {
    return new TestLog(this.#area === '' ? name : `${this.#area}.${name}`, this.lines);
  }

  #note(level: LogLevel, message: string, facts: LogLine['facts']): void {
    this.lines.push({ level, area: this.#area, message, facts });
  }
}
