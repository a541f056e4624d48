import type { Origin } from '../cloud/call.js';
import { unverifiedPayload } from '../contract/jws.js';
import { parseShape } from '../contract/shapes.js';
import { Withdraw } from '../contract/statements.js';
import { AgentError } from '../kernel/errors.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { Permissions } from '../permissions/service.js';
import type { Base } from './base.js';

/** Statements that need no command around them. */
export interface StatementParts {
  readonly base: Pick<Base, 'time'>;
  readonly permissions: Permissions;
  readonly operationLog: OperationLogService;
}

/** A withdrawal that the owner left at the relay while the recorder was away. Carried out before this, it comes again with every connection. */
export async function withdrawFrom(
  { base, permissions, operationLog }: StatementParts,
  statement: string,
  { source, remote }: Origin,
): Promise<void> {
  const person = permissions.owner?.consent.by;
  try {
    const { receipt, ids } = await permissions.withdraw(statement);
    // It may have lain at the relay for days: it proves that this time has passed, no more.
    base.time.sighted(parseShape(Withdraw, unverifiedPayload(statement)).iat, false);
    if (ids.length === 0 && receipt.closed.length === 0) return;
    const after = { grants: ids.length, sessionsEnded: receipt.closed.length, lastMediaMs: receipt.lastMediaMs };
    await operationLog.append(
      { action: 'permissions.withdraw', phase: 'result', source, remote, actor: 'owner', result: 'ok', after },
      person,
    );
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'permissions.stale_withdrawal') throw error;
  }
}

/** An organisation calls badges back. The same list comes again with every connection. */
export async function cancelFrom(
  { permissions, operationLog }: StatementParts,
  statement: string,
  { source, remote }: Origin,
): Promise<void> {
  const { org, keys, isNew, closed } = await permissions.cancelBadges(statement);
  if (!isNew) return;
  const after = { keys: [...keys], sessionsEnded: closed.length };
  const row = { action: 'permissions.cancel', phase: 'result', source, remote, actor: 'employee', result: 'ok' } as const;
  await operationLog.append({ ...row, organisation: org, after });
}
