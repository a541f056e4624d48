import type { Cancellation } from '../contract/statements.js';
import { type Denial, deny } from './denial.js';

/** A list is kept as long as a badge that it names can live (12 h), and an hour more for clocks that differ. */
const KEPT_MS = 13 * 3_600_000;

/** Whether this organisation has called the badges of this key back. */
export function isCalledBack(lists: readonly Cancellation[], org: string, kid: string): boolean {
  return lists.some((list) => list.org === org && list.keys.includes(kid));
}

/** `new`: it counts; `same`: it counts already; or why it does not. */
export function judgeCancellation(list: Cancellation, known: readonly Cancellation[]): 'new' | 'same' | Denial {
  const newest = newestOf(known, list.org);
  if (newest === undefined || list.n > newest.n) return 'new';
  const isSame = list.n === newest.n && [...list.keys].sort().join() === [...newest.keys].sort().join();
  if (isSame) return 'same';
  const fix = 'Sign a new list with a higher number.';
  return deny('stale_cancellation', 'The recorder holds a newer list of called-back badges of this organisation.', fix);
}

/** New lists that one organisation may bring within the hour: each is rows in the log and a write that wears the flash. */
const MOST_LISTS = 20;
const LISTS_WITHIN_MS = 3_600_000;

/** Too many lists of one organisation. */
export const TOO_MANY_LISTS: Denial = deny(
  'too_many_cancellations',
  'Your organisation has called badges back too often within this hour.',
  'Put all of them into one list, and send it in an hour; the last list that was taken counts until then.',
);

/** Counts new lists by organisation, by a clock that cannot be turned. */
export class ListRate {
  readonly #takenMs = new Map<string, readonly number[]>();

  /** Counts one more; false when it is one too many, which is then not counted. */
  take(org: string, nowMs: number): boolean {
    for (const [known, times] of this.#takenMs) if (!times.some((at) => nowMs - at < LISTS_WITHIN_MS)) this.#takenMs.delete(known);
    const times = (this.#takenMs.get(org) ?? []).filter((at) => nowMs - at < LISTS_WITHIN_MS);
    if (times.length >= MOST_LISTS) return false;
    this.#takenMs.set(org, [...times, nowMs]);
    return true;
  }
}

function newestOf(lists: readonly Cancellation[], org: string): Cancellation | undefined {
  let newest: Cancellation | undefined;
  for (const list of lists) if (list.org === org && list.n > (newest?.n ?? 0)) newest = list;
  return newest;
}

/** Only the newest list of each organisation. The older ones go when the newest is durable: until then both count, so nothing opens early. */
export function newestOnly(lists: readonly Cancellation[]): Cancellation[] {
  return lists.filter((list) => newestOf(lists, list.org) === list);
}

/**
 * Remembers since when each list is held, by a clock that cannot be turned: the date in a list is its organisation's, and a list must not go before
 * the badges have ended that were good when it came.
 */
export class HeldLists {
  readonly #heldSinceMs = new Map<string, number>();

  /** The lists that are still worth keeping; `lists` itself when all are. */
  worthKeeping(lists: readonly Cancellation[], nowAt: number, nowMs: number): readonly Cancellation[] {
    const nameOf = (list: Cancellation): string => `${list.org} ${list.n}`;
    for (const list of lists) if (!this.#heldSinceMs.has(nameOf(list))) this.#heldSinceMs.set(nameOf(list), nowMs);
    const kept = lists.filter((list) => nowAt < list.iat + KEPT_MS || nowMs < (this.#heldSinceMs.get(nameOf(list)) ?? nowMs) + KEPT_MS);
    const names = new Set(kept.map(nameOf));
    for (const name of this.#heldSinceMs.keys()) if (!names.has(name)) this.#heldSinceMs.delete(name);
    return kept.length === lists.length ? lists : kept;
  }
}
