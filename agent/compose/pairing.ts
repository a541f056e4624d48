import { OncePer } from '../cloud/rate.js';
import type { Consent, Operator } from '../contract/statements.js';
import type { RecorderKeys } from '../identity/keystore.js';
import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { EntryInput, JsonObject } from '../operation-log/entry.js';
import type { OperationLogService } from '../operation-log/service.js';
import { CodeFile } from '../pairing/code-file.js';
import type { PairingOrigin, PairingParts, PairingTry } from '../pairing/ports.js';
import { PairingService } from '../pairing/service.js';
import { WorkerSpake } from '../pairing/worker.js';
import type { Permissions } from '../permissions/service.js';

/** What pairing proves itself with (`keys`, `serial`), whom it founds (`permissions`) and where that is written (`operationLog`). */
export interface PairingSide {
  readonly stateFolder: string;
  readonly serial: string;
  readonly boot: string;
  readonly keys: RecorderKeys;
  /** With whom the recorder is set up to speak; null: no cloud. */
  readonly operator: Operator | null;
  readonly permissions: Permissions;
  readonly operationLog: OperationLogService;
  readonly clock: Clock;
  readonly log: Log;
}

/** Pairing, joined to the permissions it founds and to the log whose first act it is. */
export function openPairing(side: PairingSide): PairingService {
  const { keys, permissions, clock } = side;
  const log = side.log.area('pairing');
  return new PairingService({
    serial: side.serial,
    signer: keys.sign,
    deviceKey: keys.sign.publicJwk,
    sealKey: keys.seal.publicJwk,
    boot: side.boot,
    operator: side.operator,
    codeFile: new CodeFile(side.stateFolder),
    spake: new WorkerSpake({ clock, log }),
    isOwned: () => permissions.owner !== null,
    epoch: () => permissions.epoch,
    ...founding(side),
    onTry: tryRows(side),
    clock,
    log,
  });
}

/** What a success leads to: each is written down before it counts, with the person, and again with how it ended. */
function founding({ permissions, operationLog }: PairingSide): Pick<PairingParts, 'install' | 'join'> {
  const act = async (entry: Omit<EntryInput, 'phase'>, by: Consent['by'], work: () => Promise<unknown>): Promise<void> => {
    const intent = await operationLog.intent(entry, by);
    try {
      await work();
    } catch (error) {
      await operationLog.result(intent, { result: 'failed', code: error instanceof AgentError ? error.code : 'pairing.failed' });
      throw error;
    }
    await operationLog.result(intent, { result: 'ok' });
  };
  return {
    install: (owner, from) => {
      const entry = {
        action: 'pairing.consent',
        ...whereFrom(from),
        actor: 'owner',
        object: owner.kid,
        after: { ...agreement(owner.consent), site: owner.site },
      } as const;
      return act(entry, owner.consent.by, () => permissions.install(owner));
    },
    join: (device, from) => {
      const { key, kid, deviceName, by, epoch } = device;
      const entry = { action: 'pairing.join', ...whereFrom(from), actor: 'owner', object: kid, after: { deviceName } } as const;
      return act(entry, by, () => permissions.joinByCode({ key, kid, deviceName, epoch }));
    },
  };
}

function whereFrom({ way, remote }: PairingOrigin): Pick<EntryInput, 'source' | 'remote'> {
  return { source: way, remote };
}

function agreement({ agreed, notAgreed, text, lang, ver, role, method, operator }: Consent): JsonObject {
  return { agreed: [...agreed], notAgreed: [...notAgreed], text, language: lang, textVersion: ver, role, method, operator };
}

/** A refused try costs its maker nothing, so a flood of them must not become a flood of rows. */
function tryRows({ operationLog, clock, log }: PairingSide): PairingParts['onTry'] {
  const refusals = new OncePer(60_000);
  return ({ result, code, ...from }: PairingTry) => {
    if (result === 'refused' && !refusals.isDue(`${from.way} ${code}`, clock.monotonicMs())) return;
    const outcome = result === 'refused' ? 'refused' : 'ok';
    const entry = { action: 'pairing.try', phase: 'result', ...whereFrom(from), actor: 'system', result: outcome, code } as const;
    operationLog.append(entry).catch((error: unknown) => log.error('a pairing try could not be written to the operation log', { error }));
  };
}
