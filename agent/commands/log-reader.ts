import { access, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { parseGuarded } from '../contract/guard.js';
import { verifyStatement } from '../contract/jws.js';
import { type PublicJwk, parseShape } from '../contract/shapes.js';
import { Checkpoint } from '../contract/statements.js';
import { NamePlate } from '../contract/stored.js';
import { readRecorderKey } from '../identity/keystore.js';
import { readFileIfThere } from '../kernel/atomic-file.js';
import { systemClock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { createLog } from '../kernel/log.js';
import { VERSION } from '../kernel/version.js';
import { OperationLogService } from '../operation-log/service.js';
import { Database } from '../store/database.js';
import { LOG_MIGRATIONS } from '../store/migrations.js';
import { OperationLogStore } from '../store/operation-log-store.js';

/** The log of a state folder, for reading; the agent may run meanwhile. */
export interface ReadLog {
  readonly service: OperationLogService;
  readonly store: OperationLogStore;
  readonly device: string;
  /** Verifies what this recorder signs. */
  readonly key: PublicJwk;
}

/** Opens the log in this state folder, does the work and closes it. @throws AgentError log.none | log.damaged */
export async function withLog<T>(folder: string, work: (log: ReadLog) => Promise<T>): Promise<T> {
  const path = join(folder, 'operation-log.db');
  const plateBytes = await readFileIfThere(join(folder, 'name-plate.json'));
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere || plateBytes === undefined) {
    throw new AgentError({
      code: 'log.none',
      say: `There is no operation log in ${folder}.`,
      fix: 'Name the agent’s state folder with --state.',
    });
  }
  const plate = parseShape(NamePlate, parseGuarded(plateBytes));
  const key = await readRecorderKey(join(folder, 'keys'));
  const options = { path, kind: 'durable', migrations: LOG_MIGRATIONS, clock: systemClock, keepsDamaged: true } as const;
  const database = await Database.open(options).catch(async (error: unknown) => {
    if (error instanceof AgentError && error.code === 'store.corrupt') throw damaged(path, error);
    const volume = await statfs(folder).catch(() => undefined);
    throw volume?.bavail === 0 ? noRoom(error) : error;
  });
  const store = new OperationLogStore(database);
  const service = new OperationLogService({
    store,
    signer: {
      sign: () =>
        Promise.reject(new AgentError({ code: 'log.read_only', say: 'The command line only reads the log.', fix: 'Ask the agent.' })),
      open: (statement) => verifyStatement(statement, 'checkpoint+jws', key, Checkpoint),
    },
    clock: systemClock,
    log: createLog({ level: 'error', clock: systemClock, write: () => undefined, format: 'text' }),
    device: plate.serial,
    version: VERSION,
    bootId: 'command-line',
    clockQuality: () => 'rtc',
    site: () => undefined,
  });
  try {
    return await work({ service, store, device: plate.serial, key });
  } finally {
    await database.close();
  }
}

/** Where no agent holds the log open, looking at it needs a few pages beside it. */
function noRoom(cause: unknown): AgentError {
  return new AgentError({
    code: 'log.no_room',
    say: 'The log cannot be read: its disk is full to the last byte.',
    fix: 'Free some space on that disk, or ask while the agent runs.',
    cause,
  });
}

function damaged(path: string, cause: AgentError): AgentError {
  return new AgentError({
    code: 'log.damaged',
    say: `The operation log is not whole: its file ${path} is damaged.`,
    fix: 'Keep a copy of the state folder; the agent puts the file aside at its next start and says so in the new log.',
    cause,
  });
}
