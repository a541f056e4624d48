import type { IncidentClosed, IncidentOpened } from '../contract/log-views.js';
import { IncidentState } from '../contract/stored.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { AskedBy } from '../operation-log/ports.js';
import type { PairingService } from '../pairing/service.js';
import type { Permissions } from '../permissions/service.js';
import { INCIDENT_KEY, type LogDeskParts } from './log-desk.js';

/** What an incident stops, beside what the log's desk reaches. */
export interface IncidentParts extends LogDeskParts {
  readonly permissions: LogDeskParts['permissions'] & Pick<Permissions, 'withdrawLocally'>;
  readonly pairing: Pick<PairingService, 'retire'>;
  /** Does nothing where there is no issuer of certificates. */
  readonly renewCertificate: () => Promise<void>;
  readonly log: Log;
}

/**
 * Something happened: everything is withdrawn first, then the log is held, the code is made void and the client certificate renewed. What fails is
 * named and does not keep the rest from being done. Opened again it stops everything again; the first begin stays. `by` undefined: whoever asks
 * writes it down.
 */
export async function openIncident(parts: IncidentParts, note: string, by: AskedBy | undefined): Promise<IncidentOpened> {
  const { permissions, pairing, operationLog, upkeep, stores, clock } = parts;
  const left: string[] = [];
  const attempt = attempts(parts.log, left);
  const at = clock.now();
  const withdrawn = await attempt('The permissions could not be withdrawn for good.', () => permissions.withdrawLocally());
  const counts = { grants: withdrawn?.ids.length ?? 0, sessionsEnded: withdrawn?.receipt.closed.length ?? 0 };
  if (by !== undefined) {
    const { person, ...way } = by;
    const row = { ...way, action: 'incident.open', phase: 'result', result: 'ok', after: { note, ...counts } } as const;
    await attempt('The incident could not be written to the operation log.', () => operationLog.append(row, person));
  }
  const seq = (await attempt('It could not be found out where the log stands.', () => operationLog.position()))?.seq ?? 0;
  const wasHeld = upkeep.rule.isHeld;
  await attempt('The log could not be put on hold.', () => upkeep.choose({ isHeld: true }, undefined));
  await attempt('The incident could not be remembered.', async () => {
    const known = await stores.state.get(INCIDENT_KEY, IncidentState);
    if (known === undefined || known.openSince === null) await stores.state.put(INCIDENT_KEY, { v: 1, openSince: at, seq, wasHeld });
  });
  await attempt('The pairing code could not be made void for good.', () => pairing.retire());
  await attempt('A new client certificate could not be asked for.', () => parts.renewCertificate());
  await attempt('The log could not be sealed.', () => operationLog.seal());
  return { at, seq, ...counts, left };
}

/** It is dealt with: what was done is written down, and the log may be shortened again unless it was held before. @throws AgentError incident.none */
export async function closeIncident(parts: IncidentParts, note: string, by: AskedBy | undefined): Promise<IncidentClosed> {
  const { operationLog, upkeep, stores } = parts;
  const known = await stores.state.get(INCIDENT_KEY, IncidentState);
  if (known === undefined || known.openSince === null) {
    throw new AgentError({ code: 'incident.none', say: 'No incident is open.', fix: 'Nothing needs to be done.' });
  }
  if (by !== undefined) {
    const { person, ...way } = by;
    const row = { ...way, action: 'incident.close', phase: 'result', result: 'ok', object: String(known.seq) } as const;
    await operationLog.append({ ...row, after: { note, openedAt: known.openSince } }, person);
  }
  if (known.wasHeld !== true) await upkeep.choose({ isHeld: false }, undefined);
  await stores.state.put(INCIDENT_KEY, { v: 1, openSince: null, seq: known.seq });
  await operationLog.seal();
  return { seq: (await operationLog.position()).seq };
}

/** Does one thing after another, whatever becomes of each; collects a sentence for each that failed. */
function attempts(log: Log, left: string[]) {
  return async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      log.error('a part of opening an incident failed', { what, error });
      left.push(`${what} ${error instanceof AgentError ? error.say : 'The cause is in the agent’s log.'}`);
      return undefined;
    }
  };
}
