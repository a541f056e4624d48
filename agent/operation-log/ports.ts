import type { Checkpoint } from '../contract/statements.js';
import type { LogState } from './chain.js';
import type { EntryBody, EntryDetail, EntryInput, EntryResult, Json, JsonObject, Person } from './entry.js';
import type { RetentionRule } from './retention.js';

/** What a caller gets once its row is on the disk (synchronous=FULL). */
export interface Appended {
  readonly seq: number;
  /** Chain head after this row, hex: with `seq` the LogPosition of an answer. */
  readonly head: string;
}

/** A row that says "this is going to be done"; hand it to `result` once it is known how it ended. */
export interface Intent extends Appended {
  readonly entry: EntryInput;
  readonly person?: Person | undefined;
  /** By which ref the row names that person; the result names the same one, even when the person was erased in between. */
  readonly actor?: { readonly person: Person; readonly ref: string } | undefined;
}

/** How an act ended. Members given here win over those of the intent. */
export interface Outcome {
  readonly result: EntryResult;
  readonly code?: string | undefined;
  readonly before?: JsonObject | undefined;
  readonly after?: JsonObject | undefined;
  readonly object?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly durationMs?: number | undefined;
  readonly bytes?: number | undefined;
}

/** A checkpoint as it goes to the witnesses. */
export interface SignedCheckpoint extends Checkpoint {
  /** Compact JWS (checkpoint+jws) whose payload is the checkpoint. */
  readonly jws: string;
}

/** The device key as the log sees it. */
export interface CheckpointSigner {
  /** checkpoint+jws with the device key. */
  sign(checkpoint: Checkpoint): Promise<string>;
  /** What a checkpoint+jws made by this device (now or under an earlier key) says; rejects for any other. */
  open(jws: string): Promise<Checkpoint>;
}

/** The parties outside the box that hold checkpoints. */
export type Witness = 'relay' | 'owner';

/** Which rows to list; members given must all hold. */
export interface ListFilters {
  /** Part of a name or an e-mail address, any case; or an exact actor ref. */
  readonly actor?: string | undefined;
  /** Exact action, or an area followed by `.` (`live.`). */
  readonly action?: string | undefined;
  /** Any of these exact actions. */
  readonly actions?: readonly string[] | undefined;
  readonly channel?: string | undefined;
  /** UTC ms, inclusive. */
  readonly sinceAt?: number | undefined;
  /** UTC ms, exclusive. */
  readonly untilAt?: number | undefined;
}

/** Which rows, from where, how many, in which direction. */
export interface ListQuery extends ListFilters {
  readonly fromSeq?: number | undefined;
  readonly toSeq?: number | undefined;
  /** At most this many rows; at most 1 000. */
  readonly limit: number;
  readonly newestFirst?: boolean | undefined;
}

/** A row for display. */
export interface ListedEntry {
  readonly seq: number;
  /** Null when the stored text is no row any more (somebody edited it). */
  readonly entry: EntryBody | null;
  /** The person behind the row; null when there is none or it was erased. */
  readonly person: Person | null;
  readonly isPersonErased: boolean;
  readonly detail: EntryDetail | null;
  readonly head: string;
}

/** `gap` a row is missing · `edit` a row's text or chain does not fit · `moved` a row stands at another's place · `foreign` another
 * device's row · `detail` before/after was changed · `checkpoint` the chain was rewritten · `signature` a checkpoint not signed by this
 * device · `cut` rows are missing at the end · `anchor` rows are missing at the beginning, and not because the log was shortened by rule ·
 * `unsigned` so many rows without a signed checkpoint behind them as this agent never leaves. */
export type ProblemKind = 'gap' | 'edit' | 'moved' | 'foreign' | 'detail' | 'checkpoint' | 'signature' | 'cut' | 'anchor' | 'unsigned';

/** What is wrong with the log, and where. */
export interface LogProblem {
  readonly kind: ProblemKind;
  /** The first bad row; for `checkpoint` and `signature` the size it speaks of. */
  readonly seq: number;
  /** A sentence for a person. */
  readonly say: string;
}

/** The outcome of reading the whole log. */
export interface VerifyReport {
  readonly isOk: boolean;
  /** The first problem, in row order. */
  readonly problem: LogProblem | null;
  /** Rows read. */
  readonly rows: number;
  readonly size: number;
  readonly head: string;
  readonly root: string;
  readonly checkpoints: number;
  /** Up to here a signed checkpoint speaks for the rows; what follows is held by the chain alone. */
  readonly signedSize: number;
  /** Rows whose before/after was erased; the chain says that it was there. */
  readonly erasedDetails: number;
  readonly tookMs: number;
}

/** What an erasure did. */
export interface ErasedSubject extends ErasedDetails {
  readonly ref: string;
  /** The row that says that the person was erased. */
  readonly seq: number;
}

/** What an erasure of several people did; those who were gone already are not in `refs`. */
export interface ErasedSubjects extends ErasedDetails {
  readonly refs: readonly string[];
}

