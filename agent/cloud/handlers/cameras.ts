import { addCameras } from '../../cameras/adding.js';
import type { Cameras } from '../../cameras/ports.js';
import type { Clock } from '../../kernel/clock.js';
import { withDeadline } from '../../kernel/deadline.js';
import { AgentError } from '../../kernel/errors.js';
import type { Call, Handlers } from '../call.js';

type Names = 'cameras.add' | 'cameras.remove' | 'cameras.test';

/** Eight steps, each with a driver's deadline of 10 s, and a picture that is waited for. */
const TEST_DEADLINE_MS = 100_000;

/** What is needed to look after the list of cameras. */
export interface CameraHandlerParts {
  readonly cameras: Pick<Cameras, 'add' | 'rename' | 'find' | 'remove' | 'test'>;
  readonly clock: Clock;
}

/** Adding, removing and testing cameras. The log names addresses and whether a login came with them, never the login. */
export function cameraHandlers({ cameras, clock }: CameraHandlerParts): Pick<Handlers, Names> {
  return {
    'cameras.add': async ({ cameras: wishes }, call) => {
      onlyForAll(call);
      const asked = wishes.map(({ address, login, name }) => ({
        address,
        name: name ?? '',
        login: login === undefined ? 'none' : 'given',
      }));
      call.note.after = { cameras: asked };
      call.recheck();
      const added = await addCameras(cameras, wishes);
      call.note.after = { cameras: asked.map((wish, at) => ({ ...wish, id: added[at]?.id ?? '', state: added[at]?.state ?? '' })) };
      return { cameras: added };
    },
    'cameras.remove': async ({ cam }, call) => {
      const { name = '', host = '' } = cameras.find(cam) ?? {};
      call.note.before = { name, host };
      call.recheck();
      await cameras.remove(cam);
      return { isDone: true };
    },
    'cameras.test': async ({ cam }, call) => {
      call.recheck();
      const steps = await withDeadline(clock, TEST_DEADLINE_MS, (signal) => cameras.test(cam, AbortSignal.any([signal, call.ended])));
      const failed = steps.filter(({ result }) => result === 'failed').map(({ step, code }) => `${step}: ${code ?? ''}`);
      call.note.after = { failed };
      return { cam, isOk: failed.length === 0, steps: [...steps] };
    },
  };
}

/** A new camera is outside every permission for some cameras only. @throws AgentError permissions.other_camera */
function onlyForAll(call: Call): void {
  if (call.channels() === undefined) return;
  throw new AgentError({
    code: 'permissions.other_camera',
    say: 'The owner has allowed changes to some cameras only, so none can be added.',
    fix: 'Ask the site owner for permission to look after all cameras.',
  });
}
