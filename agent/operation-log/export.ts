import type { PublicJwk } from '../contract/shapes.js';
import { toBase64url } from '../contract/text.js';
import { extend, type Hash, merkleRoot, toHex } from './chain.js';
import type { LogStore, StoredCheckpoint } from './ports.js';

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
 */
export async function* exportLines(parts: ExportParts, choice: ExportChoice): AsyncGenerator<string> {
  const { store, device, key, at } = parts;
  const anchor = await store.anchor();
  const statement = await store.anchorStatement();
  const begin = statement === null ? null : { size: anchor.size, head: toHex(anchor.head), peaks: anchor.peaks.map(toHex), statement };
  yield line({ kind: 'header', v: 1, device, key, at, anchor: begin });
  const last = (await store.lastRow())?.seq ?? anchor.size;
  let size = anchor.size;
  const checkpoints = new CheckpointsInOrder(store, anchor.size);
  while (size < last) {
    const rows = await store.rows({ fromSeq: size + 1, toSeq: last, limit: PAGE_ROWS });
    if (rows.length === 0) break;
    for (const row of rows) {
      const { salt, json } = row.detail ?? { salt: null, json: null };
      const detail = choice.hasDetails && salt !== null && json !== null ? { salt: toBase64url(salt), json } : null;
      yield line({ kind: 'row', seq: row.seq, body: row.body, detail });
      size = row.seq;
      for (const { jws } of await checkpoints.upTo(size)) yield line({ kind: 'checkpoint', statement: jws });
    }
  }
  if (choice.hasPeople) yield* people(store);
  const end = await stateAt(parts, size);
  yield line({ kind: 'end', size, ...end });
}

/** Hands out checkpoints as the rows they speak of go by; reads them a page at a time. */
class CheckpointsInOrder {
  readonly #store: LogStore;
  #page: StoredCheckpoint[] = [];
  #readTo: number;
  #hasMore = true;

  constructor(store: LogStore, aboveSize: number) {
    this.#store = store;
    this.#readTo = aboveSize;
  }

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

async function* people(store: LogStore): AsyncGenerator<string> {
  for (const { ref, salt, name, email } of await store.searchSubjects('')) {
    yield line({ kind: 'person', ref: toBase64url(ref), salt: salt === null ? null : toBase64url(salt), name, email });
  }
}

/** Head and root over the stored rows up to `size`, from leaves alone: what a reader must arrive at. */
async function stateAt({ store, hash }: ExportParts, size: number): Promise<{ head: string; root: string }> {
  let state = await store.anchor();
  for (let from = state.size + 1; from <= size; from += PAGE_ROWS) {
    for (const leaf of await store.leaves(from, Math.min(size, from + PAGE_ROWS - 1))) state = extend(hash, state, leaf);
  }
  return { head: toHex(state.head), root: toHex(merkleRoot(hash, state)) };
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