/** What was beside the rows of whoever was erased. */
export interface ErasedDetails {
  /** Details whose text held the name, the e-mail address or what the person typed, erased too. */
  readonly details: number;
  /** Files beside the log that still hold the name or address (set-aside corrupt files); for the operator to decide. */
  readonly stillIn: readonly string[];
}

/** What is asked to be proven: a row, and that the log goes on from an earlier size. */
export interface ProofWish {
  readonly seq: number | null;
  readonly earlier: number | null;
}

/** Proofs against the newest checkpoint; hashes as hex, paths as RFC 6962 orders them. */
export interface Proofs {
  readonly checkpoint: SignedCheckpoint;
  /** The exact text of the row, and its inclusion path. */
  readonly row: { readonly seq: number; readonly body: string; readonly path: readonly string[] } | null;
  readonly path: readonly string[] | null;
}

/** What a witness is told. `path` leads from what it holds to `checkpoint`; null when it holds nothing, or the log was shortened beyond that. */
export interface Witnessed {
  readonly problem: LogProblem | null;
  readonly checkpoint: SignedCheckpoint | null;
  readonly path: readonly string[] | null;
  /** Rows that were taken out at the beginning. */
  readonly beginsAt: number;
}

/** Who asks for something about the log. */
export interface AskedBy extends Pick<EntryInput, 'actor' | 'source' | 'remote'> {
  readonly person?: Person | undefined;
}

/** The operation log as the rest of the agent sees it. */
export interface OperationLog {
  /** Resolves after the commit. Rejects with `log.unwritable`: then nothing that changes state may be done. */
  append(entry: EntryInput, person?: Person): Promise<Appended>;
  /** Committed before acting. */
  intent(entry: Omit<EntryInput, 'phase'>, person?: Person): Promise<Intent>;
  /** Committed before answering. Carries over who, what and where from the intent. */
  result(intent: Intent, outcome: Outcome): Promise<Appended>;
  list(query: ListQuery): Promise<readonly ListedEntry[]>;
  /** Reads every row; never holds the event loop longer than about 10 ms. `witness`: a checkpoint from outside, as JWS. */
  verify(witness?: string): Promise<VerifyReport>;
  /** Where the log stands: the newest row's seq (0: none) and head. */
  position(): Promise<Appended>;
  /** The newest signed checkpoint, or null. */
  latestCheckpoint(): Promise<SignedCheckpoint | null>;
  /** Signs the state as of now; resolves when it is stored, or when it turned out that it cannot be. */
  seal(): Promise<void>;
  /** Called with every new checkpoint. Returns the way to stop it. */
  onCheckpoint(listener: (checkpoint: SignedCheckpoint) => void): () => void;
  /**
   * A witness says what it holds. Noted when it fits; otherwise a tamper row is written once per witness and run, and the problem
   * returned. Rejects with `log.foreign_checkpoint` for a JWS that this device never made.
   */
  acknowledge(witness: Witness, jws: string): Promise<LogProblem | null>;
  /** The same as a conversation: compares, then proves to the witness that the log goes on from what it holds (null: it holds nothing yet). */
  witnessed(witness: Witness, jws: string | null): Promise<Witnessed>;
  /** Rejects with `log.not_provable`, also while nothing can be signed. */
  prove(wish: ProofWish): Promise<Proofs>;
  /** Persons in the log whose name or e-mail address contains the text, or whose ref begins with it; everybody for the empty text; at most 1 000. */
  findSubjects(text: string): Promise<readonly (Person & { readonly ref: string })[]>;
  /** Blanks the person in every file. Rejects with `log.no_such_subject`. `by` tells who asked for it. */
  eraseSubject(ref: string, by: AskedBy): Promise<ErasedSubject>;
  /** The same for many in one go; who is not there (any more) is left out. `isEverybody`: nothing that anybody typed stays beside the rows either. */
  eraseSubjects(refs: readonly string[], by: AskedBy, isEverybody?: boolean): Promise<ErasedSubjects>;
  /** Shortens the log by the rule, one step: rows taken, 0 when there is nothing to do. The row that says so is part of the log. */
  prune(rule: RetentionRule): Promise<number>;
  /** How full the log is by the rule: 1 is where the oldest rows go. */
  fullness(rule: RetentionRule): Promise<number>;
}

/** One row as stored. */
export interface StoredRow {
  readonly seq: number;
  readonly body: string;
  /** 32 bytes each. */
  readonly leaf: Uint8Array;
  readonly head: Uint8Array;
}

/** A row about something that was done while no row could be written (`at`, ms since 1970). It names its person by the reference only. */
export interface OwedRow {
  readonly at: number;
  readonly entry: EntryInput;
  readonly actorRef?: string | undefined;
}

/** Durable memory of the rows that are owed, in another file than the log. */
export interface OwedStore {
  load(): Promise<readonly OwedRow[]>;
  /** May use the space that is held back on a full disk. */
  save(rows: readonly OwedRow[]): Promise<void>;
}

/** Before and after of a row, with the salt of its commitment. */
export interface DetailRow {
  /** Null after erasure. */
  readonly salt: Uint8Array | null;
  readonly json: string | null;
}

/** A row and what stands beside it; null when it never had a detail. */
export interface StoredRowWithDetail extends StoredRow {
  readonly detail: DetailRow | null;
}

