import { addCameras } from '../cameras/adding.js';
import type { CameraRegistry } from '../cameras/registry.js';
import { searchedIn } from '../cameras/search.js';
import { toCameraInfo } from '../cloud/handlers/site.js';
import type { NewCamera } from '../contract/camera-views.js';
import type { ControlActs } from '../contract/control.js';
import type { Clock } from '../kernel/clock.js';
import { withDeadline } from '../kernel/deadline.js';
import { AgentError } from '../kernel/errors.js';
import type { OperationLog } from '../operation-log/ports.js';
import { by, logged } from './logged.js';

/** What the acts about cameras reach. */
export interface CameraActParts {
  readonly cameras: Pick<CameraRegistry, 'list' | 'find' | 'discover' | 'add' | 'rename' | 'remove' | 'test' | 'ptz'>;
  readonly operationLog: Pick<OperationLog, 'intent' | 'result'>;
  readonly clock: Clock;
}

type CameraNames = 'cameras' | 'cameras-discover' | 'cameras-add' | 'cameras-remove' | 'cameras-test';
type PtzNames = 'ptz-move' | 'ptz-stop' | 'ptz-presets' | 'ptz-goto' | 'ptz-home' | 'ptz-set-preset' | 'ptz-remove-preset';

const SEARCH_DEADLINE_MS = 150_000;
const TEST_DEADLINE_MS = 150_000;
const PTZ_DEADLINE_MS = 15_000;
const DONE = { isDone: true } as const;

/** What a person at the recorder may do about cameras: find, add, test, remove and move them. */
export function cameraActs(parts: CameraActParts): Pick<ControlActs, CameraNames | PtzNames> {
  const { cameras, clock } = parts;
  return {
    cameras: async () => ({ now: clock.now(), cameras: cameras.list().map((view) => ({ ...toCameraInfo(view), host: view.host })) }),
    'cameras-discover': (wish, source) =>
      logged(
        parts,
        { ...by(source), action: 'cameras.discover', after: searchedIn(wish) },
        async () => {
          const { found, known, removed } = await withDeadline(clock, SEARCH_DEADLINE_MS, (signal) => cameras.discover(wish, signal));
          return { found: [...found], known: [...known], removed };
        },
        ({ found, known }) => ({ ...searchedIn(wish), found, known: known.length }),
      ),
    'cameras-add': ({ cameras: wishes }, source) =>
      logged(
        parts,
        { ...by(source), action: 'cameras.add', after: { cameras: wishes.map(asLogged) } },
        async () => ({ cameras: await addCameras(cameras, wishes) }),
        (done) => ({ cameras: done.cameras.map(({ address, id, state }) => ({ address, id: id ?? '', state: state ?? '' })) }),
      ),
    'cameras-remove': async ({ cam }, source) => {
      const { name = '', host = '' } = cameras.find(cam) ?? {};
      const entry = { ...by(source), action: 'cameras.remove', channel: cam, before: { name, host } } as const;
      await logged(parts, entry, () => cameras.remove(cam));
      return DONE;
    },
    'cameras-test': ({ cam }, source) =>
      logged(
        parts,
        { ...by(source), action: 'cameras.test', channel: cam },
        async () => {
          const steps = await withDeadline(clock, TEST_DEADLINE_MS, (signal) => cameras.test(cam, signal));
          return { cam, isOk: steps.every(({ result }) => result !== 'failed'), steps: [...steps] };
        },
        ({ steps }) => ({ failed: steps.filter(({ result }) => result === 'failed').map(({ step }) => step) }),
      ),
    ...ptzActs(parts),
  };
}

/** The wish as the log may keep it. */
const asLogged = ({ address, name = '', login }: NewCamera) => ({ address, name, login: login === undefined ? 'none' : 'given' });

function ptzActs(parts: CameraActParts): Pick<ControlActs, PtzNames> {
  const { cameras, clock } = parts;
  const inTime = <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => withDeadline(clock, PTZ_DEADLINE_MS, work);
  return {
    'ptz-move': async ({ cam, pan, tilt, zoom, forMs }, source) => {
      const entry = { ...by(source), action: 'ptz.move', channel: cam, scope: 'ptz', after: { pan, tilt, zoom, forMs } } as const;
      await logged(parts, entry, () => cameras.ptz(cam).holdFor({ pan, tilt, zoom }, forMs));
      return DONE;
    },
    'ptz-stop': async ({ cam }, source) => {
      const entry = { ...by(source), action: 'ptz.stop', channel: cam, scope: 'ptz' } as const;
      await logged(parts, entry, () => inTime((signal) => cameras.ptz(cam).stop({ signal })));
      return DONE;
    },
    'ptz-presets': async ({ cam }) => {
      const presets = await inTime(async (signal) => (await cameras.ptz(cam).presets?.({ signal })) ?? unable());
      return { presets: presets.map(({ token, name }) => ({ token, name })) };
    },
    'ptz-goto': async ({ cam, token }, source) => {
      const entry = { ...by(source), action: 'ptz.goto', channel: cam, scope: 'ptz', object: token } as const;
      await logged(parts, entry, () => inTime(async (signal) => cameras.ptz(cam).goto?.(token, { signal }) ?? unable()));
      return DONE;
    },
    'ptz-home': async ({ cam }, source) => {
      const entry = { ...by(source), action: 'ptz.home', channel: cam, scope: 'ptz' } as const;
      await logged(parts, entry, () => inTime(async (signal) => cameras.ptz(cam).home?.({ signal }) ?? unable()));
      return DONE;
    },
    'ptz-set-preset': async ({ cam, name, token }, source) => {
      const place = token === null ? {} : { token };
      const entry = { ...by(source), action: 'ptz.set-preset', channel: cam, scope: 'ptz', after: { name, ...place } } as const;
      const set = (signal: AbortSignal) => cameras.ptz(cam).setPreset?.(name, { signal, ...place }) ?? unable();
      return { token: await logged(parts, entry, () => inTime(async (signal) => set(signal))) };
    },
    'ptz-remove-preset': async ({ cam, token }, source) => {
      const entry = { ...by(source), action: 'ptz.remove-preset', channel: cam, scope: 'ptz', object: token } as const;
      await logged(parts, entry, () => inTime(async (signal) => cameras.ptz(cam).removePreset?.(token, { signal }) ?? unable()));
      return DONE;
    },
  };
}

/** @throws AgentError cameras.unsupported */
function unable(): never {
  throw new AgentError({ code: 'cameras.unsupported', say: 'Camera cannot do this.', fix: 'Use a camera that can.' });
}
