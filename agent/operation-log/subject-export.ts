import { fromBase64url } from '../contract/text.js';
import { decodeBody, decodeDetail, type EntryBody, type EntryDetail, type Person } from './entry.js';
import type { LogStore, StoredRowWithDetail } from './ports.js';

/** A row in which a person stands. `how`: by her own act, or because what was changed names her. Nobody else is named. */
export interface SubjectEntry {
  readonly seq: number;
  readonly how: 'acted' | 'named';
  readonly entry: EntryBody | null;
  readonly change: EntryDetail | null;
}

const PAGE_ROWS = 500;

/** Everything that the log keeps about one person, oldest first: her answer to "what do you have about me". */
export async function* subjectEntries(store: LogStore, ref: string, person: Person): AsyncGenerator<SubjectEntry> {
  for (let after = 0; ; ) {
    const rows = await store.rowsAbout(fromBase64url(ref), person, after, PAGE_ROWS);
    for (const row of rows) yield about(row, ref);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return;
    after = last.seq;
  }
}

function about({ seq, body, detail }: StoredRowWithDetail, ref: string): SubjectEntry {
  const entry = decodeBody(body) ?? null;
  const json = detail?.json ?? null;
  const change = json === null ? null : (decodeDetail(json) ?? null);
  return { seq, how: entry?.actor.ref === ref ? 'acted' : 'named', entry, change };
}
