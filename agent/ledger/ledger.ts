import type { Clock, Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { type Log, RateLimitedLog } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { type ConsentFacts, type Destination, dayOf, type LeavingClass, type LedgerLine, mayLeave } from './policy.js';

/** Where the book is kept. `add` adds to what stands there for the same day, class and destination, all or nothing. */
export interface LedgerStore {
  add(lines: readonly LedgerLine[]): Promise<void>;
  /** Lines of these days, both included. */
  between(fromDay: number, toDay: number): Promise<readonly LedgerLine[]>;
  /** Forgets days before this one. */
  prune(beforeDay: number): Promise<void>;
}

/** What the ledger needs. */
export interface LedgerParts {
  readonly store: LedgerStore;
  readonly consent: () => ConsentFacts;
  /** A class outside the consent wanted to leave: for the operation log, once an hour per class. */
  readonly onRefused: (what: LeavingClass, to: Destination) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often sums are written: flash wears by pages, not by bytes. */
const WRITE_MS = 10 * 60_000;
const KEEP_DAYS = 400;
const REFUSAL_TOLD_MS = 3_600_000;

/**
 * Books every byte that leaves, and refuses what the consent does not cover, in the same tick. Sums of the last ten minutes are in memory: a
 * power cut loses them, a stop does not.
 */
export class Ledger implements Service {
  readonly name = 'ledger';
  readonly #parts: LedgerParts;
  readonly #log: RateLimitedLog;
  readonly #toldMs = new Map<string, number>();
  #open = new Map<string, LedgerLine>();
  #timer: Timer | undefined;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
    this.#log = new RateLimitedLog(parts.log, parts.clock);
  }

  async start(): Promise<void> {
    this.#timer = this.#parts.clock.every(WRITE_MS, () => void this.flush());
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.flush();
  }

  /** Asked before anything leaves. @throws AgentError ledger.outside_consent */
  ask(what: LeavingClass, to: Destination): void {
    if (mayLeave(what, to, this.#parts.consent())) return;
    const nowMs = this.#parts.clock.monotonicMs();
    const told = this.#toldMs.get(`${what} ${to}`);
    if (told === undefined || nowMs - told >= REFUSAL_TOLD_MS) {
      this.#toldMs.set(`${what} ${to}`, nowMs);
      this.#parts.onRefused(what, to);
    }
    throw new AgentError({
      code: 'ledger.outside_consent',
      say: `The owner has not agreed that this leaves the recorder (${what}).`,
      fix: 'The owner can agree on the recorder’s own page, or in the app when the recorder is paired.',
    });
  }

  /** Something has left: `bytes` as they were handed to the network library. */
  book(what: LeavingClass, to: Destination, bytes: number, messages = 1): void {
    const day = dayOf(this.#parts.clock.now());
    const key = `${day} ${what} ${to}`;
    const line = this.#open.get(key);
    this.#open.set(key, { day, what, to, messages: (line?.messages ?? 0) + messages, bytes: (line?.bytes ?? 0) + bytes });
  }

  /** What left on these days (UTC, days since 1970), up to this moment. */
  async between(fromDay: number, toDay: number): Promise<readonly LedgerLine[]> {
    await this.flush();
    return this.#parts.store.between(fromDay, toDay);
  }

  /** Writes the sums. What cannot be written stays for the next time. */
  async flush(): Promise<void> {
    const lines = [...this.#open.values()];
    if (lines.length === 0) return;
    this.#open = new Map();
    try {
      await this.#parts.store.add(lines);
      await this.#parts.store.prune(dayOf(this.#parts.clock.now()) - KEEP_DAYS);
    } catch (error) {
      this.#log.warn('ledger', 'what left the recorder could not be written down', { error });
      for (const line of lines) this.#putBack(line);
    }
  }

  #putBack(line: LedgerLine): void {
    const key = `${line.day} ${line.what} ${line.to}`;
    const since = this.#open.get(key);
    this.#open.set(key, {
      ...line,
      messages: line.messages + (since?.messages ?? 0),
      bytes: line.bytes + (since?.bytes ?? 0),
    });
  }
}
