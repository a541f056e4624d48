import type { ControlSource, ResetDone } from '../contract/control.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { OperationLog } from '../operation-log/ports.js';
import type { PairingService } from '../pairing/service.js';
import type { Permissions } from '../permissions/service.js';
import type { OutboxStore } from '../store/outbox-store.js';
import type { StateStore } from '../store/state-store.js';
import { eraseLogins, type LoginParts } from './erase-logins.js';
import { erasePeople } from './erase-people.js';

/** What a reset takes away, and where it is written down. */
export interface ResetParts extends LoginParts {
  readonly stores: { readonly state: Pick<StateStore, 'keys' | 'delete' | 'scrub'>; readonly outbox: Pick<OutboxStore, 'clear'> };
  readonly serial: string;
  readonly permissions: Pick<Permissions, 'owner' | 'list' | 'reset' | 'erasureDone'>;
  readonly pairing: Pick<PairingService, 'retire'>;
  readonly operationLog: Pick<OperationLog, 'intent' | 'result' | 'seal' | 'findSubjects' | 'eraseSubjects'>;
  readonly log: Log;
}

/**
 * The recorder forgets its people: owner, permissions, code, camera logins, names in the operation log. Serial number, keys, recordings, cameras
 * and the log itself stay; the log says that it happened. What fails after the owner is gone is named in the answer and does not stop the
 * rest; the people are tried again at the next start. Rejects with log.unwritable, before anything was done.
 */
export async function resetRecorder(parts: ResetParts, source: ControlSource): Promise<ResetDone> {
  const { permissions, pairing, operationLog, log } = parts;
  const by = { source, actor: 'local' } as const;
  const intent = await operationLog.intent({ ...by, action: 'device.factory-reset' });
  const grants = permissions.owner === null ? 0 : permissions.list(null).grants.filter(({ state }) => state === 'in-force').length;
  const { receipt } = await permissions.reset().catch(async (error: unknown) => {
    await operationLog.result(intent, { result: 'failed', code: codeOf(error) }).catch(() => undefined);
    throw notStored(error);
  });
  const left: string[] = [];
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      log.error('a part of the reset failed', { what, error });
      left.push(`${what} ${error instanceof AgentError ? error.say : 'The cause is in the agent’s log.'}`);
      return undefined;
    }
  };
  await attempt('The pairing code could not be made void for good.', () => pairing.retire());
  await attempt('What was waiting to be sent could not be taken back.', () => parts.stores.outbox.clear());
  const logins = (await attempt('The cameras’ logins could not be erased.', () => eraseLogins(parts))) ?? 0;
  const people = await attempt('The people in the operation log could not be erased yet; the next start tries again.', () =>
    erasePeople({ operationLog, permissions, state: parts.stores.state }, { by }),
  );
  for (const file of people?.stillIn ?? [])
    left.push(`The damaged file ${file}, which was set aside, may still name people. Look at it, then remove it.`);
  const sessionsEnded = receipt.closed.length;
  const counts = { grants, sessionsEnded, logins, people: people?.count ?? 0 };
  await operationLog.seal().catch((error: unknown) => log.warn('the log could not be sealed after the reset', { error }));
  const outcome = left.length === 0 ? ({ result: 'ok' } as const) : ({ result: 'failed', code: 'control.partly' } as const);
  await attempt('The end of the reset could not be written to the operation log.', () =>
    operationLog.result(intent, { ...outcome, after: counts }),
  );
  return { serial: parts.serial, epoch: receipt.epoch, ...counts, left };
}

/** It counts in memory before anything is written: whoever asked must know which half was done. */
function notStored(cause: unknown): AgentError {
  const why = cause instanceof AgentError ? ` ${cause.say}` : '';
  return new AgentError({
    code: 'control.not_stored',
    say: `Nobody owns the recorder any more, but that could not be stored: after a restart the owner might be back. Logins and names are still there.${why}`,
    fix: 'Look at the recorder’s disk (sightline status), then reset it once more.',
    retryable: true,
    cause,
  });
}

function codeOf(error: unknown): string {
  return error instanceof AgentError ? error.code : 'control.failed';
}
