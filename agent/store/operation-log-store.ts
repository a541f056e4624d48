import { promises as fs } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { toBase64url } from '../contract/text.js';
import { AgentError } from '../kernel/errors.js';
import { emptyState, type LogState, toHex } from '../operation-log/chain.js';
import { NameSearch } from '../operation-log/naming.js';
import type {
  AppendBatch,
  ErasedDetails,
  ErasureWish,
  ListQuery,
  LogStore,
  Person,
  StoredCheckpoint,
  StoredRow,
  StoredRowWithDetail,
  SubjectRow,
  Witness,
} from '../operation-log/ports.js';
import type { SqlRow, SqlValue } from './connection.js';
import type { Database, Transaction } from './database.js';
import { fileHolds } from './file-search.js';
import { HeadNote, type NotedHead } from './head-note.js';

const HASH_BYTES = 32;
/** How many rows ahead it is stored that a person stands in the log. */
const STAND_ROWS = 1_000;
const MOST_KNOWN = 256;
const PAGE_DETAILS = 500;
/** Fewer letters of a ref would be found in everybody's. */
const LEAST_REF = 6;
// Hashes come as text: every BLOB becomes a buffer with a finalizer, and thousands of those make the collector stop the event loop.
const HASHES = 'hex(e.leaf) AS leaf, hex(e.head) AS head';
const ROW = `SELECT e.seq, e.body, ${HASHES}, d.seq AS detail_seq, hex(d.salt) AS salt, d.json FROM entry e LEFT JOIN private_detail d ON d.seq=e.seq`;

