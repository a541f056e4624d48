import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { SqlRow } from './connection.js';
import type { Database, Transaction } from './database.js';

/** What leaves the box over the relay, by kind. */
export type OutboxClass = 'status' | 'reply' | 'health' | 'log' | 'config';

/** A message as the rest of the agent hands it over. */
export interface OutboxMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly class: OutboxClass;
  /** UTC ms; null: good for ever. */
  readonly expiresAt: number | null;
  /** A newer message with the same key replaces an unsent older one (retained topics); null: none is replaced. */
  readonly dedupeKey: string | null;
}

/** A message in the queue. */
export interface QueuedMessage extends OutboxMessage {
  /** Rises with every message, never used twice. */
  readonly id: number;
  readonly createdAt: number;
}

/** Bounds of the whole queue; bytes are those of payloads. */
export interface OutboxLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** What is in the queue, and what became of the rest. */
export interface OutboxCounts {
  readonly rows: number;
  readonly bytes: number;
  /** Since the process started: thrown away because the queue was full, or too old. */
  readonly dropped: number;
  readonly expired: number;
}

const DEFAULT_LIMITS: OutboxLimits = { maxRows: 10_000, maxBytes: 16 * 1024 * 1024 };
/** Higher leaves first and is thrown away last: a person waits for a reply; health is measured again anyway. */
const RANK: Readonly<Record<OutboxClass, number>> = { health: 0, log: 1, config: 2, status: 3, reply: 4 };

interface Change {
  rows: number;
  bytes: number;
  dropped: number;
}

/**
 * The durable queue to the relay. Bounded; survives restarts. A message stays until `markSent`, so one that was on its way when
 * the process died is sent again.
 */
export class OutboxStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #limits: OutboxLimits;
  readonly #listeners = new Set<() => void>();
  #counts = { rows: 0, bytes: 0, dropped: 0, expired: 0 };

  private constructor(database: Database, clock: Clock, limits: OutboxLimits) {
    this.#database = database;
    this.#clock = clock;
    this.#limits = limits;
  }

  static async open(database: Database, clock: Clock, limits: OutboxLimits = DEFAULT_LIMITS): Promise<OutboxStore> {
    const store = new OutboxStore(database, clock, limits);
    const row = await database.get('SELECT count(*) AS rows, coalesce(sum(length(payload)), 0) AS bytes FROM outbox');
    store.#counts.rows = Number(row?.rows ?? 0);
    store.#counts.bytes = Number(row?.bytes ?? 0);
    return store;
  }

  get counts(): OutboxCounts {
    return { ...this.#counts };
  }

  /** Called after each new message. Returns the way to stop it. */
  onEnqueued(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The message's id. Makes room by throwing away the oldest of the lowest class. Rejects with `store.message_too_large`. */
  async enqueue(message: OutboxMessage): Promise<number> {
    if (message.payload.byteLength > this.#limits.maxBytes) throw tooLarge(message.payload.byteLength);
    const change: Change = { rows: 0, bytes: 0, dropped: 0 };
    const id = await this.#database.write(async (tx) => {
      Object.assign(change, { rows: 0, bytes: 0, dropped: 0 });
      if (message.dedupeKey !== null) await this.#remove(tx, 'dedupe_key=?', message.dedupeKey, change);
      const { lastId } = await tx.run(
        `INSERT INTO outbox(topic, payload, qos, retain, class, rank, created_at, expires_at, dedupe_key) VALUES(?,?,?,?,?,?,?,?,?)`,
        [
          message.topic,
          message.payload,
          message.qos,
          message.retain ? 1 : 0,
          message.class,
          RANK[message.class],
          this.#clock.now(),
          message.expiresAt,
          message.dedupeKey,
        ],
      );
      change.rows += 1;
      change.bytes += message.payload.byteLength;
      await this.#makeRoom(tx, change);
      return lastId;
    });
    this.#count(change);
    for (const listener of this.#listeners) listener();
    return id;
  }

  /** The next messages to send: replies first, then status, configuration, log, health; within a class in order of arrival. */
  async peek(limit: number): Promise<readonly QueuedMessage[]> {
    const rows = await this.#database.all(
      'SELECT * FROM outbox WHERE expires_at IS NULL OR expires_at > ? ORDER BY rank DESC, id LIMIT ?',
      [this.#clock.now(), limit],
    );
    return rows.map(asMessage);
  }

  /** Only after the broker acknowledged it. Unknown ids (replaced or expired meanwhile) are no error. */
  async markSent(id: number): Promise<void> {
    const change: Change = { rows: 0, bytes: 0, dropped: 0 };
    await this.#database.write((tx) => this.#remove(tx, 'id=?', id, change));
    this.#count(change);
  }

  /** Removes what is too old to be of use; the number removed. */
  async expire(): Promise<number> {
    const change: Change = { rows: 0, bytes: 0, dropped: 0 };
    await this.#database.write((tx) => this.#remove(tx, 'expires_at <= ?', this.#clock.now(), change));
    this.#count(change);
    const removed = Math.abs(change.rows);
    this.#counts.expired += removed;
    return removed;
  }

  /** Removes everything unsent (the site changed hands). */
  async clear(): Promise<void> {
    const change: Change = { rows: 0, bytes: 0, dropped: 0 };
    await this.#database.write((tx) => this.#remove(tx, 'id >= ?', 0, change));
    this.#count(change);
  }

  async #makeRoom(tx: Transaction, change: Change): Promise<void> {
    const isOver = () =>
      this.#counts.rows + change.rows > this.#limits.maxRows || this.#counts.bytes + change.bytes > this.#limits.maxBytes;
    while (isOver()) {
      const lowest = await tx.get('SELECT id FROM outbox ORDER BY rank, id LIMIT 1');
      if (lowest === undefined) return;
      await this.#remove(tx, 'id=?', Number(lowest.id), change);
      change.dropped += 1;
    }
  }

  async #remove(tx: Transaction, where: string, value: string | number, change: Change): Promise<void> {
    const gone = await tx.all(`DELETE FROM outbox WHERE ${where} RETURNING length(payload) AS bytes`, [value]);
    change.rows -= gone.length;
    change.bytes -= gone.reduce((sum, row) => sum + Number(row.bytes), 0);
  }

  #count(change: Change): void {
    this.#counts.rows += change.rows;
    this.#counts.bytes += change.bytes;
    this.#counts.dropped += change.dropped;
  }
}

function asMessage(row: SqlRow): QueuedMessage {
  return {
    id: Number(row.id),
    topic: String(row.topic),
    payload: row.payload as Buffer,
    qos: row.qos === 0 ? 0 : 1,
    retain: row.retain === 1,
    class: row.class as OutboxClass,
    createdAt: Number(row.created_at),
    expiresAt: row.expires_at === null ? null : Number(row.expires_at),
    dedupeKey: row.dedupe_key === null ? null : String(row.dedupe_key),
  };
}

function tooLarge(bytes: number): AgentError {
  return new AgentError({
    code: 'store.message_too_large',
    say: 'A message is larger than the whole queue may be.',
    fix: 'This is a fault of the program; please report it.',
    detail: { bytes },
  });
}
