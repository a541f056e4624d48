import * as z from 'zod/mini';
import {
  type CallOptions,
  DriverError,
  type PtzDriver,
  type PtzPreset,
  type PtzStatus,
  type PtzTour,
  type PtzTours,
  type PtzVelocity,
} from '../port.js';
import type { PtzAbilities, PtzAxes } from './ptz-node.js';
import {
  absoluteRequest,
  fromSpace,
  type MoveStyle,
  moveRequest,
  ptzElement,
  ptzRequest,
  relativeRequest,
  stopRequest,
} from './ptz-request.js';
import type { Ask } from './services.js';
import { attributes, first, many, read, text } from './shapes.js';

const Presets = z.object({ Preset: many(z.object({ $: attributes('token'), Name: text })) });
const PresetMade = z.object({ PresetToken: text });
const Tours = z.object({ PresetTour: many(z.object({ $: attributes('token'), Name: text, Status: first(z.object({ State: text })) })) });
const Status = z.object({
  PTZStatus: z.object({
    Position: first(
      z.object({ PanTilt: first(z.object({ $: attributes('x', 'y', 'space') })), Zoom: first(z.object({ $: attributes('x', 'space') })) }),
    ),
    MoveStatus: first(z.object({ PanTilt: text, Zoom: text })),
    Error: text,
  }),
});

/** Gives one public call its deadline. */
export type PtzRun = <T>(options: CallOptions, work: (ask: Ask) => Promise<T>) => Promise<T>;

const has = (error: unknown, ...codes: readonly string[]): boolean => error instanceof DriverError && codes.includes(error.code);
const unsupported = (what: string, detail: Readonly<Record<string, unknown>> = {}): DriverError =>
  new DriverError('camera.unsupported', what, { detail });

/** In the order in which they are tried; what a camera took is tried first from then on. */
const STYLES: readonly MoveStyle[] = [
  { withTimeout: true, withNudge: false },
  { withTimeout: false, withNudge: false },
  { withTimeout: true, withNudge: true },
  { withTimeout: false, withNudge: true },
];

/** Continuous movement of one profile: remembers what moves, and how this camera wants to be asked. */
class Motion {
  readonly #profileToken: string;
  #axes: PtzAxes;
  #style: MoveStyle = { withTimeout: true, withNudge: false };
  #moving: PtzAxes = { hasPanTilt: false, hasZoom: false };

  constructor(profileToken: string, axes: PtzAxes) {
    this.#profileToken = profileToken;
    this.#axes = axes;
  }

