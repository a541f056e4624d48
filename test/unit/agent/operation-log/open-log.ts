import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { createLog } from '../../../../agent/kernel/log.js';
import type { Checkpoint, CheckpointSigner } from '../../../../agent/operation-log/ports.js';
import { OperationLogService } from '../../../../agent/operation-log/service.js';
import { Database, type SetAside } from '../../../../agent/store/database.js';
import { LOG_MIGRATIONS } from '../../../../agent/store/migrations.js';
import { OperationLogStore } from '../../../../agent/store/operation-log-store.js';
import { inFolder, ManualClock } from '../store/scratch.js';

/** Stands for the device key: a keyed hash over the payload, in the same two calls. */
export function keyedSigner(key = 'SN1'): CheckpointSigner {
  const mac = (text: string) => createHmac('sha256', key).update(text).digest('base64url');
  return {
    sign: async (checkpoint) => {
      const text = Buffer.from(JSON.stringify(checkpoint)).toString('base64url');
      return `${text}.${mac(text)}`;
    },
    open: async (jws) => {
      const [text = '', seal] = jws.split('.');
      if (seal !== mac(text)) throw new RangeError('not signed by this key');
      return JSON.parse(Buffer.from(text, 'base64url').toString()) as Checkpoint;
    },
  };
}

/** A log with its real store, for tests. */
export interface OpenLog {
  readonly service: OperationLogService;
  readonly database: Database;
  readonly clock: ManualClock;
  readonly lines: string[];
  close(): Promise<void>;
}

/** What a test may want otherwise. */
export interface OpenLogOptions {
  readonly device?: string;
  readonly bootId?: string;
  readonly signer?: CheckpointSigner;
  readonly isStarted?: boolean;
  readonly makeStore?: (database: Database) => OperationLogStore;
  readonly onSetAside?: (what: SetAside) => void;
}

/** The log in `folder` with its real store, started unless told otherwise. `close` is the end of a process that was not asked to stop. */
export async function openLog(folder: string, options: OpenLogOptions = {}): Promise<OpenLog> {
  const clock = new ManualClock();
  const lines: string[] = [];
  const { onSetAside } = options;
  const path = join(folder, 'operation-log.db');
  const database = await Database.open({ path, kind: 'durable', migrations: LOG_MIGRATIONS, clock, onSetAside });
  const service = new OperationLogService({
    store: options.makeStore?.(database) ?? new OperationLogStore(database),
    signer: options.signer ?? keyedSigner(options.device ?? 'SN1'),
    clock,
    log: createLog({ level: 'debug', clock, format: 'json', write: (line) => lines.push(line) }),
    device: options.device ?? 'SN1',
    version: '0.1.0',
    bootId: options.bootId ?? 'boot-1',
    clockQuality: () => 'ntp',
    site: () => 'site-1',
  });
  if (options.isStarted !== false) await service.start();
  return { service, database, clock, lines, close: () => database.close() };
}

/** Runs `body` with a log in a folder of its own. */
export function withLog(body: (log: OpenLog, folder: string) => Promise<void>, options: OpenLogOptions = {}): Promise<void> {
  return inFolder(async (folder) => {
    const log = await openLog(folder, options);
    try {
      await body(log, folder);
    } finally {
      await log.close();
    }
  });
}
