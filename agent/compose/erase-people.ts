import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { canonicalPerson, type EntryInput, type Person } from '../operation-log/entry.js';
import type { OperationLog } from '../operation-log/ports.js';

/** What an erasure needs. `permissions` remembers that one is due, over a power cut too. */
export interface ErasureParts {
  readonly operationLog: Pick<OperationLog, 'findSubjects' | 'eraseSubject'>;
  readonly permissions: { erasureDone(): Promise<void> };
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

/** Rows that are written meanwhile may bring in somebody new; whoever goes on knocking must not keep this going for ever. */
const MOST_ROUNDS = 8;

/**
 * Erases every person of the time before from the operation log and from the file of the permissions: after a reset, after a hand-over that asks for it, and at the start when a power
 * cut came in between. The rows stay, and the chain holds; what they name is gone. Rejects with what the log says; then it is still due.
 */
export async function erasePeople(
  { operationLog, permissions, state }: ErasureParts,
  { by, keep = [] }: ErasureOrder,
): Promise<ErasedPeople> {
  const kept = new Set(keep.map(nameOf));
  const stillIn = new Set<string>();
  let count = 0;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const people = (await operationLog.findSubjects('')).filter((person) => !kept.has(nameOf(person)));
    if (people.length === 0) break;
    for (const { ref } of people) {
      const erased = await operationLog.eraseSubject(ref, by);
      for (const file of erased.stillIn) stillIn.add(file);
      count += 1;
    }
  }
  for (const file of await state.scrub()) stillIn.add(file);
  await permissions.erasureDone();
  return { count, stillIn: [...stillIn] };
}

/** What the start needs to go on with an erasure that a power cut or a full disk broke off. */
export interface UnfinishedParts extends ErasureParts {
  readonly permissions: ErasureParts['permissions'] & {
    readonly isErasureDue: boolean;
    readonly owner: { readonly consent: { readonly by: Person } } | null;
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