  assertPossible({ pan, tilt, zoom }: PtzVelocity): void {
    const isPossible = (this.#axes.hasPanTilt && (pan !== 0 || tilt !== 0)) || (this.#axes.hasZoom && zoom !== 0);
    if (!isPossible) throw unsupported('this camera does not move that way', { ...this.#axes });
  }

  async move(ask: Ask, velocity: PtzVelocity): Promise<void> {
    const { hasPanTilt, hasZoom } = this.#axes;
    // An axis at rest that stays at rest is not named; one that is to come to rest is.
    const axes = {
      hasPanTilt: hasPanTilt && (velocity.pan !== 0 || velocity.tilt !== 0 || this.#moving.hasPanTilt),
      hasZoom: hasZoom && (velocity.zoom !== 0 || this.#moving.hasZoom),
    };
    // Before it is sent: should the answer get lost, the camera may move all the same.
    this.#moving = axes;
    try {
      await this.#try(ask, axes, velocity);
    } catch (error) {
      if (!has(error, 'camera.unsupported') || !axes.hasPanTilt || !axes.hasZoom) throw error;
      await this.#try(ask, { hasPanTilt: true, hasZoom: false }, velocity);
      this.#axes = { hasPanTilt: true, hasZoom: false };
      this.#moving = this.#axes;
    }
  }

  async stop(ask: Ask): Promise<void> {
    const { hasPanTilt, hasZoom } = this.#moving.hasPanTilt || this.#moving.hasZoom ? this.#moving : this.#axes;
    try {
      await ask('ptz', 'Stop', stopRequest(this.#profileToken, { hasPanTilt, hasZoom }));
    } catch (error) {
      if (!has(error, 'camera.refused', 'camera.unsupported') || !hasPanTilt || !hasZoom) throw error;
      const one = ask('ptz', 'Stop', stopRequest(this.#profileToken, { hasPanTilt: true, hasZoom: false }));
      const other = ask('ptz', 'Stop', stopRequest(this.#profileToken, { hasPanTilt: false, hasZoom: true }));
      const results = await Promise.allSettled([one, other]);
      if (results.every(({ status }) => status === 'rejected')) throw error;
    }
    this.#moving = { hasPanTilt: false, hasZoom: false };
  }

  async #try(ask: Ask, axes: PtzAxes, velocity: PtzVelocity): Promise<void> {
    const others = STYLES.filter(
      ({ withTimeout, withNudge }) => withTimeout !== this.#style.withTimeout || withNudge !== this.#style.withNudge,
    );
    const isSlanted = velocity.pan !== 0 && velocity.tilt !== 0;
    const worth = others.filter(({ withNudge }) => !withNudge || (axes.hasPanTilt && !isSlanted));
    let failure: unknown;
    for (const style of [this.#style, ...worth]) {
      try {
        await ask('ptz', 'ContinuousMove', moveRequest(this.#profileToken, axes, velocity, style));
        this.#style = style;
        return;
      } catch (error) {
        failure ??= error;
        if (!has(error, 'camera.refused')) throw error;
      }
    }
    throw failure;
  }
}

function readStatus(content: unknown, { absolute }: PtzAbilities): PtzStatus {
  const { Position, MoveStatus, Error: error } = read(Status, content, 'PTZ status').PTZStatus;
  const { PanTilt, Zoom } = Position ?? {};
  const number = (words: string | undefined): number | undefined =>
    words === undefined || words === '' || !Number.isFinite(Number(words)) ? undefined : Number(words);
  const states = [MoveStatus?.PanTilt, MoveStatus?.Zoom].flatMap((word) => (word === undefined || word === '' ? [] : [word.toUpperCase()]));
  const isTold = states.some((word) => word === 'IDLE' || word === 'MOVING');
  return {
    position: {
      pan: fromSpace(number(PanTilt?.$.x), absolute.panTilt, 'x', -1, PanTilt?.$.space ?? ''),
      tilt: fromSpace(number(PanTilt?.$.y), absolute.panTilt, 'y', -1, PanTilt?.$.space ?? ''),
      zoom: fromSpace(number(Zoom?.$.x), absolute.zoom, 'x', 0, Zoom?.$.space ?? ''),
    },
    isMoving: isTold ? states.includes('MOVING') : undefined,
    error: /^(?:no error)?$/i.test(error) ? '' : error.slice(0, 200),
  };
}

type Part = Partial<PtzDriver>;

function presetsOf(run: PtzRun, profile: string): Part {
  return {
    goto: (presetToken, options) =>
      run(options, async (ask) => {
        await ask('ptz', 'GotoPreset', ptzRequest('GotoPreset', profile, ptzElement('PresetToken', presetToken)));
      }),
    presets: (options) =>
      run(options, async (ask): Promise<readonly PtzPreset[]> => {
        const { Preset } = read(Presets, await ask('ptz', 'GetPresets', ptzRequest('GetPresets', profile)), 'presets');
        return Preset.filter(({ $ }) => $.token !== '').map(({ $, Name }) => ({ token: $.token, name: Name }));
      }),
    setPreset: (name, options) =>
      run(options, async (ask) => {
        const token = options.token === undefined ? '' : ptzElement('PresetToken', options.token);
        const body = ptzRequest('SetPreset', profile, ptzElement('PresetName', name) + token);
        return read(PresetMade, await ask('ptz', 'SetPreset', body), 'preset').PresetToken || (options.token ?? '');
      }),
    removePreset: (presetToken, options) =>
      run(options, async (ask) => {
        await ask('ptz', 'RemovePreset', ptzRequest('RemovePreset', profile, ptzElement('PresetToken', presetToken)));
      }),
  };
}

function homeOf(run: PtzRun, profile: string): Part {
  const simple = (name: string) => (options: CallOptions) =>
    run(options, async (ask) => {
      await ask('ptz', name, ptzRequest(name, profile));
    });
  return { home: simple('GotoHomePosition'), setHome: simple('SetHomePosition') };
}

function placesOf(run: PtzRun, profile: string, abilities: PtzAbilities): Part {
  const send = async (options: CallOptions, name: string, body: string | undefined): Promise<void> => {
    if (body === undefined) throw unsupported('this camera does not move that way');
    await run(options, async (ask) => {
      await ask('ptz', name, body);
    });
  };
  const part: { -readonly [Key in keyof Part]: Part[Key] } = {
    status: (options) =>
      run(options, async (ask) => readStatus(await ask('ptz', 'GetStatus', ptzRequest('GetStatus', profile)), abilities)),
  };
  const { absolute, relative } = abilities;
  if (absolute.panTilt !== undefined || absolute.zoom !== undefined) {
    part.absolute = (position, options) => send(options, 'AbsoluteMove', absoluteRequest(profile, abilities, position));
  }
  if (relative.panTilt !== undefined || relative.zoom !== undefined) {
    part.relative = (step, options) => send(options, 'RelativeMove', relativeRequest(profile, abilities, step));
  }
  return part;
}

const STATES: Readonly<Record<string, PtzTour['state']>> = { idle: 'idle', touring: 'touring', paused: 'paused' };
const ACTS = { start: 'Start', stop: 'Stop', pause: 'Pause' } as const;

function toursOf(run: PtzRun, profile: string): PtzTours {
  return {
    list: (options) =>
      run(options, async (ask) => {
        const { PresetTour } = read(Tours, await ask('ptz', 'GetPresetTours', ptzRequest('GetPresetTours', profile)), 'tours');
        return PresetTour.filter(({ $ }) => $.token !== '').map(({ $, Name, Status: status }) => ({
          token: $.token,
          name: Name,
          state: STATES[status?.State.toLowerCase() ?? ''] ?? 'unknown',
        }));
      }),
    operate: (token, act, options) =>
      run(options, async (ask) => {
        const inner = ptzElement('PresetTourToken', token) + ptzElement('Operation', ACTS[act]);
        await ask('ptz', 'OperatePresetTour', ptzRequest('OperatePresetTour', profile, inner));
      }),
  };
}

/** PTZ of one profile; members the node has no ability for are missing. `run` gives each call its own deadline. */
export function createPtz(run: PtzRun, profileToken: string, abilities: PtzAbilities): PtzDriver {
  const motion = new Motion(profileToken, abilities.axes);
  return {
    async move(velocity, options) {
      motion.assertPossible(velocity);
      await run(options, (ask) => motion.move(ask, velocity));
    },
    stop: (options) => run(options, (ask) => motion.stop(ask)),
    ...placesOf(run, profileToken, abilities),
    ...(abilities.hasPresets ? presetsOf(run, profileToken) : {}),
    ...(abilities.hasHome ? homeOf(run, profileToken) : {}),
    auxiliaries: abilities.auxiliaries,
    ...(abilities.auxiliaries.length === 0
      ? {}
      : {
          auxiliary: (command, options) =>
            run(options, async (ask) => {
              const body = ptzRequest('SendAuxiliaryCommand', profileToken, ptzElement('AuxiliaryData', command));
              await ask('ptz', 'SendAuxiliaryCommand', body);
            }),
        }),
    ...(abilities.hasTours ? { tours: toursOf(run, profileToken) } : {}),
  };
}
