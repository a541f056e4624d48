import { createHash } from 'node:crypto';
import { type Signer, signStatement, verifyStatement } from '../contract/jws.js';
import type { PublicJwk } from '../contract/shapes.js';
import { Checkpoint } from '../contract/statements.js';
import { OwedRows } from '../contract/stored.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import { VERSION } from '../kernel/version.js';
import type { ClockQuality } from '../operation-log/entry.js';
import type { OwedStore } from '../operation-log/ports.js';
import { OperationLogService } from '../operation-log/service.js';
import { OperationLogStore } from '../store/operation-log-store.js';
import type { StateStore } from '../store/state-store.js';
import type { Stores } from './stores.js';

/** What the log signs with (`signer`, verified by `key`) and what it writes into every row (`serial`, `boot`, `site`). */
export interface LogSide {
  readonly stores: Stores;
  readonly signer: Signer;
  readonly key: PublicJwk;
  readonly serial: string;
  readonly boot: string;
  readonly site: () => string | undefined;
  /** The log is not what it was. */
  readonly onAlarm?: () => void;
  readonly time: { surelyAt(): number; quality(): ClockQuality };
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The site as the rows name it: 16 bytes of the hash of the consent that its owner signed, which holds the name. What somebody called the site can so be
 * forgotten, and is proven by whoever has the consent. Undefined while nobody owns the recorder.
 */
export function siteRef(permissions: { readonly owner: { readonly consentStatement: string } | null }): () => string | undefined {
  let known = { statement: '', ref: '' };
  return () => {
    const { owner } = permissions;
    if (owner === null) return undefined;
    if (owner.consentStatement !== known.statement) {
      const ref = createHash('sha256').update(owner.consentStatement).digest().subarray(0, 16).toString('base64url');
      known = { statement: owner.consentStatement, ref };
    }
    return known.ref;
  };
}

/** The operation log over its own database file, signed by the recorder's key. */
export function openOperationLog(side: LogSide): OperationLogService {
  const { stores, signer, key } = side;
  return new OperationLogService({
    store: new OperationLogStore(stores.logDatabase),
    signer: {
      sign: (checkpoint) => signStatement('checkpoint+jws', checkpoint, signer),
      open: (statement) => verifyStatement(statement, 'checkpoint+jws', key, Checkpoint),
    },
    clock: side.clock,
    log: side.log.area('operation-log'),
    device: side.serial,
    version: VERSION,
    bootId: side.boot,
    surelyAt: () => side.time.surelyAt(),
    clockQuality: () => side.time.quality(),
    site: side.site,
    owed: owedStore(stores.state),
    onAlarm: side.onAlarm,
  });
}

const OWED = 'log-owed';

/** What was stopped while the log could not be written, in the other file: there the withdrawal itself is written too. */
function owedStore(state: Pick<StateStore, 'get' | 'put'>): OwedStore {
  return {
    load: async () => (await state.get(OWED, OwedRows))?.rows ?? [],
    save: async (rows) => void (await state.put(OWED, { v: 1, rows }, { isUrgent: true })),
  };
}

/** Damaged files that were moved out of the way are told in the new log: a log that begins anew must say so itself. */
export async function reportSetAside(stores: Stores, operationLog: OperationLogService, log: Log, onAlarm: () => void): Promise<void> {
  for (const { path, movedTo, reason } of stores.setAside) {
    log.error('a damaged database was set aside and a new one made', { path, movedTo, reason });
    const entry = {
      action: 'security.set-aside',
      phase: 'result',
      source: 'system',
      actor: 'system',
      result: 'ok',
      after: { movedTo },
    } as const;
    onAlarm();
    await operationLog
      .append(entry)
      .catch((error: unknown) => log.error('setting a file aside could not be written to the log', { error }));
  }
}
