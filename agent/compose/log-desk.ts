import type { LedgerDays, LogKept, LogPeople, LogVisits, PersonErased, RetentionChange } from '../contract/log-views.js';
import { IncidentState } from '../contract/stored.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Ledger } from '../ledger/ledger.js';
import { dayOf } from '../ledger/policy.js';
import { canonicalPerson, type Person } from '../operation-log/entry.js';
import type { AskedBy, ListedEntry, ListFilters, OperationLog } from '../operation-log/ports.js';
import type { LogUpkeep } from '../operation-log/upkeep.js';
import { VisitBook } from '../operation-log/visits.js';
import type { Permissions } from '../permissions/service.js';
import { fileHolds } from '../store/file-search.js';
import type { StateStore } from '../store/state-store.js';

/** What acts about the log reach, whoever asks for them. */
export interface LogDeskParts {
  readonly permissions: Pick<Permissions, 'owner' | 'list' | 'decline'>;
  readonly operationLog: OperationLog;
  readonly upkeep: Pick<LogUpkeep, 'rule' | 'fullness' | 'choose'>;
  readonly ledger: Pick<Ledger, 'between'>;
  readonly stores: { readonly state: Pick<StateStore, 'get' | 'put' | 'scrub'> };
  readonly clock: Clock;
}

const DAY_MS = 86_400_000;
const PAGE_ROWS = 500;
/** Where it is remembered that an incident is open. */
export const INCIDENT_KEY = 'incident';

/** Acts whose results tell of pictures that left, and what these pictures are. */
const PICTURES = {
  'live.watch': 'live',
  'playback.watch': 'recording',
  'playback.copy': 'copy',
  'cameras.snapshot': 'still',
} as const satisfies Record<string, LedgerDays['sessions'][number]['kind']>;

/** Days since 1970 (UTC), both included; null: today. */
interface AskedDays {
  readonly fromDay: number | null;
  readonly toDay: number | null;
}

function daysOf({ fromDay, toDay }: AskedDays, now: number) {
  const [first, last] = [fromDay ?? dayOf(now), toDay ?? dayOf(now)];
  return { first, last, period: { sinceAt: first * DAY_MS, untilAt: (last + 1) * DAY_MS } };
}

/** What left on these days. `mostSessions`: how many pictures the answer may name. */
export async function ledgerDays(parts: LogDeskParts, wanted: AskedDays, mostSessions: number): Promise<LedgerDays> {
  const now = parts.clock.now();
  const { first, last, period } = daysOf(wanted, now);
  const lines = await parts.ledger.between(first, last);
  const sessions: LedgerDays['sessions'] = [];
  for await (const row of newestFirst(parts, { actions: Object.keys(PICTURES), ...period })) {
    sessions.push(...sessionOf(row));
    if (sessions.length > mostSessions) break;
  }
  return { now, lines: [...lines], sessions: sessions.slice(0, mostSessions), isMore: sessions.length > mostSessions };
}

/** Who came in on these days, newest first; `most`: how many lines the answer may have. */
export async function visitsOn(parts: LogDeskParts, wanted: AskedDays, most: number): Promise<LogVisits> {
  const now = parts.clock.now();
  const book = new VisitBook();
  for await (const row of newestFirst(parts, daysOf(wanted, now).period)) book.add(row);
  const found = [...book.list()].sort((a, b) => b.to - a.to);
  return { now, visits: found.slice(0, most), isMore: found.length > most };
}

/** Rows of a period, a page at a time: others have their turn in between. */
async function* newestFirst({ operationLog }: LogDeskParts, filters: ListFilters): AsyncGenerator<ListedEntry> {
  for (let toSeq: number | undefined; ; ) {
    const page = await operationLog.list({ ...filters, toSeq, limit: PAGE_ROWS, newestFirst: true });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS || last.seq === 1) return;
    toSeq = last.seq - 1;
  }
}

function sessionOf({ entry, person, isPersonErased }: ListedEntry): LedgerDays['sessions'] {
  if (entry === null || entry.phase !== 'result' || entry.bytes === undefined) return [];
  const who = person === null ? (isPersonErased ? null : entry.actor.kind) : person.name;
  const { sessionId = '', channel = '', durationMs = 0, bytes, at } = entry;
  const kind = PICTURES[entry.action as keyof typeof PICTURES];
  // A still that was refused before anything of it left.
  if (kind === 'still' && bytes === 0) return [];
  return [{ session: sessionId, kind, cam: channel, who, endedAt: at, durationMs, bytes }];
}

