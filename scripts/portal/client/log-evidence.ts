import type { ExportPlace, LogExport } from '../../../agent/contract/log-views.js';
import type { AnswerOf } from '../../../agent/contract/operations.js';
import { AgentError } from '../../../agent/kernel/errors.js';
import type { RecorderCall } from './recorder-call.js';

/** What is kept of an incident, as the command line writes it beside one another: the log (JSON Lines, verify-log reads them) and what left. */
export interface Evidence {
  /** In the order of the file; not joined, because it may be large. */
  readonly log: readonly string[];
  /** JSON. */
  readonly ledger: string;
}

/** What the work needs. `wait`: resolves after so many milliseconds. */
export interface EvidenceParts {
  readonly client: RecorderCall;
  readonly wait: (ms: number) => Promise<void>;
  /** Rows that are here, and all that will be. */
  readonly onProgress: (rows: number, all: number) => void;
}

const DAY_MS = 86_400_000;
/** What one answer about the ledger holds. */
const MOST_DAYS = 31;
const DAYS_BEFORE = 30;
const PIECE_MS = 30_000;
const AGAIN_MS = 2_000;
const MOST_TRIES = 5;

/**
 * Fetches the whole log with its proofs, names and changes, and what left the recorder from 30 days before the incident (`since`, ms since 1970) to now
 * (`now`). Goes on over a moment without connection and a recorder that asks to be spared. Rejects as the client does; `log.shortened` means: begin anew.
 */
export async function fetchEvidence(parts: EvidenceParts, { since, now }: { since: number; now: number }): Promise<Evidence> {
  const log: string[] = [];
  for (let place: ExportPlace | null = null; ; ) {
    const from: ExportPlace | null = place;
    const piece: LogExport = await patiently(parts, () => parts.client.call('log.export', { from }, { timeoutMs: PIECE_MS }));
    log.push(piece.text);
    parts.onProgress(piece.next?.seq ?? piece.to, piece.to);
    place = piece.next;
    if (place === null) break;
  }
  return { log, ledger: await ledgerOf(parts, Math.floor(since / DAY_MS) - DAYS_BEFORE, Math.floor(now / DAY_MS)) };
}

async function ledgerOf(parts: EvidenceParts, first: number, last: number): Promise<string> {
  const months: AnswerOf<'ledger.get'>[] = [];
  for (let fromDay = Math.max(0, first); fromDay <= last; fromDay += MOST_DAYS) {
    const toDay = Math.min(fromDay + MOST_DAYS - 1, last);
    const days = { fromDay, toDay };
    months.push(await patiently(parts, () => parts.client.call('ledger.get', days)));
  }
  const dayText = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);
  const told = {
    from: dayText(Math.max(0, first)),
    to: dayText(last),
    lines: months.flatMap(({ lines }) => lines.map(({ day, ...rest }) => ({ day: dayText(day), ...rest }))),
    sessions: months.flatMap(({ sessions }) =>
      sessions.map(({ endedAt, ...rest }) => ({ ...rest, endedAt: new Date(endedAt).toISOString() })),
    ),
    isMore: months.some(({ isMore }) => isMore),
  };
  return `${JSON.stringify(told, null, 1)}\n`;
}

/** A long log is many questions: one that is lost must not cost all those before it. */
async function patiently<T>({ wait }: EvidenceParts, ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      const isWorthIt = error instanceof AgentError && error.retryable && error.code !== 'log.shortened';
      if (!isWorthIt || tries === MOST_TRIES) throw error;
      await wait(AGAIN_MS);
    }
  }
}
