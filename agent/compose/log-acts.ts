import type { ControlActs } from '../contract/control.js';
import { closeIncident, type IncidentParts, openIncident } from './incident.js';
import { choose, erasePerson, ledgerDays, people } from './log-desk.js';

/** What the acts about the log reach. */
export type LogActParts = IncidentParts;

type Names = 'ledger' | 'log-people' | 'log-erase' | 'log-retention' | 'incident-open' | 'incident-close';

const MOST_SESSIONS = 200;
const MOST_PEOPLE = 999;

/** What a person at the recorder may do about the log: see what left, forget somebody, choose how long it is kept, freeze it after an incident. */
export function logActs(parts: LogActParts): Pick<ControlActs, Names> {
  return {
    ledger: (days) => ledgerDays(parts, days, MOST_SESSIONS),
    'log-people': ({ text }) => people(parts, text, MOST_PEOPLE),
    'log-erase': ({ ref }, source) => erasePerson(parts, ref, { source, actor: 'local' }),
    'log-retention': (change, source) => choose(parts, change, { source, actor: 'local' }),
    'incident-open': ({ note }, source) => openIncident(parts, note, { source, actor: 'local' }),
    'incident-close': ({ note }, source) => closeIncident(parts, note, { source, actor: 'local' }),
  };
}
