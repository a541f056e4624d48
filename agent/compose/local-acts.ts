import type { CameraRegistry } from '../cameras/registry.js';
import { formatCode, labelText } from '../contract/code.js';
import type { ControlActs } from '../control/control-server.js';
import type { Sampler } from '../health/sampler.js';
import type { Clock } from '../kernel/clock.js';
import { VERSION } from '../kernel/version.js';
import type { LiveService } from '../live/service.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { PairingService } from '../pairing/service.js';
import type { Permissions } from '../permissions/service.js';
import type { CloudSide } from './cloud-side.js';
import type { SerialSide } from './serial.js';

/** What the command line reaches. `region` (2 to 4 letters) stands on the label; `startedAt` in ms since 1970. */
export interface LocalParts {
  readonly buses: SerialSide;
  readonly boot: string;
  readonly startedAt: number;
  readonly permissions: Permissions;
  readonly pairing: PairingService;
  readonly operationLog: OperationLogService;
  readonly cameras: CameraRegistry;
  readonly live: LiveService;
  readonly health: Sampler;
  readonly cloud: CloudSide;
  readonly clock: Clock;
  readonly serial: string;
  readonly region: string;
}

/** What a person at the recorder may do through the command line; each act stands in the log as "local". */
export function localActs(parts: LocalParts): ControlActs {
  const { permissions, pairing, operationLog } = parts;
  const local = { source: 'local', actor: 'local' } as const;
  return {
    status: async () => {
      // A real read from the disk: the watchdog is fed by this answer, and an agent whose storage hangs must not look alive.
      await operationLog.list({ limit: 1, newestFirst: true });
      return {
        serial: parts.serial,
        version: VERSION,
        startedAt: parts.startedAt,
        isPaired: permissions.owner !== null,
        isPairingOpen: pairing.isOpen,
        isCloudConnected: parts.cloud.link.isOnline,
        verdict: parts.health.now().verdict,
        watching: parts.live.sessions().length,
        cameras: parts.cameras.list().map(({ id, name, model, state, reason }) => ({ id, name, model, state, reason: reason ?? null })),
        serialPorts: parts.buses.ports(),
        refusedMessages: parts.cloud.refusals(),
      };
    },
    press: async () => {
      const intent = await operationLog.intent({ ...local, action: 'pairing.press' });
      try {
        const code = await pairing.press();
        await operationLog.result(intent, { result: 'ok' });
        return {
          serial: parts.serial,
          code: formatCode(code),
          label: labelText({ serial: parts.serial, code, region: parts.region }),
        };
      } catch (error) {
        await operationLog.result(intent, { result: 'refused', code: 'pairing.owned' });
        throw error;
      }
    },
    withdraw: async () => {
      const { receipt, ids } = await permissions.withdrawLocally();
      const after = { grants: ids.length, sessionsEnded: receipt.closed.length, lastMediaMs: receipt.lastMediaMs };
      // Withdrawing works on a full disk too: then the row is missing, not the act.
      await operationLog.append({ ...local, action: 'permissions.withdraw', phase: 'result', result: 'ok', after }).catch(() => undefined);
      return { epoch: receipt.epoch, grants: ids.length, sessionsEnded: receipt.closed.length, lastMediaMs: receipt.lastMediaMs };
    },
  };
}
