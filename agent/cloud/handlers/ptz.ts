import type { CallOptions, PtzDriver } from '../../../drivers/port.js';
import type { Cameras } from '../../cameras/ports.js';
import type { Clock } from '../../kernel/clock.js';
import { withDeadline } from '../../kernel/deadline.js';
import { AgentError } from '../../kernel/errors.js';
import type { Call, Handlers } from '../call.js';
import type { MotionWatch } from './motion-watch.js';

type Names = 'ptz.move' | 'ptz.stop' | 'ptz.presets' | 'ptz.goto' | 'ptz.home' | 'ptz.set-preset' | 'ptz.remove-preset';

/** A person holds a button meanwhile: a movement that begins later would be a surprise. */
const MOVE_DEADLINE_MS = 5_000;
const ASK_DEADLINE_MS = 15_000;
/** A drive to a place is under way for so long at most; until then the end of its permission stops it. */
const DRIVE_MS = 30_000;
const DONE = { isDone: true } as const;

/** What movement needs. */
export interface PtzHandlerParts {
  readonly cameras: Pick<Cameras, 'ptz'>;
  readonly motions: MotionWatch;
  readonly clock: Clock;
}

/** Movement. It ends with the permission under which it began, whether somebody holds a button or the camera drives by itself. */
export function ptzHandlers({ cameras, motions, clock }: PtzHandlerParts): Pick<Handlers, Names> {
  const act = <T>(cam: string, call: Call, deadlineMs: number, work: (ptz: PtzDriver, options: CallOptions) => Promise<T>): Promise<T> => {
    const ptz = cameras.ptz(cam);
    call.recheck();
    return withDeadline(clock, deadlineMs, (signal) => work(ptz, { signal }));
  };
  const untilEnded = ({ signal }: CallOptions, call: Call): CallOptions => ({ signal: AbortSignal.any([signal, call.ended]) });
  return {
    'ptz.move': async ({ cam, pan, tilt, zoom }, call) => {
      await act(cam, call, MOVE_DEADLINE_MS, (ptz, options) => {
        motions.began(cam, call);
        return ptz.move({ pan, tilt, zoom }, untilEnded(options, call));
      });
      return DONE;
    },
    // Not given up when the permission ends meanwhile: a stop is what is wanted then.
    'ptz.stop': async ({ cam }, call) => {
      await act(cam, call, MOVE_DEADLINE_MS, (ptz, options) => {
        motions.stopped(cam);
        return ptz.stop(options);
      });
      return DONE;
    },
    'ptz.presets': ({ cam }, call) =>
      act(cam, call, ASK_DEADLINE_MS, async (ptz, options) => {
        const presets = (await ptz.presets?.(options)) ?? unable();
        return { presets: presets.map(({ token, name }) => ({ token, name })) };
      }),
    'ptz.goto': async ({ cam, token }, call) => {
      call.note.object = token;
      await act(cam, call, MOVE_DEADLINE_MS, async (ptz, options) => {
        motions.began(cam, call, DRIVE_MS);
        await (ptz.goto?.(token, untilEnded(options, call)) ?? unable());
      });
      return DONE;
    },
    'ptz.home': async ({ cam }, call) => {
      await act(cam, call, MOVE_DEADLINE_MS, async (ptz, options) => {
        motions.began(cam, call, DRIVE_MS);
        await (ptz.home?.(untilEnded(options, call)) ?? unable());
      });
      return DONE;
    },
    'ptz.set-preset': async ({ cam, name, token }, call) => {
      call.note.after = { name, ...(token === null ? {} : { token }) };
      const place = token === null ? {} : { token };
      const stored = await act(cam, call, ASK_DEADLINE_MS, (ptz, options) => ptz.setPreset?.(name, { ...options, ...place }) ?? unable());
      call.note.object = stored;
      return { token: stored };
    },
    'ptz.remove-preset': async ({ cam, token }, call) => {
      call.note.object = token;
      await act(cam, call, ASK_DEADLINE_MS, (ptz, options) => ptz.removePreset?.(token, options) ?? unable());
      return DONE;
    },
  };
}

/** @throws AgentError cameras.unsupported */
function unable(): never {
  throw new AgentError({ code: 'cameras.unsupported', say: 'Camera cannot do this.', fix: 'Move it by hand, with the arrows.' });
}
