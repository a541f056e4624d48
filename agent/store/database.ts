import { AsyncLocalStorage } from 'node:async_hooks';
import { promises as fs } from 'node:fs';
import { dirname } from 'node:path';
import { syncFolder } from '../kernel/atomic-file.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Ballast } from './ballast.js';
import { Connection, type RunResult, type SqlParams, type SqlRow } from './connection.js';
import { type Migration, migrate } from './migrations.js';
import { storeError } from './store-error.js';

/** Told when a damaged file was moved out of the way. */
export interface SetAside {
  readonly path: string;
  readonly movedTo: string;
  readonly reason: string;
}

/** What `Database.open` needs; the file and its folder are made when missing. */
export interface DatabaseOptions {
  readonly path: string;
  /** `durable`: every commit is on the disk when it resolves, deleted bytes are overwritten. `ordinary`: only writes asked for so. */
  readonly kind: 'durable' | 'ordinary';
  readonly migrations: readonly Migration[];
  readonly clock: Clock;
  readonly onSetAside?: ((what: SetAside) => void) | undefined;
  /** For those who only look: a damaged file stays where it is, and opening it rejects with `store.corrupt`. Default false. */
  readonly keepsDamaged?: boolean | undefined;
  /** Space held back for writes marked urgent. */
  readonly ballast?: Ballast | undefined;
}

/** How hard a write must hold. */
export interface WriteOptions {
  /** On the disk when it resolves, also in an ordinary file. */
  readonly isDurable?: boolean | undefined;
  /** May use the ballast when the disk is full (withdrawing a permission must always work). */
  readonly isUrgent?: boolean | undefined;
}

/** The statements of one transaction; worthless after it. */
export interface Transaction {
  run(sql: string, params?: SqlParams): Promise<RunResult>;
  all(sql: string, params?: SqlParams): Promise<readonly SqlRow[]>;
  get(sql: string, params?: SqlParams): Promise<SqlRow | undefined>;
}

interface Scope {
  isOpen: boolean;
}

const PRAGMAS = {
  // Checkpoints come early and the WAL stays small: on a small full disk many times more rows fit (measured).
  durable: 'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA wal_autocheckpoint=128;',
  ordinary: 'PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=FAST; PRAGMA wal_autocheckpoint=128;',
};
const COMMON =
  'PRAGMA busy_timeout=2000; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA journal_size_limit=524288; PRAGMA temp_store=MEMORY;';

/**
 * One SQLite file: one writer whose transactions run one after another and never share statements with other tasks, and a second
 * connection for reads that sees only what is committed.
 */
