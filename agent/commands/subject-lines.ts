import type { SubjectEntry } from '../operation-log/subject-export.js';
import { toCsv } from './csv.js';
import { iso } from './words.js';
import type { Piece } from './write-out.js';

/** Who it is about, and where and when it was put together. */
export interface SubjectHead {
  readonly ref: string;
  readonly name: string;
  readonly email: string;
  readonly device: string;
  /** Ms since 1970. */
  readonly at: number;
}

/** JSON Lines: who it is about, then every row. Times are UTC. */
export async function* subjectJson(entries: AsyncIterable<SubjectEntry>, head: SubjectHead): AsyncGenerator<Piece> {
  yield { text: `${JSON.stringify({ kind: 'person', v: 1, ...head, at: iso(head.at) })}\n`, isRow: false };
  for await (const { seq, how, entry, change } of entries) {
    const time = entry === null ? null : iso(entry.at);
    yield { text: `${JSON.stringify({ kind: 'row', seq, time, how, row: entry, change })}\n`, isRow: true };
  }
}

const HEAD = [
  ...['seq', 'time', 'clock', 'how', 'phase', 'action', 'by', 'as', 'signed-in-with', 'organisation', 'grant', 'camera', 'scope', 'object'],
  ...['result', 'code', 'session', 'duration-ms', 'bytes', 'software', 'before', 'after'],
];

/** The same as a table. `by`: the way it came in; `as`: in which role. */
export async function* subjectCsv(entries: AsyncIterable<SubjectEntry>): AsyncGenerator<Piece> {
  yield { text: toCsv([HEAD]), isRow: false };
  for await (const one of entries) yield { text: toCsv([cells(one)]), isRow: true };
}

function cells({ seq, how, entry, change }: SubjectEntry): readonly string[] {
  if (entry === null) return [String(seq), '', '', how, '', 'unreadable row', ...HEAD.slice(6).map(() => '')];
  const { phase, action, source, actor, amr, organisation, grant, channel, scope, object, result, code, sessionId, durationMs, bytes } =
    entry;
  return [
    ...[String(seq), iso(entry.at), entry.clock, how, phase, action, source, actor.kind, amr?.join(' '), organisation, grant],
    ...[channel, scope, object, result, code, sessionId, number(durationMs), number(bytes), entry.version],
    ...[json(change?.before), json(change?.after)],
  ].map((cell) => cell ?? '');
}

function number(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function json(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
