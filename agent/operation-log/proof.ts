import { AgentError } from '../kernel/errors.js';
import { type Hash, type LogState, merkleRoot, sameBytes, withLeaf } from './chain.js';

/**
 * Proofs over the Merkle tree of RFC 6962 section 2.1: that one row is in the log that a checkpoint speaks of, and that a later log goes on
 * from an earlier one. Pure; the same file makes them on the recorder and checks them anywhere.
 *
 * A path is made in one pass over the leaves behind `base`, which may be any state at or before what is proven: the peaks of that state stand for
 * all that was before it. So a proof costs no more than the rows since then, and works behind rows that were taken out.
 */

const NODE = Uint8Array.of(0x01);

/** Rows from..to (0-based, `to` excluded) whose common hash is one step of a path. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Largest power of two below `size`; size >= 2. */
function split(size: number): number {
  let width = 1;
  while (width * 2 < size) width *= 2;
  return width;
}

/** What the path of the row at `index` in a log of `size` rows is made of, from the leaf up (RFC 6962, 2.1.1). @throws AgentError log.not_provable */
export function inclusionSpans(index: number, size: number): readonly Span[] {
  if (index < 0 || index >= size) throw notProvable(`Row ${index + 1} is not among the ${size} rows of the log.`);
  const spans: Span[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + split(to - from);
    if (index < middle) {
      spans.push({ from: middle, to });
      to = middle;
    } else {
      spans.push({ from, to: middle });
      from = middle;
    }
  }
  return spans.reverse();
}

/** What shows that a log of `size` rows begins with the one of `earlier` rows (RFC 6962, 2.1.2). @throws AgentError log.not_provable */
export function consistencySpans(earlier: number, size: number): readonly Span[] {
  if (earlier < 1 || earlier > size) throw notProvable(`The log has ${size} rows; ${earlier} are not the beginning of it.`);
  const walk = (from: number, to: number, isWhole: boolean): readonly Span[] => {
    if (earlier === to) return isWhole ? [] : [{ from, to }];
    const middle = from + split(to - from);
    if (earlier <= middle) return [...walk(from, middle, isWhole), { from: middle, to }];
    return [...walk(middle, to, false), { from, to: middle }];
  };
  return walk(0, size, true);
}

interface Growing extends Span {
  peaks: Uint8Array[];
  size: number;
}

/** Takes the leaves after `base` one by one and makes the path of all spans. `base` must not reach beyond what is proven. */
export class PathMaker {
  readonly #hash: Hash;
  readonly #inOrder: readonly Growing[];
  readonly #spans: readonly Growing[];
  #next: number;
  #at = 0;

  constructor(hash: Hash, base: Pick<LogState, 'size' | 'peaks'>, spans: readonly Span[]) {
    this.#hash = hash;
    this.#next = base.size;
    this.#spans = spans.map((span) => ({ ...span, peaks: [], size: 0 }));
    this.#inOrder = [...this.#spans].sort((a, b) => a.from - b.from);
    this.#stand(base);
  }

  /** The leaf hash of the next row. */
  add(leaf: Uint8Array): void {
    while ((this.#inOrder[this.#at]?.to ?? Number.POSITIVE_INFINITY) <= this.#next) this.#at += 1;
    const span = this.#inOrder[this.#at];
    if (span !== undefined && span.from <= this.#next) {
      span.peaks = withLeaf(this.#hash, span.peaks, span.size, leaf);
      span.size += 1;
    }
    this.#next += 1;
  }

  /** @throws AgentError log.not_provable when leaves are missing, or were taken out of the log */
  path(): Uint8Array[] {
    return this.#spans.map(({ from, to, size, peaks }) => {
      if (size !== to - from) throw notProvable(`Rows ${from + 1} to ${to} were taken out of the log by its rule.`);
      return merkleRoot(this.#hash, { peaks });
    });
  }

  /** A state keeps one hash per perfect subtree, largest first; each lies within one span, or in none that is asked for. */
  #stand({ size, peaks }: Pick<LogState, 'size' | 'peaks'>): void {
    let from = 0;
    for (const [index, width] of widthsOf(size).entries()) {
      const [at, peak] = [from, peaks[index]];
      const span = this.#spans.find((one) => one.from <= at && at + width <= one.to);
      if (span !== undefined && peak !== undefined) {
        span.peaks.push(peak);
        span.size += width;
      }
      from += width;
    }
  }
}

function widthsOf(size: number): number[] {
  const widths: number[] = [];
  for (let width = 2 ** Math.floor(Math.log2(Math.max(1, size))); width >= 1; width /= 2)
    if (Math.floor(size / width) % 2 === 1) widths.push(width);
  return widths;
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

/** Whether the log of `size` rows with `root` begins with the one of `earlier` rows with `earlierRoot` (RFC 9162, 2.1.4.2). */
export function isConsistent(
  hash: Hash,
  claim: { readonly earlier: number; readonly earlierRoot: Uint8Array; readonly size: number; readonly root: Uint8Array },
  path: readonly Uint8Array[],
): boolean {
  const { earlier, size, earlierRoot, root } = claim;
  if (!Number.isSafeInteger(earlier) || !Number.isSafeInteger(size) || earlier < 1 || earlier > size) return false;
  if (earlier === size) return path.length === 0 && sameBytes(earlierRoot, root);
  const steps = isPowerOfTwo(earlier) ? [earlierRoot, ...path] : [...path];
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

function isPowerOfTwo(size: number): boolean {
  let width = 1;
  while (width < size) width *= 2;
  return width === size;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function notProvable(say: string): AgentError {
  return new AgentError({ code: 'log.not_provable', say, fix: 'Ask for a proof about rows that are in the log.' });
}