export class Database {
  readonly path: string;
  readonly #kind: DatabaseOptions['kind'];
  readonly #writer: Connection;
  readonly #reader: Connection;
  readonly #ballast: Ballast | undefined;
  readonly #inside = new AsyncLocalStorage<Scope>();
  #tail: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(options: DatabaseOptions, writer: Connection, reader: Connection) {
    this.path = options.path;
    this.#kind = options.kind;
    this.#ballast = options.ballast;
    this.#writer = writer;
    this.#reader = reader;
  }

  /** Opens or makes the file. A damaged one is renamed, reported and replaced. Rejects with `store.*`. */
  static async open(options: DatabaseOptions): Promise<Database> {
    try {
      return await Database.#openOnce(options);
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'store.corrupt' || options.keepsDamaged === true) throw error;
      const movedTo = await setAside(options.path, options.clock.now());
      options.onSetAside?.({ path: options.path, movedTo, reason: error.message });
      return Database.#openOnce(options);
    }
  }

  static async #openOnce(options: DatabaseOptions): Promise<Database> {
    await makeFile(options.path);
    const opened: Connection[] = [];
    try {
      const writer = await Connection.open(options.path);
      opened.push(writer);
      await writer.exec(`${COMMON} PRAGMA cache_size=-1024;`);
      await checkWhole(writer);
      await writer.exec(PRAGMAS[options.kind]);
      await migrate(writer, options.path, options.migrations);
      if (options.keepsDamaged !== true) await checkEnd(writer, options.path);
      const reader = await Connection.open(options.path);
      opened.push(reader);
      await reader.exec(`${COMMON} PRAGMA cache_size=-512; PRAGMA query_only=ON;`);
      return new Database(options, writer, reader);
    } catch (error) {
      for (const connection of opened) await connection.close().catch(() => undefined);
      throw storeError(error, options.path);
    }
  }

  /**
   * Runs `work` in a transaction of its own, after all writes asked for before. Commits when it resolves, rolls back when it rejects.
   * Asking for a write inside `work` is an error (`store.nested_write`): it would wait for itself. `work` may run twice (see `isUrgent`), so
   * it must do nothing but use `tx`.
   */
  write<T>(work: (tx: Transaction) => Promise<T>, options: WriteOptions = {}): Promise<T> {
    return this.#queued(async () => {
      // The room that was freed for urgent writes must not be used up by others before it is held back again.
      if (options.isUrgent !== true && this.#ballast?.isOut === true && !(await this.#ballast.ensure()))
        throw storeError({ code: 'ENOSPC' }, this.path);
      try {
        return await this.#transaction(work, options);
      } catch (error) {
        const isFull = error instanceof AgentError && error.code === 'store.full';
        if (!isFull || options.isUrgent !== true || this.#ballast === undefined) throw error;
        // Another database may have freed the same room a moment ago, so it is tried again either way.
        await this.#ballast.release();
        return this.#transaction(work, options);
      }
    });
  }

  /** Committed rows. */
  all(sql: string, params?: SqlParams): Promise<readonly SqlRow[]> {
    return this.#isClosed ? Promise.reject(closed()) : this.#reader.all(sql, params);
  }

  /** The first committed row. */
  async get(sql: string, params?: SqlParams): Promise<SqlRow | undefined> {
    return (await this.all(sql, params))[0];
  }

  /** Moves everything from the WAL into the file and empties it. Rejects with `store.busy` when a reader is in the way. */
  checkpoint(): Promise<void> {
    return this.#queued(() => this.#checkpoint());
  }

  /**
   * Writes the file anew, so that nothing of what was overwritten or deleted before is left in it, and empties the WAL. Needs as much room again as
   * the file takes. Rejects with `store.full`, or `store.busy` when a reader is in the way.
   */
  rewrite(): Promise<void> {
    return this.#queued(async () => {
      await this.#writer.exec('VACUUM');
      await this.#checkpoint();
    });
  }

  /** Waits for writes already asked for, empties the WAL, closes. Later calls do nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const last = this.#queued(() => this.#checkpoint());
    this.#isClosed = true;
    // A WAL that could not be emptied is read at the next open.
    await last.catch(() => undefined);
    await this.#reader.close();
    await this.#writer.close();
  }

  #queued<T>(task: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(closed());
    if (this.#inside.getStore()?.isOpen === true) return Promise.reject(nested());
    const mine = this.#tail.then(task);
    this.#tail = mine.catch(() => undefined);
    return mine;
  }

  async #transaction<T>(work: (tx: Transaction) => Promise<T>, options: WriteOptions): Promise<T> {
    const isRaised = this.#kind === 'ordinary' && options.isDurable === true;
    // A PRAGMA inside a transaction would be ignored, so it stands before BEGIN.
    if (this.#kind === 'ordinary') await this.#writer.exec(`PRAGMA synchronous=${isRaised ? 'FULL' : 'NORMAL'}`);
    await this.#writer.exec('BEGIN IMMEDIATE');
    const scope: Scope = { isOpen: true };
    try {
      const made = await this.#inside.run(scope, () => work(this.#transactionFor(scope)));
      scope.isOpen = false;
      await this.#writer.exec('COMMIT');
      return made;
    } catch (error) {
      scope.isOpen = false;
      // Some failures (a full disk) have already rolled back; then there is nothing left to undo.
      await this.#writer.exec('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      // Node looks at every one that is in use for every promise that is made and for every packet that comes in.
      this.#inside.disable();
    }
  }

  #transactionFor(scope: Scope): Transaction {
    const guarded = <T>(act: () => Promise<T>): Promise<T> => (scope.isOpen ? act() : Promise.reject(ended()));
    return {
      run: (sql, params) => guarded(() => this.#writer.run(sql, params)),
      all: (sql, params) => guarded(() => this.#writer.all(sql, params)),
      get: (sql, params) => guarded(async () => (await this.#writer.all(sql, params))[0]),
    };
  }

  async #checkpoint(): Promise<void> {
    const [row] = await this.#writer.all('PRAGMA wal_checkpoint(TRUNCATE)');
    if (row?.busy !== 0) throw storeError({ code: 'SQLITE_BUSY' }, this.path);
  }
}

/** The file with mode 0600 in a folder with 0700, before SQLite touches it: WAL and shared memory take over the file's mode. */
async function makeFile(path: string): Promise<void> {
  try {
    await fs.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await fs.open(path, 'a', 0o600);
    await handle.chmod(0o600);
    await handle.close();
  } catch (error) {
    throw storeError(error, path);
  }
}

async function checkWhole(connection: Connection): Promise<void> {
  const rows = await connection.all('PRAGMA quick_check(3)');
  const findings = rows.map((row) => String(row.quick_check)).join('; ');
  if (findings !== 'ok') throw new AgentError({ ...DAMAGED, detail: { findings } });
}

/**
 * Brings everything into the file, so that nothing that was erased just before the power went stays behind in it, and looks at its end: SQLite reads
 * a last page that was cut off as if it were filled up with zeros, and finds nothing wrong with that.
 */
async function checkEnd(connection: Connection, path: string): Promise<void> {
  await connection.all('PRAGMA wal_checkpoint(TRUNCATE)');
  const [row] = await connection.all('PRAGMA page_size');
  const { size } = await fs.stat(path);
  if (size % Number(row?.page_size ?? size) !== 0) throw new AgentError({ ...DAMAGED, detail: { findings: `ends at byte ${size}` } });
}

const DAMAGED = {
  code: 'store.corrupt',
  say: 'A file with the agent’s state is damaged.',
  fix: 'Nothing needs to be done: the file is set aside and a new one made.',
};

async function setAside(path: string, at: number): Promise<string> {
  const stamp = new Date(at).toISOString().replace(/[:.]/g, '-');
  const movedTo = `${path}.corrupt-${stamp}`;
  for (const ending of ['', '-wal', '-shm']) {
    await fs.rename(`${path}${ending}`, `${movedTo}${ending}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw storeError(error, path);
    });
  }
  await syncFolder(dirname(path));
  return movedTo;
}

function closed(): AgentError {
  return new AgentError({ code: 'store.closed', say: 'The agent is stopping.', fix: 'Try again when it runs.', retryable: true });
}

function nested(): AgentError {
  return new AgentError({
    code: 'store.nested_write',
    say: 'A write was asked for inside another one.',
    fix: 'This is a fault of the program; please report it.',
  });
}

function ended(): AgentError {
  return new AgentError({
    code: 'store.transaction_ended',
    say: 'A statement came after its transaction had ended.',
    fix: 'This is a fault of the program; please report it.',
  });
}