/** The operation log in a durable database of its own. */
export class OperationLogStore implements LogStore {
  readonly #database: Database;
  readonly #note: HeadNote;
  /** Up to which row each person is known to stand in the log, as stored: base64url of the ref. */
  readonly #standsUpTo = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
    this.#note = new HeadNote(`${database.path}.head`);
  }

  async append(batch: AppendBatch): Promise<void> {
    const seen = this.#newlySeen(batch);
    await this.#database.write((tx) => insert(tx, { ...batch, seen }), { isUrgent: batch.isUrgent });
    this.#noteHead(batch);
    if (this.#standsUpTo.size > MOST_KNOWN) this.#standsUpTo.clear();
    for (const { ref, seq } of seen) this.#standsUpTo.set(toBase64url(ref), seq + STAND_ROWS);
  }

  /** Those for whom it is not stored yet that they stand so far: one write of the person's own page for many rows. */
  #newlySeen({ seen }: AppendBatch): AppendBatch['seen'] {
    return seen.filter(({ ref, seq }) => (this.#standsUpTo.get(toBase64url(ref)) ?? 0) < seq);
  }

  noted(): Promise<NotedHead | null> {
    return this.#note.read();
  }

  #noteHead({ rows }: AppendBatch): void {
    const last = rows.at(-1);
    if (last !== undefined) this.#note.write({ size: last.seq, head: toHex(last.head) });
  }

  async rows(query: ListQuery & { readonly actorRefs?: readonly string[] | undefined }): Promise<readonly StoredRowWithDetail[]> {
    const { where, params } = conditions(query);
    const order = query.newestFirst === true ? 'DESC' : 'ASC';
    return (await this.#database.all(`${ROW} ${where} ORDER BY e.seq ${order} LIMIT ?`, [...params, query.limit])).map(withDetail);
  }

  async rowsAbout(ref: Uint8Array, person: Person, afterSeq: number, limit: number): Promise<readonly StoredRowWithDetail[]> {
    const named = isNamedIn('d.json', person);
    const sql = `${ROW} WHERE e.seq > ? AND (${member('$.actor.ref')} = ? OR (d.json IS NOT NULL AND (${named.sql}))) ORDER BY e.seq LIMIT ?`;
    return (await this.#database.all(sql, [afterSeq, toBase64url(ref), ...named.params, limit])).map(withDetail);
  }

  async lastRow(): Promise<StoredRow | null> {
    const row = await this.#database.get(`SELECT e.seq, e.body, ${HASHES} FROM entry e ORDER BY e.seq DESC LIMIT 1`);
    return row === undefined ? null : asRow(row);
  }

  async anchor(): Promise<LogState> {
    const row = await this.#database.get('SELECT size, head, peaks FROM anchor ORDER BY size DESC LIMIT 1');
    return row === undefined ? emptyState() : { size: Number(row.size), head: row.head as Buffer, peaks: split(row.peaks as Buffer) };
  }

  async anchorStatement(): Promise<string | null> {
    const row = await this.#database.get('SELECT sig FROM anchor ORDER BY size DESC LIMIT 1');
    return row === undefined ? null : String(row.sig);
  }

  async firstSeq(): Promise<number> {
    return Number((await this.#database.get('SELECT min(seq) AS seq FROM entry'))?.seq ?? 0);
  }

  async lastSeqBefore(at: number): Promise<number> {
    // Time never runs backward in this log, so the newest row that is too old is found from the beginning.
    const sql = `SELECT seq FROM entry e WHERE ${member('$.at')} >= ? ORDER BY seq LIMIT 1`;
    const young = await this.#database.get(sql, [at]);
    if (young !== undefined) return Number(young.seq) - 1;
    return (await this.lastRow())?.seq ?? 0;
  }

  async prune(anchor: StoredCheckpoint, row: AppendBatch, signed: StoredCheckpoint): Promise<number> {
    const { size, head, peaks, jws } = anchor;
    const taken = await this.#database.write(async (tx) => {
      await insert(tx, row);
      await putCheckpoint(tx, signed);
      await tx.run('DELETE FROM private_detail WHERE seq <= ?', [size]);
      await tx.run('DELETE FROM open_intent WHERE seq <= ?', [size]);
      const { changes } = await tx.run('DELETE FROM entry WHERE seq <= ?', [size]);
      await tx.run('DELETE FROM checkpoint WHERE size < ?', [size]);
      await forgetPeople(tx, size);
      await tx.run('DELETE FROM anchor');
      await tx.run('INSERT INTO anchor(size, head, peaks, sig) VALUES(?,?,?,?)', [size, head, Buffer.concat(peaks), jws]);
      return changes;
    });
    this.#noteHead(row);
    return taken;
  }

  async leaves(fromSeq: number, toSeq: number): Promise<readonly Uint8Array[]> {
    const rows = await this.#database.all('SELECT hex(leaf) AS leaf FROM entry WHERE seq BETWEEN ? AND ? ORDER BY seq', [fromSeq, toSeq]);
    return rows.map((row) => fromHex(row.leaf));
  }

  async openIntents(): Promise<readonly number[]> {
    const rows = await this.#database.all('SELECT seq FROM open_intent ORDER BY seq LIMIT 1000');
    return rows.map((row) => Number(row.seq));
  }

  async putCheckpoint(checkpoint: StoredCheckpoint): Promise<void> {
    await this.#database.write((tx) => putCheckpoint(tx, checkpoint));
  }

  async checkpoints(aboveSize: number, limit: number): Promise<readonly StoredCheckpoint[]> {
    const rows = await this.#database.all('SELECT * FROM checkpoint WHERE size > ? ORDER BY size LIMIT ?', [aboveSize, limit]);
    return rows.map(asCheckpoint);
  }

  async fittingCheckpoint(size: number): Promise<StoredCheckpoint | null> {
    const row = await this.#database.get(
      `SELECT c.* FROM checkpoint c LEFT JOIN entry e ON e.seq=c.size LEFT JOIN anchor a ON a.size=c.size
       WHERE c.size <= ? AND (e.head=c.head OR a.head=c.head) ORDER BY c.size DESC LIMIT 1`,
      [size],
    );
    return row === undefined ? null : asCheckpoint(row);
  }

  async noteAcknowledged(witness: Witness, size: number, at: number): Promise<void> {
    const column = witness === 'relay' ? 'ack_relay' : 'ack_owner';
    await this.#database.write((tx) => tx.run(`UPDATE checkpoint SET ${column}=? WHERE size=? AND ${column} IS NULL`, [at, size]));
  }

  async findSubject(person: Person): Promise<SubjectRow | null> {
    const row = await this.#database.get('SELECT * FROM subject WHERE name=? AND email=? AND erased_at IS NULL', [
      person.name,
      person.email,
    ]);
    return row === undefined ? null : asSubject(row);
  }

  async subjects(refs: readonly Uint8Array[]): Promise<readonly SubjectRow[]> {
    const found: SubjectRow[] = [];
    for (const ref of refs) {
      const row = await this.#database.get('SELECT * FROM subject WHERE ref=?', [ref]);
      if (row !== undefined) found.push(asSubject(row));
    }
    return found;
  }

  async searchSubjects(text: string): Promise<readonly SubjectRow[]> {
    const wanted = text.normalize('NFC').toLowerCase();
    // SQLite folds the case of ASCII letters only, so the comparing is done here.
    const rows = (await this.#database.all('SELECT * FROM subject WHERE erased_at IS NULL')).map(asSubject);
    const isHit = ({ ref, name, email }: SubjectRow) =>
      `${name ?? ''}\n${email ?? ''}`.toLowerCase().includes(wanted) || (text.length >= LEAST_REF && toBase64url(ref).startsWith(text));
    return rows.filter(isHit).slice(0, 1_000);
  }

  async livingSubjects(after: Uint8Array | null, limit: number): Promise<readonly SubjectRow[]> {
    const sql = 'SELECT * FROM subject WHERE erased_at IS NULL AND ref > ? ORDER BY ref LIMIT ?';
    return (await this.#database.all(sql, [after ?? new Uint8Array(0), limit])).map(asSubject);
  }

  async erase(wish: ErasureWish, tombstones: AppendBatch, at: number): Promise<ErasedDetails & { readonly isEmptied: boolean }> {
    const people = wish.subjects.map(({ person }) => person);
    const search = new NameSearch({ people, isEverybody: wish.isEverybody });
    const refs = new Set(wish.subjects.map(({ ref }) => toBase64url(ref)));
    const details = await this.#database.write(async (tx) => {
      for (const { ref } of wish.subjects)
        await tx.run('UPDATE subject SET salt=NULL, name=NULL, email=NULL, erased_at=? WHERE ref=?', [at, ref]);
      const blanked = await blankDetails(tx, search, refs);
      await insert(tx, tombstones);
      return blanked;
    });
    this.#noteHead(tombstones);
    const isEmptied = await this.empty();
    const stillIn = await this.#cleanBeside(people.flatMap(({ name, email }) => [name, email]));
    return { details, stillIn: isEmptied ? stillIn : [`${this.#database.path}-wal`, ...stillIn], isEmptied };
  }

  empty(): Promise<boolean> {
    // secure_delete overwrites the bytes in the pages, but only this makes the pages reach the file and empties the WAL.
    return this.#database.checkpoint().then(
      () => true,
      // Who closes the file empties it himself.
      (error: unknown) => error instanceof AgentError && error.code === 'store.closed',
    );
  }

  /** Removes copies made before migrations; names set-aside files that hold one of the texts. */
  async #cleanBeside(texts: readonly string[]): Promise<readonly string[]> {
    const folder = dirname(this.#database.path);
    const name = basename(this.#database.path);
    const still: string[] = [];
    for (const file of await fs.readdir(folder)) {
      const path = join(folder, file);
      if (file.startsWith(`${name}.before-v`)) await fs.rm(path, { force: true }).catch(() => still.push(path));
      else if (file.startsWith(`${name}.corrupt-`) && (await fileHolds(path, texts))) still.push(path);
    }
    return still;
  }
}

