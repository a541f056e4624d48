import type { Login, VideoEncoderSettings } from '../../drivers/port.js';
import type { ConfigDocument } from './document.js';
import { loginRefused, notTaken } from './failures.js';
import type { Act, EncoderAct } from './plan.js';
import type { ConfigCameras, ConfigStream, EncoderPatch } from './ports.js';
import { sizeText, streamWords } from './refusals.js';
import { streamOf } from './report.js';

/** The way back from one act. */
export interface Undo {
  readonly act: Act;
  /** True when the old state is known to be there again. Never given a signal: going back is not given up half-way. */
  run(): Promise<boolean>;
}

/** What acts work with. */
export interface ActTools {
  readonly cameras: ConfigCameras;
  /** As it was before the first act. */
  readonly document: ConfigDocument;
  /** New logins by camera. */
  readonly logins: ReadonlyMap<string, Login>;
  readonly signal: AbortSignal;
}

type ActOf<Kind extends Act['kind']> = Extract<Act, { readonly kind: Kind }>;

/** The way back from `act`, made before it is done. Undefined when there is nothing to go back from. */
export function undoOf(act: Act, tools: ActTools): Undo | undefined {
  if (act.kind === 'camera-name') return { act, run: nameUndo(act, tools) };
  if (act.kind === 'login') return { act, run: loginUndo(act, tools.cameras) };
  if (act.kind === 'encoder') return { act, run: encoderUndo(act, tools.cameras) };
  return undefined;
}

/**
 * Does one thing; resolves with whether the camera itself confirmed it. Rejects with `config.not_taken`, `config.login_not_taken` or
 * `cameras.*`. The recorder's name is part of the stored document only, so there is nothing to do for it here.
 */
export async function performAct(act: Act, tools: ActTools): Promise<boolean> {
  if (act.kind === 'encoder') return setEncoder(act, tools);
  if (act.kind === 'login') return setLogin(act, tools);
  if (act.kind === 'camera-name') {
    const { name } = await tools.cameras.rename(act.cam, act.name);
    if (name !== act.name) throw notTaken(act.cam, pathOf(act), 'the name %', act.name, name);
  }
  return false;
}

/** Where the act's first step stands in the configuration. */
export const pathOf = (act: Act): string => act.steps[0]?.path ?? '';

async function setLogin(act: ActOf<'login'>, { cameras, logins }: ActTools): Promise<boolean> {
  const login = logins.get(act.cam);
  if (login === undefined) return false;
  const { state, reason } = await cameras.setLogin(act.cam, login);
  if (state !== 'online') throw loginRefused(act.camera, pathOf(act), reason);
  return true;
}

async function setEncoder(act: EncoderAct & Act, { cameras, signal }: ActTools): Promise<boolean> {
  const { cam, camera, stream, asked, change } = act;
  const { after } = await cameras.setEncoder(cam, stream, change, signal);
  const path = `cameras.${cam}.${stream}`;
  const on = `on its ${streamWords(stream)}`;
  if (after.width !== asked.width || after.height !== asked.height) {
    const step = act.steps.find((each) => !each.path.endsWith('.frameRate'))?.path ?? `${path}.width`;
    throw notTaken(camera, step, `% ${on}`, sizeText(asked), sizeText(after));
  }
  if (after.frameRate !== asked.frameRate) {
    throw notTaken(camera, `${path}.frameRate`, `% frames per second ${on}`, asked.frameRate, after.frameRate);
  }
  return true;
}

/** A name that nobody gave from here was probably the camera's own: giving that back beats pinning it. */
function nameUndo(act: ActOf<'camera-name'>, { cameras, document }: ActTools): Undo['run'] {
  const before = cameras.find(act.cam)?.name;
  const wasGiven = document.cameras[act.cam]?.name === before;
  return async () => {
    if (before === undefined) return false;
    if (!wasGiven && (await cameras.rename(act.cam, '')).name === before) return true;
    return (await cameras.rename(act.cam, before)).name === before;
  };
}

function loginUndo(act: ActOf<'login'>, cameras: ConfigCameras): Undo['run'] {
  const hadLogin = cameras.find(act.cam)?.hasLogin === true;
  const inUse = cameras.loginInUse(act.cam);
  return async () => {
    // A login of its own that the camera had refused cannot be had back: nobody may read stored logins.
    if (hadLogin && inUse === undefined) return false;
    return (await cameras.setLogin(act.cam, hadLogin ? inUse : undefined)).hasLogin === hadLogin;
  };
}

const FIRST = ['width', 'height', 'frameRate'] as const;
/** A camera may have moved these by itself when it took the others. */
const SECOND = ['bitrateKbps', 'gopLength'] as const;

function differences(
  now: VideoEncoderSettings,
  before: VideoEncoderSettings,
  fields: readonly (typeof FIRST | typeof SECOND)[number][],
): EncoderPatch | undefined {
  // 0 is "the camera does not say".
  const changed = fields.filter((field) => now[field] !== before[field] && before[field] > 0);
  if (changed.length === 0) return undefined;
  const patch = Object.fromEntries(changed.map((field) => [field, before[field]]));
  const isSize = 'width' in patch || 'height' in patch;
  return isSize ? { ...patch, width: before.width, height: before.height } : patch;
}

/** Asks the camera first: what it never took needs no way back, and its video is not interrupted again. */
function encoderUndo(act: EncoderAct, cameras: ConfigCameras): Undo['run'] {
  const { cam, stream } = act;
  const before: ConfigStream | undefined = streamOf(cameras.find(cam), stream);
  return async () => {
    const view = await cameras.check(cam);
    let now: VideoEncoderSettings | undefined = view.state === 'online' ? streamOf(view, stream) : undefined;
    if (before === undefined || now === undefined) return false;
    for (const fields of [FIRST, SECOND]) {
      const change = differences(now, before, fields);
      if (change !== undefined) now = (await cameras.setEncoder(cam, stream, change)).after;
    }
    return differences(now, before, [...FIRST, ...SECOND]) === undefined;
  };
}
