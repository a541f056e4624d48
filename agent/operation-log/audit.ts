import { toBase64url } from '../contract/text.js';
import type { Clock } from '../kernel/clock.js';
import { extend, type Hash, type LogState, merkleRoot, toHex } from './chain.js';
import { decodeBody } from './entry.js';
import { commitment } from './people.js';
import type { Checkpoint, CheckpointSigner, LogProblem, LogStore, StoredCheckpoint, StoredRowWithDetail, VerifyReport } from './ports.js';
import { cutProblem, foreignProblem, replacedProblem, rowProblem, signatureProblem } from './tip.js';

/** The row that says up to where the log was shortened (`object`). */
export const PRUNED = 'log.pruned';
const PAGE_ROWS = 256;
const PAGE_CHECKPOINTS = 64;
/** The event loop gets its turn after this long, whatever is left to do. */
const SLICE_MS = 8;
/** So many rows without a checkpoint behind them, and for so long, are never left by this agent: it signs every 64 rows and every minute. */
const MOST_UNSIGNED = 256;
const LONGEST_UNSIGNED_MS = 600_000;

/** What an audit reads and checks with. */
export interface AuditParts {
  readonly store: LogStore;
  readonly hash: Hash;
  readonly signer: CheckpointSigner;
  readonly clock: Clock;
  readonly device: string;
}

/** What somebody else says that the log has at this size; a note knows no root. */
interface Held {
  readonly size: number;
  readonly head: string;
}

/**
 * Reads every row in order and stops at the first that is wrong. Checkpoints are compared, signature included, where their rows
 * end; the witness's checkpoint likewise. Only a checkpoint from outside can show that the end was cut off together with the
 * checkpoints in the same file.
 */
export class Audit {
  readonly #parts: AuditParts;
  readonly #witness: Checkpoint | undefined;
  #noted: Held | null = null;
  readonly #startedAt: number;
  #sliceStartedAt: number;
  #state: LogState = { size: 0, head: new Uint8Array(32), peaks: [] };
  #beginsAt = 0;
  /** The newest row that says up to where the log was shortened, and what it says. */
  #told = { seq: 0, size: 0 };
  #signedSize = 0;
  /** When the first row behind the newest checkpoint was written. */
  #unsignedSince: number | undefined;
  #rows = 0;
  #checkpoints = 0;
  #erasedDetails = 0;
  #ahead: StoredCheckpoint[] = [];
  #hasMore = true;

  constructor(parts: AuditParts, witness?: Checkpoint) {
    this.#parts = parts;
    this.#witness = witness;
    this.#startedAt = parts.clock.monotonicMs();
    this.#sliceStartedAt = this.#startedAt;
  }

