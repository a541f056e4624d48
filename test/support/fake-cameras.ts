import type { TestStep } from '../../agent/contract/camera-views.js';
import type { AnswerOf, ArgsOf, OperationName } from '../../agent/contract/operations.js';
import { PIECE_BYTES } from '../../agent/contract/snapshot.js';
import { toBase64url } from '../../agent/contract/text.js';
import type { CameraInfo } from '../../agent/contract/views.js';
import { AgentError } from '../../agent/kernel/errors.js';

type Names = Extract<OperationName, `ptz.${string}` | `cameras.${string}`>;
type CameraHandlers = {
  [Name in Names]: (args: ArgsOf<Name>, options?: { onPiece?: (body: unknown) => void }) => AnswerOf<Name> | Promise<AnswerOf<Name>>;
};

const DONE = { isDone: true as const };

const line = (step: TestStep['step'], result: TestStep['result'], say: string, fix = ''): TestStep => ({
  ...{ step, result, say, fix, code: result === 'ok' ? null : 'cameras.example', tookMs: 12 },
});

/** The recorder's list of cameras, and the way to tell that it changed. */
export interface FakeScene {
  readonly cameras: CameraInfo[];
  changed(): void;
}

const REFUSED = {
  code: 'cameras.no_login',
  say: 'Camera answers, but wants a password and none is set.',
  fix: 'Enter the user and password set on the camera’s own page.',
};
const GONE = {
  code: 'cameras.gone',
  say: 'Nothing answers at 192.0.2.9.',
  fix: 'Check power and network cable of the camera. If its address has changed, search for cameras again.',
};
const facts = { manufacturer: 'Example', firmware: '1.4.0', serial: 'EX4713', streams: [], ptz: null, hasLogin: false };

/** A password arrives: the right one opens the camera, `wrong` does not. */
export function fakeLogin({ cameras }: FakeScene, cam: string, password: string): void {
  const at = cameras.findIndex(({ id }) => id === cam);
  const camera = cameras[at];
  if (camera === undefined) return;
  const say = 'Camera answers, but refuses the password of user admin (ONVIF NotAuthorized). 2 tries left.';
  const refused = { code: 'cameras.wrong_password', say, fix: 'Enter the password set on the camera’s own page.' };
  const isRight = password !== 'wrong';
  cameras[at] = { ...camera, hasLogin: true, state: isRight ? 'online' : 'unauthorized', reason: isRight ? null : refused };
}

/** Cameras to find, to look after and to move: a search finds two once, an address that ends in .9 has nobody. */
export function fakeCameraHandlers(scene: FakeScene): CameraHandlers {
  return { ...findHandlers(scene), ...careHandlers(scene), ...moveHandlers() };
}

function findHandlers(scene: FakeScene): Pick<CameraHandlers, 'cameras.discover' | 'cameras.add'> {
  let hasSearched = false;
  const meet = (name: string, state: CameraInfo['state']): string => {
    const id = `cam-${Number(scene.cameras.at(-1)?.id.slice(4) ?? 0) + 1}`;
    const reason = state === 'unauthorized' ? REFUSED : null;
    scene.cameras.push({ ...facts, id, name, model: 'Bullet 4', state, reason, lastSeenAt: Date.now() });
    return id;
  };
  return {
    'cameras.discover': ({ scan }) => {
      if (scan === '203.0.113.0/24') {
        const say = 'The recorder is not in the network 203.0.113.0/24.';
        throw new AgentError({ code: 'cameras.bad_network', say, fix: 'Name the network that the recorder is in, such as 192.0.2.0/24.' });
      }
      const known = scene.cameras.map(({ id }) => id);
      const found = hasSearched ? [] : ['Gate', 'Yard'].map((name) => meet(name, 'unauthorized'));
      hasSearched = true;
      scene.changed();
      return { found, known };
    },
    'cameras.add': ({ cameras }) => {
      const added = cameras.map(({ address, login }) => {
        if (address.endsWith('.9')) return { address, id: null, state: null, reason: GONE };
        const state = login === undefined ? 'unauthorized' : 'online';
        return { address, id: meet(address, state), state, reason: state === 'online' ? null : REFUSED } as const;
      });
      scene.changed();
      return { cameras: added };
    },
  };
}

function careHandlers(scene: FakeScene): Pick<CameraHandlers, 'cameras.remove' | 'cameras.test' | 'cameras.snapshot'> {
  return {
    'cameras.remove': ({ cam }) => {
      scene.cameras.splice(0, scene.cameras.length, ...scene.cameras.filter(({ id }) => id !== cam));
      return DONE;
    },
    'cameras.test': ({ cam }) => ({
      cam,
      isOk: false,
      steps: [
        line('reachability', 'ok', 'Answers at 192.0.2.7.'),
        line('clock', 'warning', 'Its clock is 2 hours ahead.', 'Set a time server.'),
        line('authentication', 'ok', 'Takes the login of user admin.'),
        line('profiles', 'ok', 'Gives 1280 × 720 and 640 × 360.'),
        line('stream', 'failed', 'Nothing answers at 192.0.2.7.', 'Switch RTSP on.'),
        line('keyframe', 'skipped', 'Not tried, because there is no stream.'),
        line('ptz', 'absent', 'Cannot be moved.'),
      ],
    }),
    'cameras.snapshot': async ({ cam }, options) => {
      if (cam === 'cam-4') {
        throw new AgentError({
          code: 'cameras.no_picture',
          say: 'The camera gives no still pictures.',
          fix: 'Watch the camera live instead.',
        });
      }
      const jpeg = await drawStill();
      const pieces = Math.ceil(jpeg.length / PIECE_BYTES);
      for (let piece = 0; piece < pieces; piece += 1) {
        const part = jpeg.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
        options?.onPiece?.({ cam, piece, pieces, data: toBase64url(part) });
      }
      return { cam, at: Date.now(), pieces, bytes: jpeg.length, width: 640, height: 360, watermark: 'Robin Example' };
    },
  };
}

function moveHandlers(): Pick<CameraHandlers, Extract<Names, `ptz.${string}`>> {
  let presets = [{ token: '1', name: 'Gate' }];
  return {
    'ptz.move': () => DONE,
    'ptz.stop': () => DONE,
    'ptz.presets': () => ({ presets: [...presets] }),
    'ptz.goto': () => DONE,
    'ptz.home': () => DONE,
    'ptz.set-preset': ({ name, token }) => {
      const at = token ?? String(presets.length + 1);
      presets = [...presets.filter((place) => place.token !== at), { token: at, name }];
      return { token: at };
    },
    'ptz.remove-preset': ({ token }) => {
      presets = presets.filter((place) => place.token !== token);
      return DONE;
    },
  };
}

/** What the camera in the page's memory shows, as a JPEG. */
async function drawStill(): Promise<Uint8Array> {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
  const pen = canvas.getContext('2d');
  if (pen === null) throw new RangeError('no canvas');
  for (const [colour, x, y, width, height] of [
    ['#2c3e50', 0, 0, 640, 360],
    ['#d7ccb8', 240, 90, 160, 270],
    ['#e0a84c', 480, 320, 40, 30],
  ] as const) {
    pen.fillStyle = colour;
    pen.fillRect(x, y, width, height);
  }
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.9));
  return new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(0));
}
