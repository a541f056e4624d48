import type { PublicJwk } from '../contract/shapes.js';
import { toBase64url } from '../contract/text.js';
import { AgentError } from '../kernel/errors.js';
import { extend, type Hash, type LogState, merkleRoot, toHex } from './chain.js';
import type { LogStore, StoredCheckpoint, StoredRowWithDetail, SubjectRow } from './ports.js';

/** What goes into an export beside rows and checkpoints. */
export interface ExportChoice {
  /** What stands beside the rows: before and after, names of cameras and organisations. */
  readonly hasDetails: boolean;
  /** The names and addresses behind the rows. */
  readonly hasPeople: boolean;
}

/** What an export is made from. `key` verifies its checkpoints; `at` is the instant of the export, ms since 1970. */
export interface ExportParts {
  readonly store: LogStore;
  readonly hash: Hash;
  readonly device: string;
  readonly key: PublicJwk;
  readonly at: number;
}

const PAGE_ROWS = 256;

/**
 * The log as JSON Lines that verify anywhere (scripts/verify-log.mjs): a header with the recorder's key and where the rows begin, each row with
 * its exact hashed text, each checkpoint behind its last row, persons when they are wanted, and the end with head and root.
 * @throws AgentError log.shortened when rows were taken out while they were being read
 */
export async function* exportLines(parts: ExportParts, choice: ExportChoice): AsyncGenerator<string> {
  const { store, hash } = parts;
  const anchor = await store.anchor();
  yield await headerLine(parts, anchor, choice);
  const last = (await store.lastRow())?.seq ?? anchor.size;
  const checkpoints = new CheckpointsInOrder(store, anchor.size);
  let state: LogState = anchor;
  while (state.size < last) {
    const rows = await store.rows({ fromSeq: state.size + 1, toSeq: last, limit: PAGE_ROWS });
    if ((await store.anchor()).size !== anchor.size) throw shortened();
    if (rows.length === 0) break;
    for (const row of rows) {
      yield rowLine(row, choice);
      state = { ...extend(hash, state, row.leaf), size: row.seq };
      for (const checkpoint of await checkpoints.upTo(row.seq)) yield checkpointLine(checkpoint);
    }
  }
  if (choice.hasPeople) yield* personLines(store);
  yield endLine({ size: state.size, head: state.head, root: merkleRoot(hash, state) });
}

/** The first line: whose log it is, the key that its checkpoints are verified with, and where the rows begin. */
export async function headerLine({ store, device, key, at }: ExportParts, anchor: LogState, choice: ExportChoice): Promise<string> {
  const statement = await store.anchorStatement();
  const begin = statement === null ? null : { size: anchor.size, head: toHex(anchor.head), peaks: anchor.peaks.map(toHex), statement };
  const { hasDetails: details, hasPeople: people } = choice;
  return line({ kind: 'header', v: 1, device, key, at, anchor: begin, details, people });
}

/** A row: its exact hashed text, and what stands beside it when that is wanted. */
export function rowLine({ seq, body, detail: stored }: StoredRowWithDetail, choice: ExportChoice): string {
  const { salt, json } = stored ?? { salt: null, json: null };
  const detail = choice.hasDetails && salt !== null && json !== null ? { salt: toBase64url(salt), json } : null;
  return line({ kind: 'row', seq, body, detail });
}

/** A signed checkpoint, behind the last row that it speaks of. */
export function checkpointLine({ jws }: StoredCheckpoint): string {
  return line({ kind: 'checkpoint', statement: jws });
}

/** Somebody behind the rows, with the salt that the reference in them is made with. */
export function personLine({ ref, salt, name, email }: SubjectRow): string {
  return line({ kind: 'person', ref: toBase64url(ref), salt: salt === null ? null : toBase64url(salt), name, email });
}

/** The last line: what the rows must add up to. */
export function endLine({ size, head, root }: Pick<StoredCheckpoint, 'size' | 'head' | 'root'>): string {
  return line({ kind: 'end', size, head: toHex(head), root: toHex(root) });
}

/** Hands out checkpoints as the rows they speak of go by; reads them a page at a time. */
export class CheckpointsInOrder {
  readonly #store: LogStore;
  #page: StoredCheckpoint[] = [];
  #readTo: number;
  #hasMore = true;

  constructor(store: LogStore, aboveSize: number) {
    this.#store = store;
    this.#readTo = aboveSize;
  }

  /** Those up to this row that were not handed out yet. */
  async upTo(size: number): Promise<readonly StoredCheckpoint[]> {
    const due: StoredCheckpoint[] = [];
    for (;;) {
      if (this.#page.length === 0 && this.#hasMore) {
        this.#page = [...(await this.#store.checkpoints(this.#readTo, PAGE_ROWS))];
        this.#hasMore = this.#page.length === PAGE_ROWS;
        this.#readTo = this.#page.at(-1)?.size ?? this.#readTo;
      }
      const next = this.#page[0];
      if (next === undefined || next.size > size) return due;
      due.push(next);
      this.#page.shift();
    }
  }
}

async function* personLines(store: LogStore): AsyncGenerator<string> {
  let after: Uint8Array | null = null;
  for (;;) {
    const page = await store.livingSubjects(after, PAGE_ROWS);
    for (const person of page) yield personLine(person);
    if (page.length < PAGE_ROWS) return;
    after = page.at(-1)?.ref ?? null;
  }
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** Rows were taken out by the rule, or what stood beside one by an erasure, while the log was being written down. */
export function shortened(): AgentError {
  return new AgentError({
    code: 'log.shortened',
    say: 'Something was taken out of the log while it was being read: by its rule, or because a person was forgotten.',
    fix: 'Export it again.',
    retryable: true,
  });
}
