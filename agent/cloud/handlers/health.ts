import type { HealthInfo } from '../../contract/views.js';
import type { Health, HealthColumns } from '../../health/types.js';
import type { Clock } from '../../kernel/clock.js';
import type { Handlers } from '../call.js';

/** Points per curve that one answer carries; a day of minutes is thinned to this. */
const MOST_POINTS = 180;

/** How the recorder and its cameras are, now and before. */
export function healthHandlers(health: Health, clock: Clock): Pick<Handlers, 'health.get'> {
  return {
    'health.get': async ({ sinceMs }): Promise<HealthInfo> => {
      // Asked for once per start; a machine that does not tell is not a reason to withhold the rest.
      if (health.now().recorder === null) await health.inventory().catch(() => undefined);
      const now = health.now();
      return {
        now: clock.now(),
        verdict: now.verdict,
        sample: now.sample,
        facts: now.facts.map(({ fact, object, state, sentence }) => ({ fact, object, state, sentence })),
        cameras: now.cameras.map(({ id, name, isUp, lastSeenAt, level }) => ({ id, name, isUp, lastSeenAt, level })),
        machine: now.recorder,
        history: thin(health.history(clock.now() - sinceMs)),
      };
    },
  };
}

function thin(columns: HealthColumns): HealthInfo['history'] {
  const step = Math.max(1, Math.ceil(columns.at.length / MOST_POINTS));
  const pick = <T>(column: readonly T[]): T[] => column.filter((_, index) => index % step === 0);
  return {
    periodMs: columns.periodMs * step,
    at: pick(columns.at),
    cpu: pick(columns.cpu),
    memory: pick(columns.memory),
    disk: pick(columns.disk),
    temperatureCelsius: pick(columns.temperatureCelsius),
    rssBytes: pick(columns.rssBytes),
    camerasUp: pick(columns.camerasUp),
  };
}
