import { utf8 } from '../contract/text.js';
import { extend, type Hash, type LogState, leafHash, merkleRoot, nextHead, sameBytes, toHex } from './chain.js';
import { decodeBody } from './entry.js';
import type { LogProblem, LogStore, StoredRow } from './ports.js';

/** Where the log goes on, and what was found wrong on the way there. */
export interface Tip {
  readonly state: LogState;
  readonly problem: LogProblem | null;
}

/** Whose log it has to be. */
export interface Own {
  readonly device: string;
  /** Whether this recorder signed the checkpoint. */
  readonly isOwn: (jws: string) => Promise<boolean>;
}

const SLICE_ROWS = 256;

/**
 * Rebuilds the state at the end of the stored rows: from the newest checkpoint that fits, then row by row. A damaged log is not
 * a reason to stop logging: the state goes on from the stored head and the problem is handed back to be written down.
 */
export async function loadTip(store: LogStore, hash: Hash, own: Own): Promise<Tip> {
  const anchor = await store.anchor();
  const last = await store.lastRow();
  const size = last?.seq ?? anchor.size;
  const start = await startingPoint(store, hash, anchor, size);
  let { state } = start;
  let problem = last === null ? null : foreignProblem(own.device, last);
  if (start.jws !== null && !(await own.isOwn(start.jws))) problem ??= signatureProblem(state.size);
  while (state.size < size) {
    const rows = await store.rows({ fromSeq: state.size + 1, toSeq: size, limit: SLICE_ROWS });
    if (rows.length === 0) break;
    for (const row of rows) {
      problem ??= rowProblem(hash, state, row);
      state = { ...extend(hash, state, row.leaf), size: row.seq, head: row.head };
    }
  }
  const [beyond] = await store.checkpoints(size, 1);
  if (beyond !== undefined) problem ??= cutProblem(size, beyond.size);
  return { state, problem: problem ?? (await notedProblem(store, state)) };
}

async function startingPoint(
  store: LogStore,
  hash: Hash,
  anchor: LogState,
  size: number,
): Promise<{ readonly state: LogState; readonly jws: string | null }> {
  const checkpoint = await store.fittingCheckpoint(size);
  if (checkpoint === null || checkpoint.size < anchor.size || !sameBytes(merkleRoot(hash, checkpoint), checkpoint.root))
    return { state: anchor, jws: null };
  return { state: checkpoint, jws: checkpoint.jws };
}

/** The line beside the log says what was written last; rows that are gone with the end of their file are missed here. */
async function notedProblem(store: LogStore, state: LogState): Promise<LogProblem | null> {
  const noted = await store.noted();
  if (noted === null) return null;
  if (noted.size > state.size) return cutProblem(state.size, noted.size, 'this recorder had written');
  const head = noted.size === state.size ? state.head : (await store.rows({ fromSeq: noted.size, toSeq: noted.size, limit: 1 }))[0]?.head;
  return head === undefined || toHex(head) === noted.head ? null : replacedProblem(noted.size);
}

/** What is wrong with the row that follows `state`, by chain and hash alone; null when it fits. */
export function rowProblem(hash: Hash, state: LogState, row: StoredRow): LogProblem | null {
  const expected = state.size + 1;
  if (row.seq !== expected) {
    const upTo = row.seq - 1;
    return {
      kind: 'gap',
      seq: expected,
      say: upTo === expected ? `Row ${expected} is missing.` : `Rows ${expected} to ${upTo} are missing.`,
    };
  }
  if (!sameBytes(leafHash(hash, utf8(row.body)), row.leaf)) {
    return { kind: 'edit', seq: row.seq, say: `The text of row ${row.seq} was changed.` };
  }
  if (!sameBytes(nextHead(hash, state.head, row.leaf), row.head)) {
    return { kind: 'edit', seq: row.seq, say: `Row ${row.seq} does not follow from the one before it.` };
  }
  return null;
}

/** A row that another recorder wrote; null when it is ours, or no row at all. */
export function foreignProblem(device: string, { seq, body }: Pick<StoredRow, 'seq' | 'body'>): LogProblem | null {
  const by = decodeBody(body)?.device;
  return by === undefined || by === device ? null : { kind: 'foreign', seq, say: `Row ${seq} was written by the recorder ${by}.` };
}

/** A checkpoint at this size that is not ours. */
export function signatureProblem(size: number): LogProblem {
  return { kind: 'signature', seq: size, say: `The checkpoint at row ${size} was not signed by this recorder.` };
}

/** Rows are missing at the end: `size` are there, somebody knows of `claimed`. */
export function cutProblem(size: number, claimed: number, whoKnows = 'a signed checkpoint says that it had'): LogProblem {
  return { kind: 'cut', seq: size + 1, say: `The log ends at row ${size}, but ${whoKnows} ${claimed} rows.` };
}

/** Another row stands where this recorder wrote its own. */
export function replacedProblem(size: number): LogProblem {
  return { kind: 'checkpoint', seq: size, say: `Row ${size} is not the one that this recorder wrote: the rows were replaced.` };
}
