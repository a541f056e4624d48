import type { TestStep } from '../../agent/contract/camera-views.js';
import type { AnswerOf, ArgsOf, OperationName } from '../../agent/contract/operations.js';

type Names = Exclude<Extract<OperationName, `ptz.${string}` | `cameras.${string}`>, 'cameras.discover' | 'ptz.remove-preset'>;
type CameraHandlers = { [Name in Names]: (args: ArgsOf<Name>) => AnswerOf<Name> };

const DONE = { isDone: true as const };

const line = (step: TestStep['step'], result: TestStep['result'], say: string, fix = ''): TestStep => ({
  ...{ step, result, say, fix, code: result === 'ok' ? null : 'cameras.example', tookMs: 12 },
});

/** Cameras to look after and to move: an address that ends in .9 refuses its password, every other is that of the first camera. */
export function fakeCameraHandlers(remove: (cam: string) => void): CameraHandlers {
  const presets = [{ token: '1', name: 'Gate' }];
  return {
    'cameras.add': ({ cameras }) => ({
      cameras: cameras.map(({ address }) => {
        const reason = { code: 'cameras.wrong_password', say: 'Camera answers, but refuses the password.', fix: 'Enter its password.' };
        const isRefused = address.endsWith('.9');
        return { address, id: 'cam-1', state: isRefused ? 'unauthorized' : 'online', reason: isRefused ? reason : null };
      }),
    }),
    'cameras.remove': ({ cam }) => {
      remove(cam);
      return DONE;
    },
    'cameras.test': ({ cam }) => ({
      cam,
      isOk: false,
      steps: [
        line('reachability', 'ok', 'Answers at 192.0.2.7.'),
        line('clock', 'warning', 'Its clock is 2 hours ahead.', 'Set a time server.'),
        line('stream', 'failed', 'Nothing answers at 192.0.2.7.', 'Switch RTSP on.'),
      ],
    }),
    'ptz.move': () => DONE,
    'ptz.stop': () => DONE,
    'ptz.presets': () => ({ presets: [...presets] }),
    'ptz.goto': () => DONE,
    'ptz.home': () => DONE,
    'ptz.set-preset': ({ name }) => {
      presets.push({ token: String(presets.length + 1), name });
      return { token: String(presets.length) };
    },
  };
}
