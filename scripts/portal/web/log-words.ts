import { SCOPES } from '../../../agent/contract/shapes.js';
import { Hours } from '../../../agent/contract/statements.js';
import type { LogRow } from '../../../agent/contract/views.js';
import { duration, moment } from './format.js';
import { describeHours } from './hours.js';
import { tl } from './log-texts.js';
import { cameraNameOf, type Named } from './names.js';
import { describeScopes } from './permission-parts.js';
import { t } from './words.js';

/** One thing that happened: a result joined with the intent it answers, or an intent whose result is not here. */
export interface LogEntry {
  readonly seq: number;
  readonly row: LogRow;
  readonly who: string;
  readonly what: string;
  readonly result: 'ok' | 'refused' | 'failed' | 'open';
  readonly resultText: string;
  /** Lines of a till's receipt; empty for everything else, and when they were erased. */
  readonly lines: readonly string[];
  /** Shown with what did not go well: whoever is asked for help can look it up. */
  readonly code: string | null;
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
      lines: linesOf(row),
      code: row.result === 'ok' ? null : row.code,
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
  const what = (row.action === 'permissions.grant' ? whatWasAllowed(row, cameras) : whatGearTold(row)) ?? known ?? tl.logOther(row.action);
  return row.channel === null ? what : tl.logOn(what, cameraNameOf(cameras, row.channel));
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** What stands beside a row; empty when it was erased. */
const afterOf = ({ detail }: LogRow): Record<string, unknown> => (detail as { after?: Record<string, unknown> } | null)?.after ?? {};

/** Gear on serial lines in the owner's words; undefined for everything else. */
function whatGearTold(row: LogRow): string | undefined {
  const object = row.object ?? '';
  if (row.action === 'gear.power') return Object.hasOwn(tl.gearPower, object) ? tl.gearPower[object] : undefined;
  const { meaning, zone } = afterOf(row);
  return row.action === 'gear.alarm' && isText(meaning) && isText(zone) ? tl.gearAlarm(meaning, zone, object.split('-')[1]) : undefined;
}

function linesOf(row: LogRow): readonly string[] {
  const { lines } = afterOf(row);
  return row.action === 'gear.receipt' && Array.isArray(lines) ? lines.filter(isText) : [];
}

/** A grant in the owner's words, from what stands beside its row; undefined when that is gone or unlike a grant. */
function whatWasAllowed(row: LogRow, cameras: readonly Named[]): string | undefined {
  const { organisation, scopes, cameras: cams, hours, until } = afterOf(row);
  if (!isText(organisation) || !Array.isArray(scopes) || typeof until !== 'number') return undefined;
  const what = describeScopes(
    SCOPES.filter((scope) => scopes.includes(scope)),
    Array.isArray(cams) ? cams.filter(isText) : null,
    cameras,
  );
  const sentence = tl.logAllowed(organisation, what, moment(until, row.at));
  const when = Hours.safeParse(hours);
  return when.success ? t.permAtHours(sentence, describeHours(when.data) ?? '') : sentence;
}

function resultOf(row: LogRow): string {
  const isLive = row.action.startsWith('live.');
  const words = { ok: tl.resultOk, refused: tl.resultRefused, failed: tl.resultFailed };
  const parts = [row.result === null ? tl.resultOpen : words[row.result]];
  if (isLive && row.durationMs !== null && row.durationMs > 0) parts.push(tl.logLasted(duration(row.durationMs)));
  const code = row.code ?? '';
  const why = row.result === 'ok' && Object.hasOwn(tl.ends, code) ? tl.ends[code] : undefined;
  if (why !== undefined) parts.push(why);
  return parts.join(', ');
}
