import type { LogRow } from '../../../agent/contract/views.js';
import { duration } from './format.js';
import { tl } from './log-texts.js';
import { cameraNameOf, type Named } from './names.js';

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
  if (kind === 'owner') return name ?? tl.logOwner;
  if (kind === 'system') return tl.logSystem;
  if (kind === 'local') return name ?? tl.logLocal;
  const who = isErased ? tl.logErased : (name ?? tl.logSomeone);
  const organisation = row.organisation === null ? undefined : organisations[row.organisation];
  return organisation === undefined ? who : tl.logFor(who, organisation);
}

function whatWasDone(row: LogRow, cameras: readonly Named[]): string {
  const known = Object.hasOwn(tl.actions, row.action) ? tl.actions[row.action] : undefined;
  const what = known ?? tl.logOther(row.action);
  return row.channel === null ? what : tl.logOn(what, cameraNameOf(cameras, row.channel));
}

function resultOf(row: LogRow): string {
  const lasted =
    row.durationMs !== null && row.action.startsWith('live.') && row.durationMs > 0 ? tl.logLasted(duration(row.durationMs)) : undefined;
  const words = { ok: tl.resultOk, refused: tl.resultRefused, failed: tl.resultFailed };
  const result = row.result === null ? tl.resultOpen : words[row.result];
  return lasted === undefined ? result : `${result}, ${lasted}`;
}