  async run(): Promise<VerifyReport> {
    // The note comes first: rows that are written meanwhile are more than it knows, never fewer.
    this.#noted = await this.#parts.store.noted();
    this.#state = await this.#parts.store.anchor();
    this.#beginsAt = this.#state.size;
    this.#signedSize = this.#beginsAt;
    const problem = (await this.#begin()) ?? (await this.#walk()) ?? this.#beginIsTold() ?? (await this.#atEnd());
    return {
      isOk: problem === null,
      problem,
      rows: this.#rows,
      size: this.#state.size,
      head: toHex(this.#state.head),
      root: toHex(merkleRoot(this.#parts.hash, this.#state)),
      checkpoints: this.#checkpoints,
      signedSize: this.#signedSize,
      erasedDetails: this.#erasedDetails,
      tookMs: this.#parts.clock.monotonicMs() - this.#startedAt,
    };
  }

  /** What stands for the rows that were taken out must be a statement of this recorder about exactly this state. */
  async #begin(): Promise<LogProblem | null> {
    if (this.#beginsAt === 0) return null;
    const statement = await this.#parts.store.anchorStatement();
    const said = await this.#parts.signer.open(statement ?? '').catch(() => undefined);
    return said === undefined || this.#compare(said) !== null ? anchorProblem(this.#beginsAt) : null;
  }

  /**
   * Rows were taken out by rule only if a later row says so, and a checkpoint signs that row: whoever deletes the beginning with an old checkpoint
   * in hand can write such a row at the end, but not sign it.
   */
  #beginIsTold(): LogProblem | null {
    const isTold = this.#told.size === this.#beginsAt && this.#told.seq <= this.#signedSize;
    return this.#beginsAt === 0 || isTold ? null : anchorProblem(this.#beginsAt);
  }

  async #walk(): Promise<LogProblem | null> {
    // Rows that are appended meanwhile are not waited for: a busy log would never be done.
    const last = await this.#parts.store.lastRow();
    while (last !== null && this.#state.size < last.seq) {
      const rows = await this.#parts.store.rows({ fromSeq: this.#state.size + 1, toSeq: last.seq, limit: PAGE_ROWS });
      if (rows.length === 0) return null;
      for (const row of rows) {
        const problem = this.#row(row) ?? (await this.#checkpointsHere());
        if (problem !== null) return problem;
        await this.#breathe();
      }
    }
    return null;
  }

  #row(row: StoredRowWithDetail): LogProblem | null {
    const problem = rowProblem(this.#parts.hash, this.#state, row) ?? this.#content(row);
    if (problem !== null) return problem;
    this.#state = extend(this.#parts.hash, this.#state, row.leaf);
    this.#rows += 1;
    return null;
  }

  #content(row: StoredRowWithDetail): LogProblem | null {
    const { seq, detail } = row;
    const body = decodeBody(row.body);
    if (body === undefined) return { kind: 'edit', seq, say: `Row ${seq} is no row of an operation log.` };
    if (body.seq !== seq) return { kind: 'moved', seq, say: `Row ${seq} is really row ${body.seq}.` };
    if (body.action === PRUNED && body.object !== undefined) this.#told = { seq, size: Number(body.object) };
    this.#unsignedSince ??= body.at;
    const foreign = foreignProblem(this.#parts.device, row);
    if (foreign !== null) return foreign;
    const isThere = detail !== null && detail.salt !== null && detail.json !== null;
    if (body.detail === undefined) return detail === null ? null : detailProblem(seq);
    if (!isThere) this.#erasedDetails += 1;
    else if (toBase64url(commitment(detail.salt, detail.json)) !== body.detail) return detailProblem(seq);
    return null;
  }

  async #checkpointsHere(): Promise<LogProblem | null> {
    const { size } = this.#state;
    if (this.#witness?.size === size) {
      const problem = this.#compare(this.#witness);
      if (problem !== null) return problem;
    }
    if (this.#noted?.size === size && this.#noted.head !== toHex(this.#state.head)) return replacedProblem(size);
    if (this.#ahead.length === 0 && this.#hasMore) {
      this.#ahead = [...(await this.#parts.store.checkpoints(size - 1, PAGE_CHECKPOINTS))];
      // Those made while this runs are not waited for.
      this.#hasMore = this.#ahead.length === PAGE_CHECKPOINTS;
    }
    const next = this.#ahead[0];
    if (next === undefined || next.size !== size) return null;
    this.#ahead.shift();
    const problem = await this.#stored(next);
    this.#checkpoints += 1;
    this.#signedSize = size;
    this.#unsignedSince = undefined;
    return problem;
  }

  async #stored(checkpoint: StoredCheckpoint): Promise<LogProblem | null> {
    let signed: Checkpoint;
    try {
      signed = await this.#parts.signer.open(checkpoint.jws);
    } catch {
      return signatureProblem(checkpoint.size);
    }
    const said = { ...signed, head: toHex(checkpoint.head), root: toHex(checkpoint.root), size: checkpoint.size };
    return this.#compare(signed) ?? this.#compare(said);
  }

  #compare(said: Checkpoint): LogProblem | null {
    const { size } = this.#state;
    const root = toHex(merkleRoot(this.#parts.hash, this.#state));
    if (said.device === this.#parts.device && said.size === size && said.head === toHex(this.#state.head) && said.root === root)
      return null;
    return {
      kind: 'checkpoint',
      seq: size,
      say: `The rows up to ${size} are not those that the signed checkpoint speaks of: they were rewritten.`,
    };
  }

  async #atEnd(): Promise<LogProblem | null> {
    const { size } = this.#state;
    const [beyond] = await this.#parts.store.checkpoints(size, 1);
    // Read after the checkpoint: rows always come before theirs, so a log that grew meanwhile is not taken for a cut one.
    const last = (await this.#parts.store.lastRow())?.seq ?? size;
    const claimed = Math.max(beyond?.size ?? 0, this.#witness?.size ?? 0);
    if (claimed > last) return cutProblem(last, claimed);
    if (this.#noted !== null && this.#noted.size > last) return cutProblem(last, this.#noted.size, 'this recorder had written');
    return this.#unsigned();
  }

  #unsigned(): LogProblem | null {
    const count = this.#state.size - this.#signedSize;
    const isOld = this.#parts.clock.now() - (this.#unsignedSince ?? Number.POSITIVE_INFINITY) > LONGEST_UNSIGNED_MS;
    if (count < MOST_UNSIGNED || !isOld) return null;
    const seq = this.#signedSize + 1;
    return {
      kind: 'unsigned',
      seq,
      say: `No signed checkpoint speaks for the rows from ${seq} on: it was taken out, or could not be made.`,
    };
  }

  async #breathe(): Promise<void> {
    if (this.#parts.clock.monotonicMs() - this.#sliceStartedAt < SLICE_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sliceStartedAt = this.#parts.clock.monotonicMs();
  }
}

function anchorProblem(size: number): LogProblem {
  const seq = size + 1;
  return { kind: 'anchor', seq: 1, say: `The rows before row ${seq} are missing, and not because the log was shortened by its rule.` };
}

function detailProblem(seq: number): LogProblem {
  return { kind: 'detail', seq, say: `What stands beside row ${seq} (before and after) was changed.` };
}