/** Who stands in the log. */
export async function people({ operationLog }: LogDeskParts, text: string, most: number): Promise<LogPeople> {
  const found = await operationLog.findSubjects(text);
  return { people: found.slice(0, most).map(({ ref, name, email }) => ({ ref, name, email })), isMore: found.length > most };
}

/**
 * Forgets a person everywhere: in the log, in what was asked for and not answered yet, and in what these files said before. Whoever owns the recorder
 * cannot be forgotten by it, and while a hold stands nobody can. @throws AgentError log.no_such_subject | log.subject_is_owner | log.held
 */
export async function erasePerson(parts: LogDeskParts, ref: string, by: AskedBy): Promise<PersonErased> {
  const { operationLog, permissions, stores } = parts;
  if (parts.upkeep.rule.isHeld) throw held();
  const person = (await operationLog.findSubjects(ref)).find((one) => one.ref === ref);
  if (person !== undefined && permissions.owner !== null && isSame(person, permissions.owner.consent.by)) throw isOwner();
  if (person !== undefined) await declineAll(parts, person, by);
  const { seq, details, stillIn } = await operationLog.eraseSubject(ref, by);
  const left = new Set(stillIn);
  // What the permissions said before is in the file until it is written anew.
  for (const file of await stores.state.scrub())
    if (person !== undefined && (await fileHolds(file, [person.name, person.email]))) left.add(file);
  return { ref, seq, details, stillIn: [...left] };
}

/** What the person asks for names her: it is declined. */
async function declineAll({ permissions, operationLog }: LogDeskParts, person: Person, by: AskedBy): Promise<void> {
  if (permissions.owner === null) return;
  const { person: asker, ...way } = by;
  for (const application of permissions.list(null).applications.filter((one) => isSame(one.person, person))) {
    await permissions.decline(application.id);
    const row = { ...way, action: 'permissions.decline', phase: 'result', object: application.id, result: 'ok' } as const;
    await operationLog.append(row, asker);
  }
}

function isSame(one: Person, other: Person): boolean {
  const [a, b] = [canonicalPerson(one), canonicalPerson(other)];
  return a.name === b.name && a.email === b.email;
}

/** How long the log is kept and how full it is. */
export async function kept({ upkeep, stores }: LogDeskParts): Promise<LogKept> {
  const { days, rows, isHeld } = upkeep.rule;
  const incident = await stores.state.get(INCIDENT_KEY, IncidentState);
  return { days, rows, isHeld, fullness: await upkeep.fullness(), incidentSince: incident?.openSince ?? null };
}

/** Chooses anew how long the log is kept. `by` undefined: whoever asks writes it down. @throws AgentError incident.is_open */
export async function choose(parts: LogDeskParts, change: RetentionChange, by: AskedBy | undefined): Promise<LogKept> {
  const wanted = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const incident = await parts.stores.state.get(INCIDENT_KEY, IncidentState);
  if (wanted.isHeld === false && incident !== undefined && incident.openSince !== null) throw incidentOpen();
  if (Object.keys(wanted).length > 0) await parts.upkeep.choose(wanted, by);
  return kept(parts);
}

function held(): AgentError {
  return new AgentError({
    code: 'log.held',
    say: 'The operation log is on hold: what may be needed as evidence is not taken out of it.',
    fix: 'Close the incident or lift the hold first (sightline log retention --no-hold).',
  });
}

function isOwner(): AgentError {
  return new AgentError({
    code: 'log.subject_is_owner',
    say: 'This person owns the recorder: what the recorder may do rests on the name.',
    fix: 'Hand the recorder over with "erase the people of before", or reset it; both forget everybody.',
  });
}

function incidentOpen(): AgentError {
  return new AgentError({
    code: 'incident.is_open',
    say: 'The hold cannot be lifted while an incident is open.',
    fix: 'Close the incident first: sightline incident close --note "..."',
  });
}
