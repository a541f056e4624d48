import type { ExportPlace, LogExport } from '../contract/log-views.js';
import { fromBase64url, toBase64url, utf8 } from '../contract/text.js';
import { AgentError } from '../kernel/errors.js';
import { CheckpointsInOrder, checkpointLine, type ExportParts, endLine, headerLine, personLine, rowLine, shortened } from './export.js';
import type { LogStore, StoredCheckpoint } from './ports.js';

/** A line, or a row with the checkpoints behind it, and where the export goes on after it; null: it was the last. */
interface Unit {
  readonly text: string;
  readonly next: ExportPlace | null;
}

/** Bytes of text, as JSON, that one piece holds: a message is at most 64 KiB after sealing (base64 twice). */
const PIECE_BYTES = 26_000;
/** Characters of a line that is too long for one piece: no character takes more than three bytes as JSON, so these fit. */
const SLICE_CHARS = 8_000;
const PAGE_ROWS = 64;
const PAGE_PEOPLE = 64;
const ALL = { hasDetails: true, hasPeople: true };

/**
 * The same file as `exportLines` makes, names and changes included, in pieces small enough for an answer over the relay. It ends with the newest
 * checkpoint as of the first piece, so every row in it is signed. `from` null: from the beginning; otherwise what the piece before gave as `next`.
 * @throws AgentError log.not_signed while nothing is | log.shortened when something was taken out between two pieces: rows
 * by the rule, or by an erasure the change of a row that is longer than one piece
 */
export async function exportPiece(parts: ExportParts, from: ExportPlace | null): Promise<LogExport> {
  const end = await endOf(parts.store, from);
  const to = end.size;
  let place = from;
  let text = '';
  let room = PIECE_BYTES;
  for await (const unit of unitsFrom(parts, end, from)) {
    const skip = place?.skip ?? 0;
    // Only what is too long for one piece is sliced: what fits now lost its change to an erasure since then, and its rest would be no rest.
    if (skip > 0 && (skip >= unit.text.length || bytesOf(unit.text) <= PIECE_BYTES)) throw shortened();
    const rest = unit.text.slice(skip);
    const bytes = bytesOf(rest);
    if (bytes > room) {
      if (text !== '' || place === null) return { text, to, next: place };
      const slice = sliceOf(rest);
      return { text: slice, to, next: { ...place, skip: skip + slice.length } };
    }
    text += rest;
    room -= bytes;
    place = unit.next;
  }
  return { text, to, next: null };
}

function bytesOf(text: string): number {
  return utf8(JSON.stringify(text)).length;
}

/** The beginning of a long line, never half a character: each half would become another one where pieces are put together as bytes. */
function sliceOf(text: string): string {
  const last = text.charCodeAt(SLICE_CHARS - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? SLICE_CHARS - 1 : SLICE_CHARS);
}

/** The checkpoint that the export ends with. */
async function endOf(store: LogStore, from: ExportPlace | null): Promise<StoredCheckpoint> {
  const end = await store.fittingCheckpoint(from?.to ?? Number.MAX_SAFE_INTEGER);
  if (end === null) throw notSigned();
  if (from !== null && end.size !== from.to) throw shortened();
  return end;
}

async function* unitsFrom(parts: ExportParts, end: StoredCheckpoint, from: ExportPlace | null): AsyncGenerator<Unit> {
  const { store } = parts;
  const to = end.size;
  let seq = from?.seq ?? 0;
  if (from === null) {
    const anchor = await store.anchor();
    seq = anchor.size;
    yield { text: await headerLine(parts, anchor, ALL), next: { to, seq, ref: null, skip: 0 } };
  }
  yield* rowUnits(store, seq, to);
  yield* personUnits(store, from?.ref ?? null, to);
  yield { text: endLine(end), next: null };
}

async function* rowUnits(store: LogStore, after: number, to: number): AsyncGenerator<Unit> {
  const checkpoints = new CheckpointsInOrder(store, after);
  for (let seq = after; seq < to; ) {
    const rows = await store.rows({ fromSeq: seq + 1, toSeq: to, limit: PAGE_ROWS });
    if (rows[0]?.seq !== seq + 1) throw shortened();
    for (const row of rows) {
      const signed = (await checkpoints.upTo(row.seq)).map(checkpointLine);
      seq = row.seq;
      yield { text: [rowLine(row, ALL), ...signed].join(''), next: { to, seq, ref: null, skip: 0 } };
    }
  }
}

async function* personUnits(store: LogStore, behind: string | null, to: number): AsyncGenerator<Unit> {
  for (let after = behind; ; ) {
    const page = await store.livingSubjects(after === null ? null : fromBase64url(after), PAGE_PEOPLE);
    for (const person of page) {
      after = toBase64url(person.ref);
      yield { text: personLine(person), next: { to, seq: to, ref: after, skip: 0 } };
    }
    if (page.length < PAGE_PEOPLE) return;
  }
}

function notSigned(): AgentError {
  return new AgentError({
    code: 'log.not_signed',
    say: 'Nothing of the log is signed yet.',
    fix: 'Try again in a minute.',
    retryable: true,
  });
}
