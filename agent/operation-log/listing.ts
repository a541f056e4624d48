import { fromBase64url, toBase64url } from '../contract/text.js';
import { toHex } from './chain.js';
import { decodeBody, decodeDetail, type EntryBody } from './entry.js';
import type { ListedEntry, ListQuery, LogStore, StoredRowWithDetail, SubjectRow } from './ports.js';

const MOST_ROWS = 1_000;
const REF = /^[\w-]{22}$/;

/** Rows for display, with the names of persons and the private details joined back. */
export async function listEntries(store: LogStore, query: ListQuery): Promise<readonly ListedEntry[]> {
  const limit = Math.max(0, Math.min(MOST_ROWS, Math.floor(query.limit)));
  const actorRefs = query.actor === undefined ? undefined : await refsFor(store, query.actor);
  if (actorRefs?.length === 0) return [];
  const rows = await store.rows({ ...query, limit, actorRefs });
  const read = rows.map((row) => ({ row, entry: decodeBody(row.body) ?? null }));
  const people = await peopleOf(
    store,
    read.map(({ entry }) => entry),
  );
  return read.map(({ row, entry }) => listed(row, entry, people));
}

async function refsFor(store: LogStore, text: string): Promise<readonly string[]> {
  const found = (await store.searchSubjects(text)).map((subject) => toBase64url(subject.ref));
  return REF.test(text) ? [...found, text] : found;
}

async function peopleOf(store: LogStore, entries: readonly (EntryBody | null)[]): Promise<ReadonlyMap<string, SubjectRow>> {
  const refs = new Set(entries.flatMap((entry) => (entry?.actor.ref !== undefined && REF.test(entry.actor.ref) ? [entry.actor.ref] : [])));
  const subjects = await store.subjects([...refs].map((ref) => fromBase64url(ref)));
  return new Map(subjects.map((subject) => [toBase64url(subject.ref), subject]));
}

function listed(row: StoredRowWithDetail, entry: EntryBody | null, people: ReadonlyMap<string, SubjectRow>): ListedEntry {
  const ref = entry?.actor.ref;
  const subject = ref === undefined ? undefined : people.get(ref);
  const isThere = subject !== undefined && subject.name !== null && subject.email !== null;
  const json = row.detail?.json ?? null;
  return {
    seq: row.seq,
    entry,
    person: isThere ? { name: subject.name, email: subject.email } : null,
    isPersonErased: ref !== undefined && !isThere,
    detail: json === null ? null : (decodeDetail(json) ?? null),
    head: toHex(row.head),
  };
}