async function insert(tx: Transaction, batch: AppendBatch): Promise<void> {
  for (const { ref, salt, name, email, erasedAt } of batch.subjects) {
    await tx.run('INSERT OR IGNORE INTO subject(ref, salt, name, email, erased_at) VALUES(?,?,?,?,?)', [ref, salt, name, email, erasedAt]);
  }
  for (const { seq, body, leaf, head, detail } of batch.rows) {
    await tx.run('INSERT INTO entry(seq, body, leaf, head) VALUES(?,?,?,?)', [seq, body, leaf, head]);
    if (detail !== null) await tx.run('INSERT INTO private_detail(seq, salt, json) VALUES(?,?,?)', [seq, detail.salt, detail.json]);
  }
  for (const { ref, seq } of batch.seen) await tx.run('UPDATE subject SET last_seq=? WHERE ref=?', [seq + STAND_ROWS, ref]);
  for (const seq of batch.opened) await tx.run('INSERT INTO open_intent(seq) VALUES(?)', [seq]);
  for (const seq of batch.finished) await tx.run('DELETE FROM open_intent WHERE seq=?', [seq]);
}

/**
 * Forgets whoever stands in no row behind `size` any more. `last_seq` is up to STAND_ROWS more than the person's last row, so those near it are looked
 * for in the rows that may still be theirs.
 */
async function forgetPeople(tx: Transaction, size: number): Promise<void> {
  const sql = `SELECT DISTINCT ${member('$.actor.ref')} AS ref FROM entry e WHERE e.seq > ? AND e.seq <= ?`;
  const standing = (await tx.all(sql, [size, size + STAND_ROWS])).flatMap(({ ref }) => (typeof ref === 'string' ? [ref] : []));
  const near = await tx.all('SELECT ref FROM subject WHERE last_seq <= ?', [size + STAND_ROWS]);
  for (const { ref } of near)
    if (!standing.includes(toBase64url(ref as Buffer))) await tx.run('DELETE FROM subject WHERE ref=?', [ref as Buffer]);
}

async function putCheckpoint(tx: Transaction, { size, head, root, peaks, at, jws }: StoredCheckpoint): Promise<void> {
  // An older statement about the same size stays: where rows were cut off and written anew it is the evidence.
  const sql = 'INSERT OR IGNORE INTO checkpoint(size, head, root, peaks, t, sig) VALUES(?,?,?,?,?,?)';
  await tx.run(sql, [size, head, root, Buffer.concat(peaks), at, jws]);
}

