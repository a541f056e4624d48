import { signStatement, thumbprint } from '../../../../agent/contract/jws.js';
import type { AnswerOf } from '../../../../agent/contract/operations.js';
import type { Scope } from '../../../../agent/contract/shapes.js';
import type { Grant, Hours, Withdraw } from '../../../../agent/contract/statements.js';
import { newId } from '../../../../agent/contract/text.js';
import { topics } from '../../../../agent/contract/topics.js';
import type { Application } from '../../../../agent/contract/views.js';
import { AgentError } from '../../../../agent/kernel/errors.js';
import type { OwnedRecorder } from '../../client/keyring.js';
import type { AppState } from './app-state.js';
import type { RecorderSession } from './recorder-session.js';

type Permissions = AnswerOf<'permissions.list'>;

/** What the owner allows: one grant for each part, for these cameras (null: all), at these hours (null: any). */
export interface Decision {
  readonly parts: readonly { readonly scopes: readonly Scope[]; readonly durationMs: number }[];
  readonly cams: readonly string[] | null;
  readonly hours: Hours | null;
}

/** What this browser keeps of a recorder that it owns. @throws AgentError portal.no_key */
export function recordOf(app: AppState, session: Pick<RecorderSession, 'serial'>): OwnedRecorder {
  const record = app.owned.value.find((one) => one.serial === session.serial);
  if (record === undefined) {
    throw new AgentError({
      code: 'portal.no_key',
      say: 'The owner’s key is not in this browser.',
      fix: 'Use the browser you paired with.',
    });
  }
  return record;
}

/** Signs one grant for each part and hands them to the recorder; the last one answers the application. */
export async function allow(
  app: AppState,
  session: RecorderSession,
  permissions: Permissions,
  application: Application,
  decision: Decision,
): Promise<void> {
  const record = recordOf(app, session);
  const status = session.status.value;
  if (status === undefined)
    throw new AgentError({ code: 'client.unreachable', say: 'Nothing is known of this recorder.', fix: 'Try again.' });
  const device = await thumbprint(status.key);
  // Expiry is by the recorder's clock, so it starts from what the recorder calls now.
  const iat = permissions.now;
  for (const [at, part] of decision.parts.entries()) {
    const grant: Grant = {
      v: 1,
      id: newId(),
      dev: session.serial,
      device,
      epoch: permissions.epoch,
      org: application.org,
      scopes: [...part.scopes],
      cams: decision.cams === null ? null : [...decision.cams],
      hours: decision.hours,
      iat,
      exp: iat + part.durationMs,
    };
    const isLast = at === decision.parts.length - 1;
    const statement = await signStatement('grant+jws', grant, record.signer);
    await session.link.call('permissions.grant', { grant: statement, application: isLast ? application.id : null });
  }
}

/** How taking back went. Times in ms; `closed` counts pictures that were running. */
export type Withdrawn =
  | { readonly kind: 'done'; readonly roundTripMs: number; readonly lastMediaMs: number; readonly closed: number }
  /** The recorder did not answer: the order waits for it at the relay. */
  | { readonly kind: 'waiting' };

/** Grants to take back, or all. */
interface Wanted {
  readonly ids: readonly string[];
  readonly all: boolean;
}

function signOrder(record: Pick<OwnedRecorder, 'signer'>, serial: string, permissions: Permissions, wanted: Wanted): Promise<string> {
  const order: Withdraw = {
    v: 1,
    id: newId(),
    dev: serial,
    epoch: permissions.epoch,
    ids: [...wanted.ids],
    all: wanted.all,
    // The recorder's own clock as last heard: a wrong clock of this device must not push it forward.
    iat: permissions.now,
  };
  return signStatement('withdraw+jws', order, record.signer);
}

/**
 * Takes back the named grants, or all. When the recorder does not answer, the same order is left at the relay (retained): it takes
 * effect when the recorder comes back. There is one such place, so orders that wait already are included.
 */
export async function withdraw(
  app: AppState,
  session: RecorderSession,
  permissions: Permissions,
  ids: readonly string[] | 'all',
): Promise<Withdrawn> {
  const record = recordOf(app, session);
  const isAll = ids === 'all';
  const waiting = {
    ids: [...new Set([...(record.waiting?.ids ?? []), ...(isAll ? [] : ids)])],
    all: isAll || record.waiting?.all === true,
  };
  const statement = (wanted: Wanted): Promise<string> => signOrder(record, session.serial, permissions, wanted);
  const startedAt = performance.now();
  try {
    const order = await statement({ ids: isAll ? [] : ids, all: isAll });
    const receipt = await session.link.call('permissions.withdraw', { statement: order }, { timeoutMs: 8_000 });
    return { kind: 'done', roundTripMs: performance.now() - startedAt, lastMediaMs: receipt.lastMediaMs, closed: receipt.closed.length };
  } catch (error) {
    if (!(error instanceof AgentError) || !['client.unreachable', 'client.timeout', 'client.offline'].includes(error.code)) throw error;
    const scope = { tenant: app.services.tenant, serial: session.serial };
    await app.services.transport.publish(topics.withdraw(scope), await statement(waiting), { retain: true });
    await app.saveOwned({ ...record, waiting });
    return { kind: 'waiting' };
  }
}

/**
 * Settles an order that waits at the relay, now that the recorder answers: carried out, it is forgotten; otherwise it is given to the recorder
 * itself, because what lies at a relay can be lost or replaced.
 */
export async function settleWaiting(app: AppState, session: RecorderSession, permissions: Permissions): Promise<void> {
  const record = app.owned.value.find((one) => one.serial === session.serial);
  if (record === undefined || record.waiting === null) return;
  const { all, ids } = record.waiting;
  const isOpen = permissions.grants.some((grant) => grant.state === 'in-force' && (all || ids.includes(grant.id)));
  if (isOpen)
    await session.link.call('permissions.withdraw', { statement: await signOrder(record, session.serial, permissions, { ids, all }) });
  await app.saveOwned({ ...record, waiting: null });
}
