/** Where a VISCA camera looks: steps of its motors as degrees, and these as the port counts them (pan 1 is 180 degrees, tilt 1 is 90). Pure. */
import type { PtzPosition } from '../port.js';
import { viscaNumber } from './visca.js';

const PAN_DEGREES = 180;
const TILT_DEGREES = 90;
/** Positions travel as four half bytes for each axis. */
const POSITION_BYTES = 8;
const MOST_STEPS = 0x7fff;

/** Steps in one degree. */
export interface ViscaScale {
  readonly pan: number;
  readonly tilt: number;
}

/** Motor positions; 0 is straight ahead, positive is right and up. */
export interface ViscaSteps {
  readonly pan: number;
  readonly tilt: number;
}

/**
 * Vendor and model as the version inquiry tells them, and what the technical manuals print: EVI-D30/D31 +-100 degrees are +-0370h, +-25 are +-012Ch;
 * EVI-D70 +-170 degrees are +-08DBh, 90 are 04B0h. Other models need their number of steps from whoever installs them.
 */
const MODELS: Readonly<Record<string, ViscaScale>> = {
  '00200402': { pan: 0x370 / 100, tilt: 0x12c / 25 },
  '0020040e': { pan: 0x8db / 170, tilt: 0x4b0 / 90 },
};

/** The scale of a model by the answer to the version inquiry; undefined for one that is not known. */
export function viscaScale(version: Uint8Array): ViscaScale | undefined {
  const model = Buffer.from(version.subarray(0, 4)).toString('hex');
  return Object.hasOwn(MODELS, model) ? MODELS[model] : undefined;
}

/** Motor positions in the answer to the position inquiry; undefined for an answer of another form (some models send five half bytes). */
export function readViscaSteps(data: Uint8Array): ViscaSteps | undefined {
  const [pan, tilt] = [viscaNumber(data, 0), viscaNumber(data, 4)];
  return data.length !== POSITION_BYTES || pan === undefined || tilt === undefined ? undefined : { pan, tilt };
}

/** -1..1 as steps; NaN counts as 0. Cut to what four half bytes hold: the camera refuses what is beyond its own range. */
export function stepsOf(place: { readonly pan: number; readonly tilt: number }, scale: ViscaScale): ViscaSteps {
  return { pan: steps(place.pan, PAN_DEGREES * scale.pan), tilt: steps(place.tilt, TILT_DEGREES * scale.tilt) };
}

/** Steps as -1..1; beyond it for a camera that can look further. */
export function placeOf({ pan, tilt }: ViscaSteps, scale: ViscaScale): Pick<PtzPosition, 'pan' | 'tilt'> {
  return { pan: pan / (PAN_DEGREES * scale.pan), tilt: tilt / (TILT_DEGREES * scale.tilt) };
}

function steps(part: number, whole: number): number {
  return Number.isFinite(part) ? Math.max(-MOST_STEPS, Math.min(MOST_STEPS, Math.round(part * whole))) : 0;
}
