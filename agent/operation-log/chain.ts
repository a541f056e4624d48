/**
 * The mathematics of the log: a hash chain for order and an RFC 6962 Merkle tree for proofs. Pure; the hash function is handed in,
 * so the same file verifies in Node and in a browser.
 */

/** SHA-256 over the parts one after another; 32 bytes. */
export type Hash = (...parts: readonly Uint8Array[]) => Uint8Array;

/** All that is needed to go on: number of rows, chain head, and the roots of the perfect subtrees, largest first (at most log2(size)). */
export interface LogState {
  readonly size: number;
  readonly head: Uint8Array;
  readonly peaks: readonly Uint8Array[];
}

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);
// A third prefix, so that a chain head can never be mistaken for a tree node over the same 64 bytes.
const LINK = Uint8Array.of(0x02);

/** The log before its first row: head of 32 zero bytes. */
export function emptyState(): LogState {
  return { size: 0, head: new Uint8Array(32), peaks: [] };
}

/** RFC 6962 leaf hash of the exact stored bytes of a row. */
export function leafHash(hash: Hash, body: Uint8Array): Uint8Array {
  return hash(LEAF, body);
}

/** The chain head after a row. */
export function nextHead(hash: Hash, head: Uint8Array, leaf: Uint8Array): Uint8Array {
  return hash(LINK, head, leaf);
}

/** Roots of the perfect subtrees of a tree of `size` leaves after one more. */
export function withLeaf(hash: Hash, peaks: readonly Uint8Array[], size: number, leaf: Uint8Array): Uint8Array[] {
  const grown = [...peaks];
  let node = leaf;
  // Every trailing 1 bit of the old size is a perfect subtree that this leaf completes to one of twice its width.
  for (let width = size; width % 2 === 1; width = (width - 1) / 2) {
    const left = grown.pop();
    if (left === undefined) break;
    node = hash(NODE, left, node);
  }
  grown.push(node);
  return grown;
}

/** The state after one more row. */
export function extend(hash: Hash, state: LogState, leaf: Uint8Array): LogState {
  return { size: state.size + 1, head: nextHead(hash, state.head, leaf), peaks: withLeaf(hash, state.peaks, state.size, leaf) };
}

/** The RFC 6962 Merkle tree hash of all rows; of no rows it is the hash of nothing. */
export function merkleRoot(hash: Hash, state: Pick<LogState, 'peaks'>): Uint8Array {
  const peaks = [...state.peaks];
  let root = peaks.pop();
  if (root === undefined) return hash();
  for (let left = peaks.pop(); left !== undefined; left = peaks.pop()) root = hash(NODE, left, root);
  return root;
}

/** True when both hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Lower-case hex, the form of heads and roots outside the store. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
