import type { ControlActs } from '../contract/control.js';
import { AgentError } from '../kernel/errors.js';
import type { EntryInput } from '../operation-log/entry.js';
import { closeIncident, type IncidentParts, openIncident } from './incident.js';
import { choose, erasePerson, ledgerDays, people } from './log-desk.js';
import { by } from './logged.js';

/** What the acts about the log reach. */
export type LogActParts = IncidentParts;

type Names = 'ledger' | 'log-people' | 'log-exported' | 'log-erase' | 'log-retention' | 'incident-open' | 'incident-close';

const MOST_SESSIONS = 200;
const MOST_PEOPLE = 999;

/** What a person at the recorder may do about the log: see what left, forget somebody, choose how long it is kept, freeze it after an incident. */
export function logActs(parts: LogActParts): Pick<ControlActs, Names> {
  return {
    ledger: (days) => ledgerDays(parts, days, MOST_SESSIONS),
    'log-people': ({ text }) => people(parts, text, MOST_PEOPLE),
    'log-exported': async ({ ref, details, people: hasPeople }, source) => {
      const row = { action: 'log.exported', phase: 'result', ...by(source), result: 'ok' } as const;
      const { seq } = await parts.operationLog.append({ ...row, object: ref ?? undefined, after: { details, people: hasPeople } });
      return { seq };
    },
    'log-erase': ({ ref }, source) =>
      refusalTold(parts, { ...by(source), action: 'log.erase', object: ref }, () => erasePerson(parts, ref, by(source))),
    'log-retention': (change, source) =>
      refusalTold(parts, { ...by(source), action: 'log.retention' }, () => choose(parts, change, by(source))),
    'incident-open': ({ note }, source) => openIncident(parts, note, by(source)),
    'incident-close': ({ note }, source) =>
      refusalTold(parts, { ...by(source), action: 'incident.close' }, () => closeIncident(parts, note, by(source))),
  };
}

/** Refused before anything was begun: that somebody tried stands in the log all the same. What was begun writes its own end. */
const REFUSED = /^(log\.(held|no_such_subject|subject_is_owner)|incident\.)/;

async function refusalTold<T>({ operationLog, log }: LogActParts, tried: Omit<EntryInput, 'phase'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AgentError && REFUSED.test(error.code))
      await operationLog
        .append({ ...tried, phase: 'result', result: 'refused', code: error.code })
        .catch((cause: unknown) => log.error('a refusal could not be written to the operation log', { cause }));
    throw error;
  }
}
