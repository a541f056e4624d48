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

/** Rows in order of time; those that the recorder wrote about itself are nobody's visit. Oldest first. */
export function visits(rows: Iterable<ListedEntry>): readonly Visit[] {
  const found = new Map<string, Visit>();
  for (const { entry, person, isPersonErased } of rows) {
    if (entry === null || entry.source === 'system' || entry.phase === 'intent') continue;
    const { at, source, remote = null, actor, result } = entry;
    const key = JSON.stringify([Math.floor(at / DAY_MS), actor.ref ?? actor.kind, source, remote]);
    const before = found.get(key);
    found.set(key, {
      ...{ from: before?.from ?? at, to: at, who: person, as: actor.kind, isErased: isPersonErased, way: source, address: remote },
      acts: (before?.acts ?? 0) + (result === 'refused' ? 0 : 1),
      refused: (before?.refused ?? 0) + (result === 'refused' ? 1 : 0),
    });
  }
  return [...found.values()].sort((a, b) => a.from - b.from);
}
