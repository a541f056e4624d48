import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { canonicalPerson, type EntryInput, type Person } from '../operation-log/entry.js';
import type { OperationLog } from '../operation-log/ports.js';

/** What an erasure needs. `permissions` remembers that one is due, over a power cut too. */
export interface ErasureParts {
  readonly operationLog: Pick<OperationLog, 'findSubjects' | 'eraseSubject'>;
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
  let count = 0;
  for (let rounds = 0; rounds < MOST_ROUNDS; ) {
    const people = (await operationLog.findSubjects('')).filter((person) => !kept.has(nameOf(person)));
    if (people.length === 0) break;
    if (people.length < FEW) rounds += 1;
    for (const { ref } of people) {
      const files = await erasedFrom(operationLog, ref, by);
      if (files === undefined) continue;
      // What one could not empty the next one may.
      for (const file of stillIn) if (isWal(file)) stillIn.delete(file);
      for (const file of files) stillIn.add(file);
      count += 1;
    }
  }
  for (const file of await state.scrub()) stillIn.add(file);
  if ([...stillIn].some(isWal)) throw stillRead();
  await permissions.erasureDone(since);
  return { count, stillIn: [...stillIn] };
}

/** Where the person may still stand; undefined when somebody else has erased it meanwhile (a reset while a hand-over's erasure went on). */
async function erasedFrom(
  operationLog: ErasureParts['operationLog'],
  ref: string,
  by: ErasureOrder['by'],
): Promise<readonly string[] | undefined> {
  try {
    return (await operationLog.eraseSubject(ref, by)).stillIn;
  } catch (error) {
    if (error instanceof AgentError && error.code === 'log.no_such_subject') return undefined;
    throw error;
  }
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
