import type { HealthInfo } from '../../contract/views.js';
import type { FactNow, Health, HealthColumns, Verdict } from '../../health/types.js';
import type { Clock } from '../../kernel/clock.js';
import type { Handlers } from '../call.js';

/** Points per curve that one answer carries; a day of minutes is thinned to this. */
const MOST_POINTS = 180;

/** How the recorder and its cameras are, now and before. */
export function healthHandlers(health: Health, clock: Clock): Pick<Handlers, 'health.get'> {
  return {
    'health.get': async ({ sinceMs }, call): Promise<HealthInfo> => {
      // Asked for once per start; a machine that does not tell is not a reason to withhold the rest.
      if (health.now().recorder === null) await health.inventory().catch(() => undefined);
      const now = health.now();
      // A permission for some cameras shows those, and the recorder itself.
      const channels = call.channels();
      const isCovered = (id: string): boolean => channels === undefined || channels.includes(id);
      const facts = now.facts.filter(({ object }) => object === '' || isCovered(object));
      return {
        now: clock.now(),
        verdict: channels === undefined ? now.verdict : verdictOf(facts),
        sample: now.sample,
        facts: facts.map(({ fact, object, state, sentence }) => ({ fact, object, state, sentence })),
        cameras: now.cameras
          .filter((camera) => isCovered(camera.id))
          .map(({ id, name, isUp, lastSeenAt, level }) => ({ id, name, isUp, lastSeenAt, level })),
        machine: now.recorder,
        history: thin(health.history(clock.now() - sinceMs)),
      };
    },
  };
}

/** The verdict over a part of the facts: the worst of them speaks. */
function verdictOf(facts: readonly FactNow[]): Verdict {
  const worst = facts.find(({ state }) => state === 'crit') ?? facts.find(({ state }) => state === 'warn');
  if (worst === undefined) return { level: 'ok', sentence: 'All is well with the recorder and the cameras you look after.' };
  return { level: worst.state === 'crit' ? 'act' : 'attention', sentence: worst.sentence };
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