/** Erases details that name one of those who are sought, a page at a time, however many they are. How many were erased. */
async function blankDetails(tx: Transaction, search: NameSearch, refs: ReadonlySet<string>): Promise<number> {
  const sql = `SELECT d.seq, d.json, ${member('$.actor.ref')} AS ref FROM private_detail d JOIN entry e ON e.seq=d.seq
    WHERE d.json IS NOT NULL AND d.seq > ? ORDER BY d.seq LIMIT ?`;
  let blanked = 0;
  for (let after = 0; ; ) {
    const page = await tx.all(sql, [after, PAGE_DETAILS]);
    for (const { seq, json, ref } of page) {
      if (!search.isIn(String(json), refs.has(String(ref)))) continue;
      await tx.run('UPDATE private_detail SET salt=NULL, json=NULL WHERE seq=?', [Number(seq)]);
      blanked += 1;
    }
    if (page.length < PAGE_DETAILS) return blanked;
    after = Number(page.at(-1)?.seq);
  }
}

/** A condition that holds where this detail names the person: what she is shown about herself. */
function isNamedIn(column: 'd.json', { name, email }: Person): { readonly sql: string; readonly params: readonly string[] } {
  const params = [name, email].flatMap(writings);
  return { sql: ['0', ...params.map(() => `instr(lower(${column}), ?) > 0`)].join(' OR '), params };
}

/** How a text may stand in JSON: in any case of its letters and in both forms of its accents. SQLite folds the case of ASCII letters only. */
function writings(text: string): readonly string[] {
  if (text === '') return [];
  const forms = [text, text.toLowerCase(), text.toUpperCase()].flatMap((one) => [one.normalize('NFC'), one.normalize('NFD')]);
  const quoted = forms.map((one) => JSON.stringify(one).replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
  return [...new Set(quoted.map((one) => (text.length < 4 ? one : one.slice(1, -1))))];
}

/** A member of the row's text. A row that somebody edited may be no JSON any more; it must not break the listing of the others. */
function member(path: string): string {
  return `(CASE WHEN json_valid(e.body) THEN json_extract(e.body, '${path}') END)`;
}

function conditions(query: ListQuery & { readonly actorRefs?: readonly string[] | undefined }): { where: string; params: SqlValue[] } {
  const isArea = query.action?.endsWith('.') === true;
  const candidates: readonly (readonly [string, SqlValue | undefined])[] = [
    ['e.seq >= ?', query.fromSeq],
    ['e.seq <= ?', query.toSeq],
    [`${member('$.at')} >= ?`, query.sinceAt],
    [`${member('$.at')} < ?`, query.untilAt],
    [isArea ? `instr(${member('$.action')}, ?) = 1` : `${member('$.action')} = ?`, query.action],
    [`${member('$.action')} IN (SELECT value FROM json_each(?))`, query.actions && JSON.stringify(query.actions)],
    [`${member('$.channel')} = ?`, query.channel],
    [`${member('$.actor.ref')} IN (SELECT value FROM json_each(?))`, query.actorRefs && JSON.stringify(query.actorRefs)],
  ];
  const used = candidates.flatMap(([sql, value]) => (value === undefined ? [] : [[sql, value] as const]));
  return { where: used.length === 0 ? '' : `WHERE ${used.map(([sql]) => sql).join(' AND ')}`, params: used.map(([, value]) => value) };
}

function asRow(row: SqlRow): StoredRow {
  return { seq: Number(row.seq), body: String(row.body), leaf: fromHex(row.leaf), head: fromHex(row.head) };
}

function withDetail(row: SqlRow): StoredRowWithDetail {
  const detail = row.detail_seq === null ? null : { salt: row.salt === '' ? null : fromHex(row.salt), json: row.json as string | null };
  return { ...asRow(row), detail };
}

function fromHex(text: SqlRow[string] | undefined): Buffer {
  return Buffer.from(String(text), 'hex');
}

function asSubject(row: SqlRow): SubjectRow {
  return {
    ref: row.ref as Buffer,
    salt: row.salt as Buffer | null,
    name: row.name as string | null,
    email: row.email as string | null,
    erasedAt: row.erased_at === null ? null : Number(row.erased_at),
  };
}

function asCheckpoint(row: SqlRow): StoredCheckpoint {
  const { head, root, peaks } = row as { head: Buffer; root: Buffer; peaks: Buffer };
  return { size: Number(row.size), head, root, peaks: split(peaks), at: Number(row.t), jws: String(row.sig) };
}

function split(peaks: Buffer): readonly Uint8Array[] {
  return Array.from({ length: Math.floor(peaks.byteLength / HASH_BYTES) }, (_, at) =>
    peaks.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
}
