import type { LogRow } from '../../../agent/contract/views.js';
import { duration } from './format.js';
import { cameraNameOf, type Named } from './names.js';
import { t } from './words.js';

/** One thing that happened: a result joined with the intent it answers, or an intent whose result is not here. */
export interface LogEntry {
  readonly seq: number;
  readonly row: LogRow;
  readonly who: string;
  readonly what: string;
  readonly result: 'ok' | 'refused' | 'failed' | 'open';
  readonly resultText: string;
}

/** Rows of the log, newest first, each intent folded into its result. */
export function foldRows(rows: readonly LogRow[], cameras: readonly Named[], organisations: Readonly<Record<string, string>>): LogEntry[] {
  const answered = new Set(rows.map((row) => row.intentSeq).filter((seq) => seq !== null));
  return [...rows]
    .filter((row) => row.phase === 'result' || !answered.has(row.seq))
    .sort((a, b) => b.seq - a.seq)
    .map((row) => ({
      seq: row.seq,
      row,
      who: whoDid(row, organisations),
      what: whatWasDone(row, cameras),
      result: row.result ?? 'open',
      resultText: resultOf(row),
    }));
}

function whoDid(row: LogRow, organisations: Readonly<Record<string, string>>): string {
  const { kind, name, isErased } = row.actor;
  if (kind === 'owner') return name ?? t.logOwner;
  if (kind === 'system') return t.logSystem;
  if (kind === 'local') return name ?? t.logLocal;
  const who = isErased ? t.logErased : (name ?? t.logSomeone);
  const organisation = row.organisation === null ? undefined : organisations[row.organisation];
  return organisation === undefined ? who : t.logFor(who, organisation);
}

function whatWasDone(row: LogRow, cameras: readonly Named[]): string {
  const known = Object.hasOwn(t.actions, row.action) ? t.actions[row.action] : undefined;
  const what = known ?? t.logOther(row.action);
  return row.channel === null ? what : t.logOn(what, cameraNameOf(cameras, row.channel));
}

function resultOf(row: LogRow): string {
  const lasted =
    row.durationMs !== null && row.action.startsWith('live.') && row.durationMs > 0 ? t.logLasted(duration(row.durationMs)) : undefined;
  const words = { ok: t.resultOk, refused: t.resultRefused, failed: t.resultFailed };
  const result = row.result === null ? t.resultOpen : words[row.result];
  return lasted === undefined ? result : `${result}, ${lasted}`;
}
