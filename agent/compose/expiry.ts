import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import type { OperationLogService } from '../operation-log/service.js';
import type { Permissions } from '../permissions/service.js';
import type { Stores } from './stores.js';

/** What is looked after. `watchFloor` begins to remember the time and gives back how to end it. */
export interface ExpiryParts {
  readonly permissions: Permissions;
  readonly operationLog: OperationLogService;
  readonly stores: Stores;
  readonly watchFloor: () => { cancel(): void };
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_MS = 2_000;
const BALLAST_MS = 10 * 60_000;

/** What happens by the passing of time alone: permissions that run out are ended and told in the log, the held-back space is made anew. */
export function watchExpiry(parts: ExpiryParts): Service {
  const { permissions, operationLog, stores, clock, log } = parts;
  const timers: (Timer | { cancel(): void })[] = [];
  const look = async (): Promise<void> => {
    for (const grant of await permissions.expire()) {
      await operationLog.append({
        action: 'permissions.expire',
        phase: 'result',
        source: 'system',
        actor: 'system',
        object: grant.id,
        grant: grant.id,
        result: 'ok',
      });
    }
  };
  return {
    name: 'expiry',
    start: async () => {
      timers.push(parts.watchFloor());
      timers.push(
        clock.every(LOOK_MS, () => void look().catch((error: unknown) => log.error('an expiry could not be written down', { error }))),
      );
      timers.push(clock.every(BALLAST_MS, () => void stores.ballast.ensure()));
    },
    stop: async () => {
      for (const timer of timers) timer.cancel();
    },
  };
}
