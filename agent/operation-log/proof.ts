import { AgentError } from '../kernel/errors.js';
import { type Hash, type LogState, merkleRoot, sameBytes } from './chain.js';

/**
 * Proofs over the Merkle tree of RFC 6962 section 2.1: that one row is in the log that a checkpoint speaks of, and that a later log goes on
 * from an earlier one. Pure; the same file makes them on the recorder and checks them anywhere.
 */

const NODE = Uint8Array.of(0x01);

/** What is known of the leaves: those after `anchor` one by one, those before it as the anchor's peaks. */
export interface LeafSource {
  readonly anchor: LogState;
  /** 32-byte leaf hash of the row at `index` (0-based), for index >= anchor.size. */
  leaf(index: number): Uint8Array;
}

/** Largest power of two below `size`; size >= 2. */
function split(size: number): number {
  let width = 1;
  while (width * 2 < size) width *= 2;
  return width;
}

/** Hash of the rows from..to (to excluded). Refuses what was taken out in a way that no peak covers. */
function subtree(hash: Hash, source: LeafSource, from: number, to: number): Uint8Array {
  if (to <= source.anchor.size) return peakFor(source.anchor, from, to);
  if (to - from === 1) return source.leaf(from);
  const middle = from + split(to - from);
  return hash(NODE, subtree(hash, source, from, middle), subtree(hash, source, middle, to));
}

/** The anchor keeps one hash per perfect subtree, largest first; exactly these stand to the left of any later row. */
function peakFor(anchor: LogState, from: number, to: number): Uint8Array {
  let at = 0;
  for (const [index, width] of widthsOf(anchor.size).entries()) {
    const peak = anchor.peaks[index];
    if (at === from && at + width === to && peak !== undefined) return peak;
    at += width;
  }
  throw notProvable(`Rows ${from + 1} to ${to} were taken out of the log by its rule.`);
}

function widthsOf(size: number): number[] {
  const widths: number[] = [];
  for (let width = 2 ** Math.floor(Math.log2(Math.max(1, size))); width >= 1; width /= 2)
    if (Math.floor(size / width) % 2 === 1) widths.push(width);
  return widths;
}

/**
 * The audit path for the row at `index` in the tree of `size` rows, from the leaf upwards (RFC 6962, 2.1.1).
 * @throws AgentError log.not_provable for a row that is not there any more, or not in a tree of this size
 */
export function inclusionPath(hash: Hash, source: LeafSource, index: number, size: number): Uint8Array[] {
  if (index < source.anchor.size || index >= size || size < source.anchor.size)
    throw notProvable(`Row ${index + 1} is not among the rows ${source.anchor.size + 1} to ${size}.`);
  const path: Uint8Array[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + split(to - from);
    if (index < middle) {
      path.push(subtree(hash, source, middle, to));
      to = middle;
    } else {
      path.push(subtree(hash, source, from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/** Whether `leaf` is the row at `index` of the log of `size` rows with this root (RFC 9162, 2.1.3.2). */
export function isIncluded(
  hash: Hash,
  claim: { readonly leaf: Uint8Array; readonly index: number; readonly size: number; readonly root: Uint8Array },
  path: readonly Uint8Array[],
): boolean {
  if (!Number.isSafeInteger(claim.index) || claim.index < 0 || claim.index >= claim.size) return false;
  let [at, last] = [claim.index, claim.size - 1];
  let node = claim.leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      node = hash(NODE, sibling, node);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else node = hash(NODE, node, sibling);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && sameBytes(node, claim.root);
}

/**
 * Hashes that show that the log of `size` rows begins with the one of `earlier` rows (RFC 6962, 2.1.2); empty for the same size.
 * @throws AgentError log.not_provable when the earlier end lies before the anchor
 */
export function consistencyPath(hash: Hash, source: LeafSource, earlier: number, size: number): Uint8Array[] {
  if (earlier < 1 || earlier > size || earlier < source.anchor.size)
    throw notProvable(`The log begins at row ${source.anchor.size + 1} and ends at row ${size}; what is asked for lies outside.`);
  const walk = (from: number, to: number, end: number, isWhole: boolean): Uint8Array[] => {
    if (end === to) return isWhole ? [] : [subtree(hash, source, from, to)];
    const middle = from + split(to - from);
    if (end <= middle) return [...walk(from, middle, end, isWhole), subtree(hash, source, middle, to)];
    return [...walk(middle, to, end, false), subtree(hash, source, from, middle)];
  };
  return walk(0, size, earlier, true);
}

/** Whether the log of `size` rows with `root` begins with the one of `earlier` rows with `earlierRoot` (RFC 9162, 2.1.4.2). */
export function isConsistent(
  hash: Hash,
  claim: { readonly earlier: number; readonly earlierRoot: Uint8Array; readonly size: number; readonly root: Uint8Array },
  path: readonly Uint8Array[],
): boolean {
  const { earlier, size, earlierRoot, root } = claim;
  if (!Number.isSafeInteger(earlier) || earlier < 1 || earlier > size) return false;
  if (earlier === size) return path.length === 0 && sameBytes(earlierRoot, root);
  const steps = Number.isInteger(Math.log2(earlier)) ? [earlierRoot, ...path] : [...path];
  const first = steps.shift();
  if (first === undefined) return false;
  let [at, last] = [earlier - 1, size - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  let [old, now] = [first, first];
  for (const step of steps) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      old = hash(NODE, step, old);
      now = hash(NODE, step, now);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else now = hash(NODE, now, step);
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && sameBytes(old, earlierRoot) && sameBytes(now, root);
}

function half(value: number): number {
  return Math.floor(value / 2);
}

/** The root of the first `size` rows. */
export function rootAt(hash: Hash, source: LeafSource, size: number): Uint8Array {
  return size === source.anchor.size ? merkleRoot(hash, source.anchor) : subtree(hash, source, 0, size);
}

function notProvable(say: string): AgentError {
  return new AgentError({ code: 'log.not_provable', say, fix: 'Ask for a proof about rows that are in the log.' });
}
