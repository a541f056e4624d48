import { Retention } from '../contract/stored.js';
import type { OperationLogService } from '../operation-log/service.js';
import { LogUpkeep } from '../operation-log/upkeep.js';
import type { Base } from './base.js';

const KEY = 'log-retention';

/** Keeps the operation log within what the owner chose. */
export function openUpkeep(base: Base, operationLog: OperationLogService, onNearlyFull: () => void): LogUpkeep {
  const { state } = base.stores;
  return new LogUpkeep({
    log: operationLog,
    store: { load: () => state.get(KEY, Retention), save: async (rule) => void (await state.put(KEY, rule)) },
    onNearlyFull,
    clock: base.clock,
    technicalLog: base.log.area('operation-log'),
  });
}
