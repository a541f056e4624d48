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
  /** An instant that is surely past: days are forgotten by it, so that a clock that is set ahead for a moment takes none. Default: the clock. */
  readonly surelyAt?: (() => number) | undefined;
  readonly log: Log;
}

/** How often it is looked whether sums are to be written: flash wears by pages, not by bytes, so small ones wait for an hour. */
const LOOK_MS = 10 * 60_000;
const SMALL_BYTES = 64 * 1024;
const LONGEST_MS = 3_600_000;
const KEEP_DAYS = 400;
const REFUSAL_TOLD_MS = 3_600_000;

/**
 * Books every byte that leaves, and refuses what the consent does not cover, in the same tick. The newest sums are in memory: a power cut loses ten
 * minutes of them, or an hour when they are below 64 KiB; a stop loses none.
 */
export class Ledger implements Service {
  readonly name = 'ledger';
  readonly #parts: LedgerParts;
  readonly #log: RateLimitedLog;
  readonly #toldMs = new Map<string, number>();
  readonly #booked = new Map<Destination, number>();
  readonly #meters = new Set<() => void>();
  #open = new Map<string, LedgerLine>();
  #timer: Timer | undefined;
  #writtenMs = 0;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
    this.#log = new RateLimitedLog(parts.log, parts.clock);
  }

  async start(): Promise<void> {
    this.#writtenMs = this.#parts.clock.monotonicMs();
    this.#timer = this.#parts.clock.every(LOOK_MS, () => void this.#look());
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

  /** Bytes that were booked for this destination since the start. */
  bookedBytes(to: Destination): number {
    return this.#booked.get(to) ?? 0;
  }

  /** Something has left: `bytes` as they were handed to the network library. */
  book(what: LeavingClass, to: Destination, bytes: number, messages = 1): void {
    this.#booked.set(to, this.bookedBytes(to) + bytes);
    const day = dayOf(this.#parts.clock.now());
    const key = `${day} ${what} ${to}`;
    const line = this.#open.get(key);
    this.#open.set(key, { day, what, to, messages: (line?.messages ?? 0) + messages, bytes: (line?.bytes ?? 0) + bytes });
  }

  /** `read` books what some counter has counted since the last time: called before sums are written or shown. */
  addMeter(read: () => void): void {
    this.#meters.add(read);
  }

  /** What left on these days (UTC, days since 1970), up to this moment. */
  async between(fromDay: number, toDay: number): Promise<readonly LedgerLine[]> {
    await this.flush();
    return this.#parts.store.between(fromDay, toDay);
  }

  /** Writes the sums. What cannot be written stays for the next time. */
  async flush(): Promise<void> {
    for (const read of this.#meters) read();
    this.#writtenMs = this.#parts.clock.monotonicMs();
    const lines = [...this.#open.values()];
    if (lines.length === 0) return;
    this.#open = new Map();
    try {
      await this.#parts.store.add(lines);
      await this.#parts.store.prune(dayOf(this.#parts.surelyAt?.() ?? this.#parts.clock.now()) - KEEP_DAYS);
    } catch (error) {
      this.#log.warn('ledger', 'what left the recorder could not be written down', { error });
      for (const line of lines) this.#putBack(line);
    }
  }

  async #look(): Promise<void> {
    for (const read of this.#meters) read();
    let waiting = 0;
    for (const { bytes } of this.#open.values()) waiting += bytes;
    if (waiting >= SMALL_BYTES || this.#parts.clock.monotonicMs() - this.#writtenMs >= LONGEST_MS) await this.flush();
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
