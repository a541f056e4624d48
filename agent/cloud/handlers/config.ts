import type { Cameras } from '../../cameras/ports.js';
import type { ConfigService } from '../../config/service.js';
import type { Configuration, ConfigurationPatch } from '../../contract/configuration.js';
import type { Clock } from '../../kernel/clock.js';
import { withDeadline } from '../../kernel/deadline.js';
import { AgentError } from '../../kernel/errors.js';
import type { Json, JsonObject } from '../../operation-log/entry.js';
import type { Call, Handlers } from '../call.js';

type Names = 'config.get' | 'config.options' | 'config.plan' | 'config.apply';

const DEADLINE_MS = 60_000;

/** Settings: what they are, what the cameras offer, what a change would do, and the change. */
export function configHandlers(config: ConfigService, cameras: Pick<Cameras, 'encoderOptions'>, clock: Clock): Pick<Handlers, Names> {
  const inTime = <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => withDeadline(clock, DEADLINE_MS, work);
  return {
    'config.get': async (_args, call) => covered(config.current(), call.channels()),
    'config.options': async ({ cam, stream }) => {
      const { resolutions, frameRate } = await inTime((signal) => cameras.encoderOptions(cam, stream, signal));
      return {
        resolutions: resolutions.map(({ width, height }) => ({ width, height })),
        frameRate: { min: frameRate.min, max: frameRate.max },
      };
    },
    'config.plan': async ({ base, patch }, call) => {
      onlyCovered(patch, call);
      return inTime((signal) => config.plan(base, patch, signal)).catch((error: unknown) => rethrowCovered(error, call));
    },
    'config.apply': async ({ base, patch }, call) => {
      onlyCovered(patch, call);
      call.note.after = withoutLogins(patch);
      const applied = await inTime((signal) => config.apply(base, patch, AbortSignal.any([signal, call.ended]))).catch((error: unknown) =>
        rethrowCovered(error, call),
      );
      call.note.before = stepsOf(applied.steps, 'from');
      call.note.after = stepsOf(applied.steps, 'to');
      call.note.object = applied.version;
      return applied;
    },
  };
}

/** What of the configuration a permission for these channels shows. */
function covered(current: Configuration, channels: readonly string[] | undefined): Configuration {
  const isCovered = ([cam]: readonly [string, unknown]): boolean => channels === undefined || channels.includes(cam);
  return { ...current, cameras: Object.fromEntries(Object.entries(current.cameras).filter(isCovered)) };
}

/** A stale base is refused with what is set now: no more of it than the asker may ask for. */
function rethrowCovered(error: unknown, call: Call): never {
  if (!(error instanceof AgentError) || error.code !== 'config.stale_base') throw error;
  const { code, say, fix, retryable, detail } = error;
  const current = covered(detail.current as Configuration, call.channels());
  throw new AgentError({ code, say, fix, retryable, detail: { ...detail, current }, cause: error });
}

/** A grant for some cameras changes only those, and not the recorder itself. @throws AgentError permissions.other_camera */
function onlyCovered(patch: ConfigurationPatch, call: Call): void {
  const channels = call.channels();
  if (channels === undefined) return;
  const isOutside = patch.recorderName !== undefined || Object.keys(patch.cameras ?? {}).some((id) => !channels.includes(id));
  if (!isOutside) return;
  throw new AgentError({
    code: 'permissions.other_camera',
    say: 'The owner has allowed changes to other cameras only.',
    fix: 'Ask the site owner for permission.',
  });
}

/** The wish as the log may keep it: every login is "changed", on whatever path it stands. */
function withoutLogins(patch: ConfigurationPatch): JsonObject {
  return JSON.parse(JSON.stringify(patch, (key, value: unknown) => (key === 'login' ? 'changed' : value))) as JsonObject;
}

function stepsOf(steps: readonly { path: string; from: Json; to: Json }[], side: 'from' | 'to'): JsonObject {
  return Object.fromEntries(steps.map((step) => [step.path, step[side]]));
}
