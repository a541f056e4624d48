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
  /** The recorder did not answer: the order waits for it, at the relay too unless that did not take it. */
  | { readonly kind: 'waiting'; readonly isAtRelay: boolean };

/** Grants to take back, or all. */
interface Wanted {
  readonly ids: readonly string[];
  readonly all: boolean;
}

/** The recorder's epoch and clock as last heard: a wrong clock of this device must not push the recorder's forward. */
type Heard = Pick<Permissions, 'epoch' | 'now'>;

function signOrder(record: Pick<OwnedRecorder, 'signer'>, serial: string, { epoch, now }: Heard, { ids, all }: Wanted): Promise<string> {
  const order: Withdraw = { v: 1, id: newId(), dev: serial, epoch, ids: [...ids], all, iat: now };
  return signStatement('withdraw+jws', order, record.signer);
}

const NO_ANSWER: ReadonlySet<string> = new Set(['client.unreachable', 'client.timeout', 'client.offline']);

/** Whether somebody was asked and nobody answered. */
export const isNoAnswer = (error: unknown): boolean => error instanceof AgentError && NO_ANSWER.has(error.code);

/**
 * Takes back the named grants, or all. When the recorder does not answer, the order is remembered here, and left at the relay (retained), where it
 * takes effect when the recorder comes back. There is one such place, so orders that wait already are included.
 */
export async function withdraw(
  app: AppState,
  session: Pick<RecorderSession, 'serial' | 'link'>,
  heard: Heard,
  ids: readonly string[] | 'all',
): Promise<Withdrawn> {
  const record = recordOf(app, session);
  const isAll = ids === 'all';
  const startedAt = performance.now();
  try {
    const order = await signOrder(record, session.serial, heard, { ids: isAll ? [] : ids, all: isAll });
    const receipt = await session.link.call('permissions.withdraw', { statement: order }, { timeoutMs: 8_000 });
    return { kind: 'done', roundTripMs: performance.now() - startedAt, lastMediaMs: receipt.lastMediaMs, closed: receipt.closed.length };
  } catch (error) {
    if (!isNoAnswer(error)) throw error;
    const { waiting, letterBox } = recordOf(app, session);
    const order = {
      ids: [...new Set([...(waiting?.ids ?? []), ...(isAll ? [] : ids)])],
      all: isAll || waiting?.all === true,
      isAtRelay: false,
      epoch: heard.epoch,
      now: heard.now,
    };
    // Kept before it is sent: a full relay ends the connection, and this page may be closed.
    await app.saveOwned({ ...recordOf(app, session), waiting: order, letterBox: letterBox ?? newId() });
    return { kind: 'waiting', isAtRelay: await leaveAtRelay(app, session.serial) };
  }
}

const isSameOrder = (a: OwnedRecorder['waiting'], b: OwnedRecorder['waiting']): boolean =>
  a !== null && b !== null && a.all === b.all && a.epoch === b.epoch && a.ids.join() === b.ids.join();

/** Leaves the order that waits at the relay. False when that did not take it: then it waits in this browser alone. */
export async function leaveAtRelay(app: AppState, serial: string): Promise<boolean> {
  const { waiting, letterBox, signer } = recordOf(app, { serial });
  if (waiting === null || letterBox === undefined) return false;
  const topic = topics.withdraw({ tenant: app.services.tenant, serial }, letterBox);
  try {
    await app.services.transport.publish(topic, await signOrder({ signer }, serial, waiting, waiting), { retain: true });
  } catch {
    return false;
  }
  const record = recordOf(app, { serial });
  // It may have been carried out or added to meanwhile.
  if (isSameOrder(record.waiting, waiting)) await app.saveOwned({ ...record, waiting: { ...waiting, isAtRelay: true } });
  return true;
}

/**
 * Settles an order that waits, now that the recorder answers: carried out, it is forgotten; otherwise it is given to the recorder itself, because
 * what lies at a relay can be lost or replaced.
 */
export async function settleWaiting(
  app: AppState,
  session: Pick<RecorderSession, 'serial' | 'link'>,
  permissions: Permissions,
): Promise<void> {
  const record = app.owned.value.find((one) => one.serial === session.serial);
  if (record === undefined || record.waiting === null) return;
  const { all, ids, epoch } = record.waiting;
  // Taking everything back begins a new epoch: what was allowed after it stays.
  const isOpen = all
    ? epoch === permissions.epoch
    : permissions.grants.some((grant) => grant.state === 'in-force' && ids.includes(grant.id));
  if (isOpen)
    await session.link.call('permissions.withdraw', { statement: await signOrder(record, session.serial, permissions, { ids, all }) });
  const now = recordOf(app, session);
  // What was added meanwhile waits on.
  if (!isSameOrder(now.waiting, record.waiting)) return;
  await app.saveOwned({ ...now, waiting: null });
  if (record.letterBox === undefined || now.waiting?.isAtRelay !== true) return;
  // Done with: the box is emptied. When that does not work it is carried out once more at the next connection, which changes nothing.
  const scope = { tenant: app.services.tenant, serial: session.serial };
  await app.services.transport.publish(topics.withdraw(scope, record.letterBox), '', { retain: true }).catch(() => undefined);
}
