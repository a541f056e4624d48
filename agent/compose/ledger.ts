import { Ledger } from '../ledger/ledger.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { Permissions } from '../permissions/service.js';
import { LedgerStore } from '../store/ledger-store.js';
import type { Base } from './base.js';

/** The book of what leaves, asked of the consent before anything does. */
export function openLedger(base: Base, permissions: Permissions, operationLog: OperationLogService): Ledger {
  const log = base.log.area('ledger');
  return new Ledger({
    store: new LedgerStore(base.stores.stateDatabase),
    consent: () => ({ hasOwner: permissions.owner !== null, isOperatorAgreed: permissions.isOperatorAgreed() }),
    onRefused: (what, to) => {
      const row = { action: 'ledger.refused', phase: 'result', source: 'system', actor: 'system', result: 'refused' } as const;
      operationLog
        .append({ ...row, code: 'ledger.outside_consent', object: `${what} ${to}` })
        .catch((error: unknown) => log.error('a refusal could not be written to the operation log', { what, error }));
    },
    clock: base.clock,
    surelyAt: () => base.time.surelyAt(),
    log,
  });
}
