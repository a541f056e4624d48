import type {
  ExportPlace,
  IncidentClosed,
  IncidentOpened,
  LedgerDays,
  LogExport,
  LogKept,
  LogPeople,
  LogVisits,
  PersonErased,
  RetentionChange,
} from '../../contract/log-views.js';
import { AgentError } from '../../kernel/errors.js';
import type { AskedBy, OperationLog } from '../../operation-log/ports.js';
import type { Call, Handlers } from '../call.js';

type Names =
  | 'log.witness'
  | 'log.proof'
  | 'log.people'
  | 'log.visits'
  | 'log.export'
  | 'log.erase'
  | 'log.kept'
  | 'log.retention'
  | 'ledger.get'
  | 'incident.open'
  | 'incident.close';

/** Days since 1970, both included; null: today. */
interface AskedDays {
  readonly fromDay: number | null;
  readonly toDay: number | null;
}

/** The same acts as at the recorder itself. The desk writes intent and result of an act, so these write no row of their own. */
export interface LogCare {
  ledgerDays(days: AskedDays, mostSessions: number): Promise<LedgerDays>;
  visits(days: AskedDays, most: number): Promise<LogVisits>;
  people(text: string, most: number): Promise<LogPeople>;
  exportPiece(from: ExportPlace | null): Promise<LogExport>;
  erasePerson(ref: string, by: AskedBy): Promise<PersonErased>;
  kept(): Promise<LogKept>;
  choose(change: RetentionChange): Promise<LogKept>;
  openIncident(note: string): Promise<IncidentOpened>;
  closeIncident(note: string): Promise<IncidentClosed>;
}

/** What the owner's care of the log needs. */
export interface LogCareParts {
  readonly operationLog: Pick<OperationLog, 'witnessed' | 'prove'>;
  readonly care: LogCare;
}

/** What one sealed answer carries: 31 days of lines, and so many people and pictures. */
const MOST_DAYS = 31;
const MOST_PEOPLE = 100;
const MOST_SESSIONS = 60;
const MOST_VISITS = 100;

/** The owner as a witness of the log, and what he decides about it. */
export function logCareHandlers({ operationLog, care }: LogCareParts): Pick<Handlers, Names> {
  return {
    'log.witness': async ({ checkpoint, by }) => {
      const { problem, checkpoint: newest, path, beginsAt } = await operationLog.witnessed(by, checkpoint);
      return { problem, checkpoint: newest?.jws ?? null, path: path === null ? null : [...path], beginsAt };
    },
    'log.proof': async (wish) => {
      const { checkpoint, row, path } = await operationLog.prove(wish);
      const proven = row === null ? null : { ...row, path: [...row.path] };
      return { checkpoint: checkpoint.jws, row: proven, path: path === null ? null : [...path] };
    },
    'log.people': ({ text }) => care.people(text, MOST_PEOPLE),
    'log.erase': async ({ ref }, call) => {
      call.note.object = ref;
      call.recheck();
      const erased = await care.erasePerson(ref, askedBy(call));
      call.note.after = { details: erased.details };
      return erased;
    },
    'log.kept': () => care.kept(),
    'log.retention': async (change, call) => {
      const { days, rows, isHeld } = await care.kept();
      call.note.before = { days, rows, isHeld };
      call.recheck();
      const now = await care.choose(change);
      call.note.after = { days: now.days, rows: now.rows, isHeld: now.isHeld };
      return now;
    },
    'ledger.get': (days) => care.ledgerDays(withinMonth(days), MOST_SESSIONS),
    'log.visits': (days) => care.visits(withinMonth(days), MOST_VISITS),
    'log.export': ({ from }) => care.exportPiece(from),
    ...incidentHandlers(care),
  };
}

function incidentHandlers(care: LogCare): Pick<Handlers, 'incident.open' | 'incident.close'> {
  return {
    'incident.open': async ({ note }, call) => {
      call.note.after = { note };
      const opened = await care.openIncident(note);
      const { seq, grants, sessionsEnded, left } = opened;
      call.note.object = String(seq);
      call.note.after = { note, grants, sessionsEnded, left: [...left] };
      return opened;
    },
    'incident.close': async ({ note }, call) => {
      call.note.after = { note };
      call.recheck();
      return care.closeIncident(note);
    },
  };
}

function askedBy({ ticket, from }: Call): AskedBy {
  return { ...from, actor: 'owner', person: ticket.person };
}

/** @throws AgentError ledger.too_long */
function withinMonth(days: AskedDays): AskedDays {
  const { fromDay, toDay } = days;
  if (fromDay !== null && toDay !== null && toDay - fromDay >= MOST_DAYS) throw tooLong();
  return days;
}

function tooLong(): AgentError {
  return new AgentError({
    code: 'ledger.too_long',
    say: `More than ${MOST_DAYS} days do not fit into one answer.`,
    fix: 'Ask for a month at a time.',
  });
}
