/**
 * What of the datagrams that anybody in the network can send is read at all. Reading XML takes the processor (1 to 4 ms for 16 KiB on a small
 * machine), so only so much of it is done in a second, for one sender and for all. Pure.
 */

/** Several matches fit in; a whole site's answers come in many datagrams. */
const MOST_DATAGRAM_BYTES = 16 * 1024;
/** Sixty-four cameras behind one address answer with about 100 KiB. */
const MOST_OF_ONE_BYTES = 128 * 1024;
const MOST_OF_ALL_BYTES = 256 * 1024;
/** A datagram costs something however small it is. */
const LEAST_BYTES = 512;
const SECOND_MS = 1000;

/** For one round of questions, or one that listens. */
export class DatagramGate {
  #beganMs = Number.NEGATIVE_INFINITY;
  #all = 0;
  readonly #bySender = new Map<string, number>();

  /** Whether this datagram is read; `nowMs` is monotonic. */
  takes(sender: string, bytes: number, nowMs: number): boolean {
    if (bytes > MOST_DATAGRAM_BYTES) return false;
    if (nowMs - this.#beganMs >= SECOND_MS) {
      this.#beganMs = nowMs;
      this.#all = 0;
      this.#bySender.clear();
    }
    const cost = Math.max(LEAST_BYTES, bytes);
    const ofOne = (this.#bySender.get(sender) ?? 0) + cost;
    if (ofOne > MOST_OF_ONE_BYTES || this.#all + cost > MOST_OF_ALL_BYTES) return false;
    this.#bySender.set(sender, ofOne);
    this.#all += cost;
    return true;
  }
}

/** Whether a text may hold a greeting. */
export const mayGreet = (text: string): boolean => /\b(?:Hello|Bye)\b/.test(text);

/** Whether a text may answer one of these questions (bare UUIDs, lower case); cameras write them in either case. */
export function mayAnswer(text: string, ids: ReadonlySet<string>): boolean {
  const lower = text.toLowerCase();
  for (const id of ids) if (lower.includes(id)) return true;
  return false;
}
