import { utf8 } from '../contract/text.js';
import { extend, type Hash, type LogState, leafHash, merkleRoot, nextHead, sameBytes } from './chain.js';
import type { LogProblem, LogStore, StoredRow } from './ports.js';

/** Where the log goes on, and what was found wrong on the way there. */
export interface Tip {
  readonly state: LogState;
  readonly problem: LogProblem | null;
}

const SLICE_ROWS = 256;

/**
 * Rebuilds the state at the end of the stored rows: from the newest checkpoint that fits, then row by row. A damaged log is not
 * a reason to stop logging: the state goes on from the stored head and the problem is handed back to be written down.
 */
export async function loadTip(store: LogStore, hash: Hash): Promise<Tip> {
  const anchor = await store.anchor();
  const last = await store.lastRow();
  const size = last?.seq ?? anchor.size;
  let state = await startingPoint(store, hash, anchor, size);
  let problem: LogProblem | null = null;
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
  return { state, problem };
}

async function startingPoint(store: LogStore, hash: Hash, anchor: LogState, size: number): Promise<LogState> {
  const checkpoint = await store.fittingCheckpoint(size);
  if (checkpoint === null || checkpoint.size < anchor.size) return anchor;
  return sameBytes(merkleRoot(hash, checkpoint), checkpoint.root) ? checkpoint : anchor;
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

/** Rows are missing at the end: `size` are there, somebody holds a signed statement about `claimed`. */
export function cutProblem(size: number, claimed: number): LogProblem {
  return { kind: 'cut', seq: size + 1, say: `The log ends at row ${size}, but a signed checkpoint says that it had ${claimed} rows.` };
}
