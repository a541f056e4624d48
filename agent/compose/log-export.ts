import type { ExportPlace, LogExport } from '../contract/log-views.js';
import { exportPiece } from '../operation-log/export-piece.js';
import { sha256 } from '../operation-log/people.js';
import type { OperationLog } from '../operation-log/ports.js';
import { OperationLogStore } from '../store/operation-log-store.js';
import type { Base } from './base.js';

/** The log as a file, piece by piece, for the owner who is elsewhere. What stands in it up to now is signed first: an export shows only what is. */
export function logExport(
  { stores, keys, serial, clock }: Pick<Base, 'stores' | 'keys' | 'serial' | 'clock'>,
  operationLog: Pick<OperationLog, 'seal'>,
): (from: ExportPlace | null) => Promise<LogExport> {
  const store = new OperationLogStore(stores.logDatabase);
  return async (from) => {
    if (from === null) await operationLog.seal();
    return exportPiece({ store, hash: sha256, device: serial, key: keys.sign.publicJwk, at: clock.now() }, from);
  };
}
