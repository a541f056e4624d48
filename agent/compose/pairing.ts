import { OncePer } from '../cloud/rate.js';
import type { DeviceKeys } from '../identity/keys.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { OperationLogService } from '../operation-log/service.js';
import { CodeFile } from '../pairing/code-file.js';
import type { NewOwner } from '../pairing/ports.js';
import { PairingService } from '../pairing/service.js';
import type { PairingWay } from '../pairing/window.js';
import type { Permissions } from '../permissions/service.js';

/** What pairing proves itself with (`keys`, `serial`), whom it founds (`permissions`) and where that is written (`operationLog`). */
export interface PairingSide {
  readonly stateFolder: string;
  readonly serial: string;
  readonly boot: string;
  readonly keys: DeviceKeys;
  readonly permissions: Permissions;
  readonly operationLog: OperationLogService;
  readonly clock: Clock;
  readonly log: Log;
}

/** Pairing, joined to the permissions it founds and to the log whose first act it is. */
export function openPairing(side: PairingSide): PairingService {
  const { keys, permissions, operationLog, log } = side;
  const refusals = new OncePer(60_000);
  const sourceOf = (way: PairingWay) => (way === 'relay' ? 'relay' : 'lan');
  return new PairingService({
    serial: side.serial,
    signer: { kid: keys.sign.kid, privateKey: keys.sign.privateKey },
    deviceKey: keys.sign.publicJwk,
    sealKey: keys.seal.publicJwk,
    boot: side.boot,
    codeFile: new CodeFile(side.stateFolder),
    isOwned: () => permissions.owner !== null,
    epoch: () => permissions.epoch,
    install: async (owner: NewOwner, way) => {
      const { consent } = owner;
      const entry = { action: 'pairing.consent', source: sourceOf(way), actor: 'owner', object: owner.kid } as const;
      const after = {
        agreed: [...consent.agreed],
        notAgreed: [...consent.notAgreed],
        text: consent.text,
        language: consent.lang,
        textVersion: consent.ver,
      };
      const intent = await operationLog.intent({ ...entry, after }, consent.by);
      try {
        await permissions.install(owner);
      } catch (error) {
        await operationLog.result(intent, { result: 'failed', code: 'pairing.failed' });
        throw error;
      }
      await operationLog.result(intent, { result: 'ok' });
    },
    onTry: ({ way, result, code }) => {
      // A refused try costs its maker nothing, so a flood of them must not become a flood of rows.
      if (result === 'refused' && !refusals.isDue(`${way} ${code}`, side.clock.monotonicMs())) return;
      const entry = {
        action: 'pairing.try',
        phase: 'result',
        source: sourceOf(way),
        actor: 'system',
        result: result === 'refused' ? 'refused' : 'ok',
        code,
      } as const;
      operationLog.append(entry).catch((error: unknown) => log.error('a pairing try could not be written to the operation log', { error }));
    },
    clock: side.clock,
    log: log.area('pairing'),
  });
}
