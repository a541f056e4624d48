import { promises as fs } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Database, Transaction, WriteOptions } from './database.js';
import type { Schema } from './schema.js';

/** A document and the number of times it was written. */
export interface Versioned<T> {
  readonly value: T;
  /** 1 for the first write. */
  readonly version: number;
}

/** Reading and writing documents inside one transaction. */
export interface StateTransaction {
  get<T>(key: string, schema: Schema<T>): Promise<T | undefined>;
  /** The document's new version. */
  put(key: string, value: unknown): Promise<number>;
  delete(key: string): Promise<void>;
}

/**
 * JSON documents by key (permissions, channels, configuration): what must survive a power cut. Every write is on the disk when it
 * resolves. Documents are checked against a schema when read: `store.unreadable` when one does not fit.
 */
export class StateStore {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** The document, or undefined when there is none. */
  async get<T>(key: string, schema: Schema<T>): Promise<T | undefined> {
    return (await this.getVersioned(key, schema))?.value;
  }

  async getVersioned<T>(key: string, schema: Schema<T>): Promise<Versioned<T> | undefined> {
    const row = await this.#database.get('SELECT json, version FROM document WHERE key=?', [key]);
    return row === undefined ? undefined : { value: parsed(key, String(row.json), schema), version: Number(row.version) };
  }

  /** Keys that begin with `prefix`, in order. */
  async keys(prefix = ''): Promise<readonly string[]> {
    const rows = await this.#database.all('SELECT key FROM document WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key', [prefix]);
    return rows.map((row) => String(row.key));
  }

  /** The document's new version. `value` must be JSON. */
  put(key: string, value: unknown, options: Pick<WriteOptions, 'isUrgent'> = {}): Promise<number> {
    return this.transact((tx) => tx.put(key, value), options);
  }

  delete(key: string): Promise<void> {
    return this.transact((tx) => tx.delete(key));
  }

  /**
   * Nothing of what documents said before stays in the files: they are written anew, copies made before migrations are removed. Answers the
   * damaged files that were set aside: what they hold is for a person to decide. Rejects with `store.*`.
   */
  async scrub(): Promise<readonly string[]> {
    await this.#database.rewrite();
    const folder = dirname(this.#database.path);
    const name = basename(this.#database.path);
    const files = await fs.readdir(folder);
    for (const file of files) if (file.startsWith(`${name}.before-v`)) await fs.rm(join(folder, file), { force: true });
    return files.filter((file) => file.startsWith(`${name}.corrupt-`)).map((file) => join(folder, file));
  }

  /**
   * Several documents at once: all of it becomes durable, or nothing. `isUrgent` may use the space held back on a full disk. `work`
   * may run twice, so it must do nothing else.
   */
  transact<T>(work: (tx: StateTransaction) => Promise<T>, options: Pick<WriteOptions, 'isUrgent'> = {}): Promise<T> {
    return this.#database.write((tx) => work(this.#within(tx)), { ...options, isDurable: true });
  }

  #within(tx: Transaction): StateTransaction {
    return {
      get: async (key, schema) => {
        const row = await tx.get('SELECT json FROM document WHERE key=?', [key]);
        return row === undefined ? undefined : parsed(key, String(row.json), schema);
      },
      put: async (key, value) => {
        const row = await tx.get(
          `INSERT INTO document(key, version, json, updated_at) VALUES(?, 1, ?, ?)
           ON CONFLICT(key) DO UPDATE SET version=version+1, json=excluded.json, updated_at=excluded.updated_at RETURNING version`,
          [key, stringified(key, value), this.#clock.now()],
        );
        return Number(row?.version);
      },
      delete: async (key) => {
        await tx.run('DELETE FROM document WHERE key=?', [key]);
      },
    };
  }
}

function stringified(key: string, value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) {
    throw new AgentError({
      code: 'store.not_json',
      say: `The document ${key} cannot be written as JSON.`,
      fix: 'This is a fault of the program; please report it.',
    });
  }
  return text;
}

function parsed<T>(key: string, text: string, schema: Schema<T>): T {
  let cause: unknown;
  try {
    const result = schema.safeParse(JSON.parse(text));
    if (result.success) return result.data;
    cause = result.error;
  } catch (error) {
    cause = error;
  }
  throw new AgentError({
    code: 'store.unreadable',
    say: `The stored document ${key} is not what this version of the agent expects.`,
    fix: 'Install the version that wrote it, or set the thing that it describes anew.',
    cause,
  });
}
