import { promises as fs } from 'node:fs';
import { AgentError } from '../kernel/errors.js';
import type { Connection } from './connection.js';

/** One step forward. Steps are numbered 1, 2, 3 …, never changed once released, and there is no way back: the backup is. */
export interface Migration {
  readonly version: number;
  /** Statements run in one transaction. */
  readonly sql: string;
}

/** Suffix of the copy made before a file of version `from` is changed. */
export function backupName(path: string, from: number): string {
  return `${path}.before-v${from + 1}`;
}

/**
 * Brings the file to the newest version, one transaction a step. A file that held something is copied first. Rejects with
 * `store.newer` for a file of a later version of the agent, which is left as it is.
 */
export async function migrate(connection: Connection, path: string, migrations: readonly Migration[]): Promise<void> {
  const [row] = await connection.all('PRAGMA user_version');
  const from = Number(row?.user_version ?? 0);
  const newest = migrations.at(-1)?.version ?? 0;
  if (from > newest) {
    throw new AgentError({
      code: 'store.newer',
      say: `The state in ${path} was written by a newer version of the agent.`,
      fix: 'Install that version or a later one again, or start with another state folder.',
      detail: { from, newest },
    });
  }
  if (from === newest) return;
  if (from > 0) await backUp(connection, backupName(path, from));
  for (const step of migrations.filter(({ version }) => version > from)) {
    try {
      await connection.exec(`BEGIN IMMEDIATE; ${step.sql}; PRAGMA user_version=${step.version}; COMMIT;`);
    } catch (error) {
      await connection.exec('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}

async function backUp(connection: Connection, target: string): Promise<void> {
  await fs.rm(target, { force: true });
  // An empty file with the right mode: the copy must not be readable by others for a moment either.
  await (await fs.open(target, 'wx', 0o600)).close();
  await connection.run('VACUUM INTO ?', [target]);
  const handle = await fs.open(target, 'r');
  await handle.sync();
  await handle.close();
}

/** The ordinary file: documents, outbox, health samples. */
export const STATE_MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE document(key TEXT PRIMARY KEY, version INTEGER NOT NULL, json TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE outbox(
        id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload BLOB NOT NULL, qos INTEGER NOT NULL, retain INTEGER NOT NULL,
        class TEXT NOT NULL, rank INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, dedupe_key TEXT) STRICT;
      CREATE INDEX outbox_order ON outbox(rank DESC, id);
      CREATE UNIQUE INDEX outbox_dedupe ON outbox(dedupe_key) WHERE dedupe_key IS NOT NULL;
      CREATE INDEX outbox_expiry ON outbox(expires_at) WHERE expires_at IS NOT NULL;
      CREATE TABLE health_sample(minute INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT`,
  },
  {
    version: 2,
    sql: `
      CREATE TABLE ledger(
        day INTEGER NOT NULL, class TEXT NOT NULL, destination TEXT NOT NULL, messages INTEGER NOT NULL, bytes INTEGER NOT NULL,
        PRIMARY KEY(day, class, destination)) STRICT, WITHOUT ROWID`,
  },
];

/** The durable file: the operation log. Rows of `entry` never change; persons and private details beside them can be blanked. */
export const LOG_MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE subject(ref BLOB PRIMARY KEY, salt BLOB, name TEXT, email TEXT, erased_at INTEGER) STRICT, WITHOUT ROWID;
      CREATE TABLE entry(seq INTEGER PRIMARY KEY, body TEXT NOT NULL, leaf BLOB NOT NULL, head BLOB NOT NULL) STRICT;
      CREATE TABLE private_detail(seq INTEGER PRIMARY KEY REFERENCES entry(seq), salt BLOB, json TEXT) STRICT;
      CREATE TABLE open_intent(seq INTEGER PRIMARY KEY REFERENCES entry(seq)) STRICT;
      CREATE TABLE checkpoint(
        size INTEGER PRIMARY KEY, head BLOB NOT NULL, root BLOB NOT NULL, peaks BLOB NOT NULL, t INTEGER NOT NULL, sig TEXT NOT NULL,
        ack_relay INTEGER, ack_owner INTEGER) STRICT;
      CREATE TABLE anchor(size INTEGER PRIMARY KEY, head BLOB NOT NULL, peaks BLOB NOT NULL, sig TEXT NOT NULL) STRICT;
      CREATE TRIGGER entry_is_append_only BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'append-only'); END`,
  },
  {
    // A person whose last row is gone with the oldest part of the log is known no more.
    version: 2,
    sql: `ALTER TABLE subject ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 9007199254740991`,
  },
];
