import type { ControlActs, ControlSource } from '../contract/control.js';
import { IncidentState } from '../contract/stored.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { Ledger } from '../ledger/ledger.js';
import type { OperationLog } from '../operation-log/ports.js';
import type { LogUpkeep } from '../operation-log/upkeep.js';
import type { PairingService } from '../pairing/service.js';
import type { Permissions } from '../permissions/service.js';
import type { StateStore } from '../store/state-store.js';

/** What the acts about the log reach. */
export interface LogActParts {
  readonly permissions: Pick<Permissions, 'withdrawLocally' | 'owner'>;
  readonly pairing: Pick<PairingService, 'retire'>;
  readonly operationLog: OperationLog;
  readonly upkeep: Pick<LogUpkeep, 'rule' | 'fullness' | 'choose'>;
  readonly ledger: Pick<Ledger, 'between'>;
  readonly stores: { readonly state: Pick<StateStore, 'get' | 'put'> };
  /** Does nothing where there is no issuer of certificates. */
  readonly renewCertificate: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

type Names = 'ledger' | 'log-people' | 'log-erase' | 'log-retention' | 'incident-open' | 'incident-close';

/** What a person at the recorder may do about the log: see what left, forget somebody, choose how long it is kept, freeze it after an incident. */
export function logActs(parts: LogActParts): Pick<ControlActs, Names> {
  const { operationLog, upkeep, ledger, clock } = parts;
  return {
    ledger: async ({ fromDay, toDay }) => ({ now: clock.now(), lines: [...(await ledger.between(fromDay, toDay))] }),
    'log-people': async ({ text }) => ({ people: [...(await operationLog.findSubjects(text))] }),
    'log-erase': async ({ ref }, source) => {
      const { seq, details, stillIn } = await operationLog.eraseSubject(ref, { source, actor: 'local' });
      return { ref, seq, details, stillIn: [...stillIn] };
    },
    'log-retention': async (change, source) => {
      const wanted = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
      const rule = Object.keys(wanted).length === 0 ? upkeep.rule : await upkeep.choose(wanted, { source, actor: 'local' });
      return { days: rule.days, rows: rule.rows, isHeld: rule.isHeld, fullness: await upkeep.fullness() };
    },
    'incident-open': ({ note }, source) => openIncident(parts, note, source),
    'incident-close': ({ note }, source) => closeIncident(parts, note, source),
  };
}

const KEY = 'incident';

/**
 * Something happened: everything is withdrawn first, then the log is held, the code is made void and the client certificate renewed. What fails is
 * named and does not keep the rest from being done.
 */
async function openIncident(parts: LogActParts, note: string, source: ControlSource) {
  const { permissions, pairing, operationLog, upkeep, stores, clock, log } = parts;
  const by = { source, actor: 'local' } as const;
  const left: string[] = [];
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      log.error('a part of opening an incident failed', { what, error });
      left.push(`${what} ${error instanceof AgentError ? error.say : 'The cause is in the agent’s log.'}`);
      return undefined;
    }
  };
  const at = clock.now();
  const withdrawn = await attempt('The permissions could not be withdrawn for good.', () => permissions.withdrawLocally());
  const opened = await attempt('The incident could not be written to the operation log.', () =>
    operationLog.append({ ...by, action: 'incident.open', phase: 'result', result: 'ok', after: { note } }),
  );
  await attempt('The log could not be put on hold.', () => upkeep.choose({ isHeld: true }, by));
  await attempt('The incident could not be remembered.', () => stores.state.put(KEY, { v: 1, openSince: at, seq: opened?.seq ?? 0 }));
  await attempt('The pairing code could not be made void for good.', () => pairing.retire());
  await attempt('A new client certificate could not be asked for.', () => parts.renewCertificate());
  await attempt('The log could not be sealed.', () => operationLog.seal());
  const ended = withdrawn?.receipt.closed.length ?? 0;
  return { at, seq: opened?.seq ?? 0, grants: withdrawn?.ids.length ?? 0, sessionsEnded: ended, left };
}

/** It is dealt with: what was done is written down, and the log may be shortened again. @throws AgentError incident.none */
async function closeIncident({ operationLog, upkeep, stores }: LogActParts, note: string, source: ControlSource) {
  const known = await stores.state.get(KEY, IncidentState);
  if (known === undefined || known.openSince === null) {
    throw new AgentError({ code: 'incident.none', say: 'No incident is open.', fix: 'Nothing needs to be done.' });
  }
  const by = { source, actor: 'local' } as const;
  const row = { ...by, action: 'incident.close', phase: 'result', result: 'ok', object: String(known.seq) } as const;
  const { seq } = await operationLog.append({ ...row, after: { note, openedAt: known.openSince } });
  await upkeep.choose({ isHeld: false }, by);
  await stores.state.put(KEY, { v: 1, openSince: null, seq: known.seq });
  await operationLog.seal();
  return { seq };
}
