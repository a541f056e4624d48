import type { ListedEntry } from './ports.js';

/** Somebody who came in one way on one day (UTC): over the relay, the local network, the command line, the button. Pure: a view of the rows. */
export interface Visit {
  /** First and last row, ms since 1970. */
  readonly from: number;
  readonly to: number;
  /** Null when nobody is named (a stranger, somebody at the recorder) or the person was erased. */
  readonly who: { readonly name: string; readonly email: string } | null;
  /** `owner`, `employee`, `local`; `system` for those who did not even prove who they are. */
  readonly as: string;
  readonly isErased: boolean;
  readonly way: string;
  /** Keyed hash of the address on the local network; null for none. */
  readonly address: string | null;
  readonly acts: number;
  readonly refused: number;
}

const DAY_MS = 86_400_000;

/** Gathers visits from rows in any order, one row at a time: a month may have more of them than fit into a small recorder's memory. */
export class VisitBook {
  readonly #found = new Map<string, Visit>();

  /** Rows that the recorder wrote about itself, and the begin of an act whose end has a row of its own, are nobody's visit. */
  add({ entry, person, isPersonErased }: Pick<ListedEntry, 'entry' | 'person' | 'isPersonErased'>): void {
    if (entry === null || entry.source === 'system' || entry.phase === 'intent') return;
    const { at, source, remote = null, actor, result } = entry;
    const key = JSON.stringify([Math.floor(at / DAY_MS), actor.ref ?? actor.kind, source, remote]);
    const before = this.#found.get(key);
    const isRefused = result === 'refused';
    this.#found.set(key, {
      from: Math.min(before?.from ?? at, at),
      to: Math.max(before?.to ?? at, at),
      ...{ who: person, as: actor.kind, isErased: isPersonErased, way: source, address: remote },
      acts: (before?.acts ?? 0) + (isRefused ? 0 : 1),
      refused: (before?.refused ?? 0) + (isRefused ? 1 : 0),
    });
  }

  /** Oldest first. */
  list(): readonly Visit[] {
    return [...this.#found.values()].sort((a, b) => a.from - b.from);
  }
}
