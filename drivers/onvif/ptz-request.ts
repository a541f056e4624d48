import type { PtzPosition, PtzVelocity } from '../port.js';
import type { PtzAbilities, PtzAxes, PtzSpace } from './ptz-node.js';
import { escapeXml } from './xml.js';

/** How a camera takes ContinuousMove; found out by trying. */
export interface MoveStyle {
  /** Asks the camera to stop by itself after a second, should we vanish. */
  readonly withTimeout: boolean;
  /** A resting axis is given the least speed: some cameras move only when pan and tilt are both not zero. */
  readonly withNudge: boolean;
}

const NUDGE = 0.001;
const bounded = (value: number, min: number, max: number): number => Math.max(min, Math.min(max, Number.isFinite(value) ? value : 0));
const decimal = (value: number): string => String(Math.round(value * 1000) / 1000);
const speed = (value: number): string => decimal(bounded(value, -1, 1));
const place = (value: number): string => String(Math.round(value * 1e5) / 1e5);
const named = (space: PtzSpace): string => (space.name === '' ? '' : ` space="${escapeXml(space.name)}"`);

/** `<tptz:operation>` with the profile and `inner`. */
export const ptzRequest = (operation: string, profileToken: string, inner = ''): string =>
  `<tptz:${operation}><tptz:ProfileToken>${escapeXml(profileToken)}</tptz:ProfileToken>${inner}</tptz:${operation}>`;

/** `<tptz:name>value</tptz:name>` */
export const ptzElement = (name: string, value: string): string => `<tptz:${name}>${escapeXml(value)}</tptz:${name}>`;

/** ContinuousMove of the given axes only: pan-only cameras refuse the whole request otherwise, others take one kind at a time. */
export function moveRequest(profileToken: string, axes: PtzAxes, velocity: PtzVelocity, style: MoveStyle): string {
  const isSlanted = velocity.pan !== 0 && velocity.tilt !== 0;
  const nudge = (value: number): number => (style.withNudge && !isSlanted && value === 0 ? NUDGE : value);
  const panTilt = axes.hasPanTilt ? `<tt:PanTilt x="${speed(nudge(velocity.pan))}" y="${speed(nudge(velocity.tilt))}"/>` : '';
  const zoom = axes.hasZoom ? `<tt:Zoom x="${speed(velocity.zoom)}"/>` : '';
  const timeout = style.withTimeout ? '<tptz:Timeout>PT1S</tptz:Timeout>' : '';
  return ptzRequest('ContinuousMove', profileToken, `<tptz:Velocity>${panTilt}${zoom}</tptz:Velocity>${timeout}`);
}

/** Stop of the given axes; some cameras stop only the axis that is named, others refuse to stop one at rest. */
export function stopRequest(profileToken: string, axes: PtzAxes): string {
  return ptzRequest('Stop', profileToken, ptzElement('PanTilt', String(axes.hasPanTilt)) + ptzElement('Zoom', String(axes.hasZoom)));
}

const scaled = (value: number, least: number, to: { min: number; max: number }): number =>
  to.min + ((bounded(value, least, 1) - least) / (1 - least)) * (to.max - to.min);

/** AbsoluteMove; undefined when none of the axes named can be driven to a place. An axis left out stays as it is. */
export function absoluteRequest(profileToken: string, abilities: PtzAbilities, position: PtzPosition): string | undefined {
  const { panTilt, zoom } = abilities.absolute;
  const { pan, tilt } = position;
  let inner = '';
  if (panTilt !== undefined && pan !== undefined && tilt !== undefined) {
    inner += `<tt:PanTilt x="${place(scaled(pan, -1, panTilt.x))}" y="${place(scaled(tilt, -1, panTilt.y))}"${named(panTilt)}/>`;
  }
  if (zoom !== undefined && position.zoom !== undefined) inner += `<tt:Zoom x="${place(scaled(position.zoom, 0, zoom.x))}"${named(zoom)}/>`;
  return inner === '' ? undefined : ptzRequest('AbsoluteMove', profileToken, `<tptz:Position>${inner}</tptz:Position>`);
}

/** RelativeMove; undefined when no axis that is to move can. */
export function relativeRequest(profileToken: string, abilities: PtzAbilities, step: PtzVelocity): string | undefined {
  const { panTilt, zoom } = abilities.relative;
  let inner = '';
  if (panTilt !== undefined && (step.pan !== 0 || step.tilt !== 0)) {
    inner += `<tt:PanTilt x="${place(scaled(step.pan, -1, panTilt.x))}" y="${place(scaled(step.tilt, -1, panTilt.y))}"${named(panTilt)}/>`;
  }
  if (zoom !== undefined && step.zoom !== 0) inner += `<tt:Zoom x="${place(scaled(step.zoom, -1, zoom.x))}"${named(zoom)}/>`;
  return inner === '' ? undefined : ptzRequest('RelativeMove', profileToken, `<tptz:Translation>${inner}</tptz:Translation>`);
}

/** A place the camera told, back in -1..1 (zoom 0..1); undefined for one in another space than we know. */
export function fromSpace(
  value: number | undefined,
  space: PtzSpace | undefined,
  axis: 'x' | 'y',
  least: number,
  said: string,
): number | undefined {
  if (value === undefined) return undefined;
  const isSaidGeneric = /PositionGenericSpace$/.test(said);
  const isOurs = space !== undefined && (said === '' || said === space.name || (isSaidGeneric && space.name === ''));
  if (!isOurs && said !== '' && !isSaidGeneric) return undefined;
  const from = isOurs ? space[axis] : { min: least, max: 1 };
  return bounded(least + ((value - from.min) / (from.max - from.min)) * (1 - least), least, 1);
}
