import sqlite3 from 'sqlite3';
import { AgentError } from '../kernel/errors.js';
import { storeError } from './store-error.js';

/** What SQLite can hold. Booleans are 0 and 1; whole numbers up to 2^53. */
export type SqlValue = string | number | Uint8Array | null;
/** Values for the question marks, in order. */
export type SqlParams = readonly SqlValue[];
/** One row, column name to value; bytes arrive as Buffer. */
export type SqlRow = Readonly<Record<string, string | number | Buffer | null>>;

/** Rows touched, and the rowid of the last insert. */
export interface RunResult {
  readonly changes: number;
  readonly lastId: number;
}

const MOST_STATEMENTS = 64;

/**
 * One SQLite connection with its callbacks turned into promises, once. Statements are prepared once and kept, always run to their
 * end (a statement left in the middle holds a read lock and stops the checkpoint), and finalized before the connection closes.
 */
export class Connection {
  readonly #handle: sqlite3.Database;
  readonly #statements = new Map<string, Promise<sqlite3.Statement>>();

  private constructor(handle: sqlite3.Database) {
    this.#handle = handle;
  }

  /** The file must exist: it is made elsewhere with the right mode. */
  static open(path: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const handle = new sqlite3.Database(path, sqlite3.OPEN_READWRITE | sqlite3.OPEN_FULLMUTEX, (error) => {
        if (error === null) resolve(new Connection(handle));
        else reject(storeError(error, path));
      });
    });
  }

  /** Statements without parameters or rows: PRAGMA, BEGIN, schema. */
  exec(sql: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#handle.exec(sql, (error) => (error === null ? resolve() : reject(storeError(error))));
    });
  }

  async run(sql: string, params: SqlParams = []): Promise<RunResult> {
    const bound = bindable(params);
    const statement = await this.#prepared(sql);
    return new Promise((resolve, reject) => {
      statement.run(bound, function (error: Error | null) {
        if (error === null) resolve({ changes: this.changes, lastId: this.lastID });
        else reject(storeError(error));
      });
    });
  }

  /** All rows at once: the caller's SQL bounds them. */
  async all(sql: string, params: SqlParams = []): Promise<readonly SqlRow[]> {
    const bound = bindable(params);
    const statement = await this.#prepared(sql);
    return new Promise((resolve, reject) => {
      statement.all(bound, (error: Error | null, rows: unknown[]) => {
        if (error === null) resolve(rows as SqlRow[]);
        else reject(storeError(error));
      });
    });
  }

  /** Finalizes every statement, then closes. */
  async close(): Promise<void> {
    for (const pending of this.#statements.values()) await pending.then(finalize, () => undefined);
    this.#statements.clear();
    await new Promise<void>((resolve, reject) => {
      this.#handle.close((error) => (error === null ? resolve() : reject(storeError(error))));
    });
  }

  #prepared(sql: string): Promise<sqlite3.Statement> {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = new Promise<sqlite3.Statement>((resolve, reject) => {
      const statement = this.#handle.prepare(sql, (error: Error | null) =>
        error === null ? resolve(statement) : reject(storeError(error)),
      );
    });
    this.#statements.set(sql, made);
    made.catch(() => this.#statements.delete(sql));
    if (this.#statements.size > MOST_STATEMENTS) this.#forgetOldest();
    return made;
  }

  #forgetOldest(): void {
    const oldest = this.#statements.entries().next().value;
    if (oldest === undefined) return;
    this.#statements.delete(oldest[0]);
    // Finalizing waits its turn behind calls already made on the statement.
    void oldest[1].then(finalize, () => undefined);
  }
}

function finalize(statement: sqlite3.Statement): Promise<void> {
  return new Promise((resolve) => {
    statement.finalize(() => resolve());
  });
}

function bindable(params: SqlParams): unknown[] {
  return params.map((value) => {
    // The driver drops an undefined binding in silence and shifts its neighbours.
    if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) {
      throw new AgentError({
        code: 'store.bad_binding',
        say: 'A value for the database is missing.',
        fix: 'This is a fault of the program; please report it.',
      });
    }
    return value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
  });
}
