import { addCameras } from '../../cameras/adding.js';
import type { Cameras } from '../../cameras/ports.js';
import { searchedIn } from '../../cameras/search.js';
import type { Clock } from '../../kernel/clock.js';
import { withDeadline } from '../../kernel/deadline.js';
import { AgentError } from '../../kernel/errors.js';
import type { Call, Handlers } from '../call.js';

type Names = 'cameras.discover' | 'cameras.add' | 'cameras.remove' | 'cameras.test';

/** Eight steps, each with a driver's deadline of 10 s, and a picture that is waited for. */
const TEST_DEADLINE_MS = 100_000;

/** A large network takes half a minute, one full of devices that hang some more. */
const SEARCH_DEADLINE_MS = 110_000;

/** What is needed to look after the list of cameras. */
export interface CameraHandlerParts {
  readonly cameras: Pick<Cameras, 'discover' | 'add' | 'rename' | 'find' | 'remove' | 'test'>;
  readonly clock: Clock;
}

/** Finding, adding, removing and testing cameras. The log names addresses and whether a login came with them, never the login. */
export function cameraHandlers({ cameras, clock }: CameraHandlerParts): Pick<Handlers, Names> {
  return {
    'cameras.discover': async (wish, call) => {
      // A search finds what greets by itself; a host or a whole network is only for whoever may have any camera there.
      if (wish.host !== undefined || wish.scan !== undefined) onlyForAll(call);
      const where = searchedIn(wish);
      if (where !== undefined) call.note.after = where;
      call.recheck();
      const search = (signal: AbortSignal) => cameras.discover(wish, AbortSignal.any([signal, call.ended]));
      const { found, known, removed } = await withDeadline(clock, SEARCH_DEADLINE_MS, search);
      call.note.after = { ...where, found: [...found], known: known.length };
      // The log tells the owner of all of them; whoever may look after some cameras learns of no others.
      const channels = call.channels();
      if (channels === undefined) return { found: [...found], known: [...known], removed };
      const isVisible = (id: string): boolean => channels.includes(id);
      return { found: found.filter(isVisible), known: known.filter(isVisible) };
    },
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
