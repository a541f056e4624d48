import type { Origin } from '../cloud/call.js';
import { unverifiedPayload } from '../contract/jws.js';
import { parseShape } from '../contract/shapes.js';
import { Withdraw } from '../contract/statements.js';
import { AgentError } from '../kernel/errors.js';
import type { EntryInput, Person } from '../operation-log/entry.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { Effect } from '../permissions/ports.js';
import type { CalledBack } from '../permissions/reading.js';
import type { Permissions } from '../permissions/service.js';
import type { Base } from './base.js';

/** Statements that need no command around them. */
export interface StatementParts {
  readonly base: Pick<Base, 'time'>;
  readonly permissions: Pick<Permissions, 'owner' | 'withdraw' | 'cancelBadges'>;
  readonly operationLog: Pick<OperationLogService, 'append'>;
}

/** A withdrawal that the owner left at the relay while the recorder was away. Carried out before this, it comes again with every connection. */
export async function withdrawFrom(parts: StatementParts, statement: string, from: Origin): Promise<void> {
  const { base, permissions } = parts;
  const person = permissions.owner?.consent.by;
  const tell = async ({ ids, closed }: Effect, code?: string): Promise<void> => {
    const lastMediaMs = Math.max(0, ...closed.map((session) => session.lastMediaMs));
    const after = { grants: ids.length, sessionsEnded: closed.length, lastMediaMs };
    await follow(parts, { action: 'permissions.withdraw', ...from, actor: 'owner', code, after }, person);
  };
  try {
    await told((onEffect) => permissions.withdraw(statement, onEffect), tell);
  } catch (error) {
    if (error instanceof AgentError && error.code === 'permissions.stale_withdrawal') return;
    throw error;
  }
  // It may have lain at the relay for days: it proves that this time has passed, no more.
  base.time.sighted(parseShape(Withdraw, unverifiedPayload(statement)).iat, false);
}

/** An organisation calls badges back. The same list comes again with every connection. */
export async function cancelFrom(parts: StatementParts, statement: string, from: Origin): Promise<void> {
  const { permissions } = parts;
  await told<CalledBack & Pick<Effect, 'closed'>>(
    (onEffect) => permissions.cancelBadges(statement, onEffect),
    async ({ org, keys, closed }, code) => {
      const after = { keys: [...keys], sessionsEnded: closed.length };
      await follow(parts, { action: 'permissions.cancel', ...from, actor: 'employee', organisation: org, code, after });
    },
  );
}

/** What counts at once has its row also when it cannot be stored (`code`: why); it will not come again as something new. */
async function told<T>(
  work: (onEffect: (effect: T) => void) => Promise<unknown>,
  tell: (effect: T, code?: string) => Promise<void>,
): Promise<void> {
  const effects: T[] = [];
  try {
    await work((effect) => void effects.push(effect));
  } catch (error) {
    for (const effect of effects) await tell(effect, error instanceof AgentError ? error.code : 'permissions.failed');
    throw error;
  }
  for (const effect of effects) await tell(effect);
}

/** The row of what is done. While none can be written the log owes it, and writes it when it can. */
async function follow({ operationLog }: StatementParts, row: Omit<EntryInput, 'phase' | 'result'>, person?: Person): Promise<void> {
  await operationLog.append({ ...row, phase: 'result', result: 'ok' }, person).catch((error: unknown) => {
    if (!(error instanceof AgentError) || error.code !== 'log.unwritable') throw error;
  });
}
