import type { LogPage, LogRow } from '../../contract/views.js';
import type { ListedEntry, OperationLog } from '../../operation-log/ports.js';
import type { Handlers } from '../call.js';

/** The log and what a page of it says beside its rows: rows in all, head as hex, organisation names by key thumbprint. */
export interface LogHandlerParts {
  readonly operationLog: OperationLog;
  readonly position: () => Promise<{ readonly size: number; readonly head: string }>;
  readonly organisations: () => Promise<Record<string, string>>;
}

/** Bytes that one answer may hold: a message is at most 64 KiB after sealing (base64 twice). */
const ANSWER_BYTES = 26_000;

/** The operation log for the owner's eyes, newest first. */
export function logHandlers(parts: LogHandlerParts): Pick<Handlers, 'log.list'> {
  return {
    'log.list': async ({ beforeSeq, limit, action }): Promise<LogPage> => {
      const toSeq = beforeSeq === null ? undefined : beforeSeq - 1;
      const listed = toSeq === 0 ? [] : await parts.operationLog.list({ limit, newestFirst: true, toSeq, action });
      const { size, head } = await parts.position();
      const checkpoint = await parts.operationLog.latestCheckpoint();
      return {
        rows: fitting(listed.map(toLogRow)),
        size,
        head,
        checkpoint: checkpoint?.jws ?? null,
        organisations: await parts.organisations(),
      };
    },
  };
}

/** As many rows as one message carries; the app asks for the next page from there. */
function fitting(rows: readonly LogRow[]): LogRow[] {
  let room = ANSWER_BYTES;
  const kept: LogRow[] = [];
  for (const row of rows) {
    room -= JSON.stringify(row).length;
    if (room < 0 && kept.length > 0) break;
    kept.push(row);
  }
  return kept;
}

/** One row as it is shown; a row whose text was edited keeps its place and says so. */
export function toLogRow(listed: ListedEntry): LogRow {
  const { entry, person } = listed;
  return {
    seq: listed.seq,
    at: entry?.at ?? 0,
    clock: entry?.clock ?? 'floor',
    phase: entry?.phase ?? 'result',
    action: entry?.action ?? 'log.unreadable',
    source: entry?.source ?? 'system',
    actor: {
      kind: entry?.actor.kind ?? 'system',
      name: person?.name ?? null,
      email: person?.email ?? null,
      isErased: listed.isPersonErased,
    },
    organisation: entry?.organisation ?? null,
    grant: entry?.grant ?? null,
    channel: entry?.channel ?? null,
    scope: entry?.scope ?? null,
    object: entry?.object ?? null,
    result: entry?.result ?? null,
    code: entry?.code ?? null,
    session: entry?.sessionId ?? null,
    durationMs: entry?.durationMs ?? null,
    bytes: entry?.bytes ?? null,
    intentSeq: entry?.intentSeq ?? null,
    detail: listed.detail,
    head: listed.head,
  };
}