/** A person as stored. */
export interface SubjectRow {
  /** 16 bytes. */
  readonly ref: Uint8Array;
  /** 32 bytes; null after erasure, as name and email. */
  readonly salt: Uint8Array | null;
  readonly name: string | null;
  readonly email: string | null;
  readonly erasedAt: number | null;
}

/** Rows and persons that become durable together. */
export interface AppendBatch {
  readonly rows: readonly StoredRowWithDetail[];
  readonly subjects: readonly SubjectRow[];
  /** The newest of these rows for each person in them; `ref` 16 bytes. */
  readonly seen: readonly { readonly ref: Uint8Array; readonly seq: number }[];
  /** Rows that are intents, and intents that these rows finish. */
  readonly opened: readonly number[];
  readonly finished: readonly number[];
  /** Tells of something that stops others: may use the space that is held back for that on a full disk. */
  readonly isUrgent?: boolean | undefined;
}

/** A checkpoint as stored; `peaks` let the Merkle tree go on from there. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly head: Uint8Array;
  readonly root: Uint8Array;
  readonly peaks: readonly Uint8Array[];
  readonly at: number;
  readonly jws: string;
}

/** Who is erased; `ref` 16 bytes. */
export interface ErasureWish {
  readonly subjects: readonly { readonly ref: Uint8Array; readonly person: Person }[];
  /** All who were there before. */
  readonly isEverybody: boolean;
}

/** Where rows live. Implemented over SQLite; every write is durable when its promise resolves. */
export interface LogStore {
  append(batch: AppendBatch): Promise<void>;
  /** Rows in order of seq (or against it), with their details. */
  rows(query: ListQuery & { readonly actorRefs?: readonly string[] | undefined }): Promise<readonly StoredRowWithDetail[]>;
  /** Rows in order of seq behind `afterSeq` in which this person acts, or whose details name her. */
  rowsAbout(ref: Uint8Array, person: Person, afterSeq: number, limit: number): Promise<readonly StoredRowWithDetail[]>;
  lastRow(): Promise<StoredRow | null>;
  /** Where the stored rows begin: nothing, or the state at the last pruning. */
  anchor(): Promise<LogState>;
  /** The checkpoint+jws that speaks for what was before the stored rows; null when they begin at 1. */
  anchorStatement(): Promise<string | null>;
  /** The oldest stored row; 0 for none. */
  firstSeq(): Promise<number>;
  /** The newest row before this instant (UTC ms); 0 for none. */
  lastSeqBefore(at: number): Promise<number>;
  /**
   * Takes the rows up to the checkpoint out, with the persons that stand in no other row, and writes the row that says so together with the
   * checkpoint that signs it. Rows taken.
   */
  prune(anchor: StoredCheckpoint, row: AppendBatch, signed: StoredCheckpoint): Promise<number>;
  /**
   * Size and head (hex) at the last commit, noted beside the rows: lags behind after a power cut, never runs ahead. Null when nothing is noted. Shows
   * that rows were lost with their own file.
   */
  noted(): Promise<{ readonly size: number; readonly head: string } | null>;
  /** Leaf hashes of the rows, both ends included. */
  leaves(fromSeq: number, toSeq: number): Promise<readonly Uint8Array[]>;
  /** Intents without a result, oldest first. */
  openIntents(): Promise<readonly number[]>;
  putCheckpoint(checkpoint: StoredCheckpoint): Promise<void>;
  /** In order of size, those above `aboveSize`, at most `limit`. */
  checkpoints(aboveSize: number, limit: number): Promise<readonly StoredCheckpoint[]>;
  /** The newest at or below `size` whose head is that of the stored row. */
  fittingCheckpoint(size: number): Promise<StoredCheckpoint | null>;
  /** The first time counts; nothing is written for those after. */
  noteAcknowledged(witness: Witness, size: number, at: number): Promise<void>;
  findSubject(person: Person): Promise<SubjectRow | null>;
  subjects(refs: readonly Uint8Array[]): Promise<readonly SubjectRow[]>;
  /** Living subjects whose name or e-mail address contains `text`, any case, or whose ref begins with it; all for the empty text; at most 1 000. */
  searchSubjects(text: string): Promise<readonly SubjectRow[]>;
  /** Living subjects in order of ref, behind `after` (null: from the beginning). */
  livingSubjects(after: Uint8Array | null, limit: number): Promise<readonly SubjectRow[]>;
  /**
   * Blanks salt, name, email of these subjects and every detail that names one of them (naming.ts), appends `tombstones` in the same transaction,
   * then makes the bytes leave the files. Returns the number of details and the files that could not be cleaned; `isEmptied` false: `empty` is to follow.
   */
  erase(wish: ErasureWish, tombstones: AppendBatch, at: number): Promise<ErasedDetails & { readonly isEmptied: boolean }>;
  /** The last step of an erasure alone; false while another process reads the log. */
  empty(): Promise<boolean>;
}

export type { Checkpoint, EntryBody, EntryDetail, EntryInput, EntryResult, Json, JsonObject, Person };
