import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { canonicalPerson, type EntryInput, type Person } from '../operation-log/entry.js';
import type { OperationLog } from '../operation-log/ports.js';

/** What an erasure needs. `permissions` remembers that one is due, over a power cut too. */
export interface ErasureParts {
  readonly operationLog: Pick<OperationLog, 'findSubjects' | 'eraseSubjects'>;
  readonly permissions: { readonly owner: { readonly since: number } | null; erasureDone(since: number | null): Promise<void> };
  /** Where the permissions stood: what they said before must leave the file as well. Answers damaged files that were set aside. */
  readonly state: { scrub(): Promise<readonly string[]> };
}

/** Who asked for it, as the log says it, and whose name stays: the new owner's after a hand-over. */
export interface ErasureOrder {
  readonly by: Pick<EntryInput, 'actor' | 'source'>;
  readonly keep?: readonly Person[] | undefined;
}

/** How many were erased, and the damaged files that were set aside and may still name one of them. */
export interface ErasedPeople {
  readonly count: number;
  readonly stillIn: readonly string[];
}

/**
 * Rows that are written meanwhile may bring in somebody new; whoever goes on knocking must not keep this going for ever. Only rounds that found few
 * count: one look-up does not find everybody.
 */
const MOST_ROUNDS = 8;
const FEW = 100;
/** Each lot reads all that stands beside the rows once, and no row is written meanwhile. */
const TOGETHER = 200;

/**
 * Erases every person of the time before from the operation log and from the file of the permissions: after a reset, after a hand-over that asks for it, and at the start when a power
 * cut came in between. The rows stay, and the chain holds; what they name is gone. Rejects with what the log says; then it is still due.
 */
export async function erasePeople(
  { operationLog, permissions, state }: ErasureParts,
  { by, keep = [] }: ErasureOrder,
): Promise<ErasedPeople> {
  const since = permissions.owner?.since ?? null;
  const kept = new Set(keep.map(nameOf));
  const stillIn = new Set<string>();
  // After a reset nobody is left whose words those beside the rows could be; after a hand-over some are the new owner's.
  const isEverybody = keep.length === 0;
  let count = 0;
  for (let rounds = 0; rounds < MOST_ROUNDS; ) {
    const people = (await operationLog.findSubjects('')).filter((person) => !kept.has(nameOf(person)));
    if (people.length === 0) break;
    if (people.length < FEW) rounds += 1;
    for (let at = 0; at < people.length; at += TOGETHER) {
      const refs = people.slice(at, at + TOGETHER).map(({ ref }) => ref);
      // Whoever is gone already was erased by somebody else meanwhile (a reset while a hand-over's erasure went on).
      const erased = await operationLog.eraseSubjects(refs, by, isEverybody);
      if (erased.refs.length === 0) continue;
      // What one could not empty the next one may.
      for (const file of stillIn) if (isWal(file)) stillIn.delete(file);
      for (const file of erased.stillIn) stillIn.add(file);
      count += erased.refs.length;
    }
  }
  for (const file of await state.scrub()) stillIn.add(file);
  if ([...stillIn].some(isWal)) throw stillRead();
  await permissions.erasureDone(since);
  return { count, stillIn: [...stillIn] };
}

/** SQLite's own file beside a database that is in use: nobody may be told to remove it. */
function isWal(file: string): boolean {
  return file.endsWith('.db-wal');
}

function stillRead(): AgentError {
  return new AgentError({
    code: 'log.erasure_unfinished',
    say: 'The names are erased, but somebody was reading the log: they may stand in the file of its latest changes until that is emptied.',
    fix: 'End what reads the log, and restart the agent.',
    retryable: true,
  });
}

/** What the start needs to go on with an erasure that a power cut or a full disk broke off. */
export interface UnfinishedParts extends ErasureParts {
  readonly permissions: ErasureParts['permissions'] & {
    readonly isErasureDue: boolean;
    readonly owner: { readonly since: number; readonly consent: { readonly by: Person } } | null;
  };
  /** Forgets the cameras' logins: without an owner it was a reset that was broken off. */
  readonly eraseLogins: () => Promise<unknown>;
  readonly log: Log;
}

/** Goes on with what a reset or a hand-over left to be erased. In the background: nobody waits for it. */
export function finishErasure(parts: UnfinishedParts): Service {
  const { permissions, log } = parts;
  let going: Promise<void> = Promise.resolve();
  const finish = async (): Promise<void> => {
    if (permissions.owner === null) await parts.eraseLogins();
    const keep = permissions.owner === null ? [] : [permissions.owner.consent.by];
    const { count } = await erasePeople(parts, { by: { actor: 'system', source: 'system' }, keep });
    log.info('people of before were erased from the operation log', { count });
  };
  return {
    name: 'erasure',
    start: async () => {
      if (!permissions.isErasureDue) return;
      going = finish().catch((error: unknown) => log.error('people of before could not be erased yet', { error }));
    },
    stop: () => going,
  };
}

function nameOf(person: Person): string {
  const { name, email } = canonicalPerson(person);
  return JSON.stringify([name, email]);
}
