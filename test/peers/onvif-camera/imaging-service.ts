/** The Imaging service over one video source. */
import { requireToken } from './device-service.js';
import type { ImagingState, ImagingValues } from './imaging-state.js';
import { acts, reads, type Service } from './operation.js';
import { serviceCapabilities } from './service-list.js';
import { invalidArgument, SoapFault } from './soap.js';
import { child, textAt, type XmlElement } from './xml.js';

const RANGE = { min: 0, max: 100 } as const;
const NUMBERS = [
  ['Brightness', 'brightness'],
  ['ColorSaturation', 'saturation'],
  ['Contrast', 'contrast'],
  ['Sharpness', 'sharpness'],
] as const;

const respond = (name: string, inner = ''): string => `<timg:${name}Response>${inner}</timg:${name}Response>`;
const range = (name: string, min: number, max: number): string => `<tt:${name}><tt:Min>${min}</tt:Min><tt:Max>${max}</tt:Max></tt:${name}>`;
const refuse = (reason: string): SoapFault => invalidArgument('SettingsInvalid', reason);

function settings(values: ImagingValues): string {
  return [
    `<tt:Brightness>${values.brightness}</tt:Brightness><tt:ColorSaturation>${values.saturation}</tt:ColorSaturation><tt:Contrast>${values.contrast}</tt:Contrast>`,
    `<tt:Focus><tt:AutoFocusMode>${values.autoFocus}</tt:AutoFocusMode></tt:Focus><tt:IrCutFilter>${values.irCut}</tt:IrCutFilter>`,
    `<tt:Sharpness>${values.sharpness}</tt:Sharpness><tt:WideDynamicRange><tt:Mode>${values.wideDynamicRange}</tt:Mode></tt:WideDynamicRange>`,
  ].join('');
}

const OPTIONS = [
  ...['Brightness', 'ColorSaturation', 'Contrast'].map((name) => range(name, RANGE.min, RANGE.max)),
  '<tt:Focus><tt:AutoFocusModes>AUTO</tt:AutoFocusModes><tt:AutoFocusModes>MANUAL</tt:AutoFocusModes></tt:Focus>',
  '<tt:IrCutFilterModes>ON</tt:IrCutFilterModes><tt:IrCutFilterModes>OFF</tt:IrCutFilterModes><tt:IrCutFilterModes>AUTO</tt:IrCutFilterModes>',
  range('Sharpness', RANGE.min, RANGE.max),
  '<tt:WideDynamicRange><tt:Mode>OFF</tt:Mode><tt:Mode>ON</tt:Mode></tt:WideDynamicRange>',
].join('');

/** One of some words, or what it was when the element is not there. */
function word<Word extends string>(text: string | undefined, known: readonly Word[], before: Word): Word {
  if (text === undefined) return before;
  const found = known.find((one) => one === text);
  if (found === undefined) throw refuse(`${text} is not offered`);
  return found;
}

/** What a request changes; elements that this camera does not have are refused. */
function readSettings(element: XmlElement, before: ImagingValues): ImagingValues {
  const known = [...NUMBERS.map(([name]) => name as string), 'Focus', 'IrCutFilter', 'WideDynamicRange'];
  const foreign = element.children.find((one) => !known.includes(one.name));
  if (foreign !== undefined) throw refuse(`${foreign.name} is not offered`);
  const numbers = NUMBERS.map(([name, key]) => {
    const text = textAt(element, name);
    const value = text === undefined ? before[key] : /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= RANGE.min && value <= RANGE.max)) throw refuse(`${name} must be ${RANGE.min} to ${RANGE.max}`);
    return [key, value] as const;
  });
  return {
    ...before,
    ...Object.fromEntries(numbers),
    irCut: word(textAt(element, 'IrCutFilter'), ['AUTO', 'ON', 'OFF'], before.irCut),
    wideDynamicRange: word(textAt(element, 'WideDynamicRange', 'Mode'), ['ON', 'OFF'], before.wideDynamicRange),
    autoFocus: word(textAt(element, 'Focus', 'AutoFocusMode'), ['AUTO', 'MANUAL'], before.autoFocus),
  };
}

function part(element: XmlElement | undefined, name: string, min: number, max: number): number {
  const value = Number(textAt(element, name) ?? Number.NaN);
  if (!(value >= min && value <= max)) throw invalidArgument('InvalidPosition', `${name} must be ${min} to ${max}`);
  return value;
}

function move(body: XmlElement, state: ImagingState, now: number): string {
  const focus = child(body, 'Focus');
  const [absolute, relative, continuous] = ['Absolute', 'Relative', 'Continuous'].map((name) => child(focus, name));
  if (continuous !== undefined) state.drive(part(continuous, 'Speed', -1, 1), now);
  else if (relative !== undefined) state.focusAt(state.focus(now) + part(relative, 'Distance', -1, 1), now);
  else if (absolute !== undefined) state.focusAt(part(absolute, 'Position', 0, 1), now);
  else throw new SoapFault('Sender', ['ter:InvalidArgs'], 'Focus says nothing');
  state.values = { ...state.values, autoFocus: 'MANUAL' };
  return respond('Move');
}

function status(state: ImagingState, now: number): string {
  const facts = `<tt:Position>${state.focus(now).toFixed(3)}</tt:Position><tt:MoveStatus>${state.isMoving(now) ? 'MOVING' : 'IDLE'}</tt:MoveStatus><tt:Error></tt:Error>`;
  return respond('GetStatus', `<timg:Status><tt:FocusStatus20>${facts}</tt:FocusStatus20></timg:Status>`);
}

/** The service; `sources` are the tokens it is asked about, which all mean the one lens. */
export function imagingService(state: ImagingState, sources: () => readonly string[]): Service {
  const check = (body: XmlElement): void => void requireToken(body, 'VideoSourceToken', sources(), 'NoSource');
  const MOVE = range('Speed', -1, 1);
  const moves = `<tt:Absolute>${range('Position', 0, 1)}</tt:Absolute><tt:Relative>${range('Distance', -1, 1)}</tt:Relative><tt:Continuous>${MOVE}</tt:Continuous>`;
  return {
    GetServiceCapabilities: serviceCapabilities('timg'),
    GetImagingSettings: reads(['VideoSourceToken'], (body) => {
      check(body);
      return respond('GetImagingSettings', `<timg:ImagingSettings>${settings(state.values)}</timg:ImagingSettings>`);
    }),
    SetImagingSettings: acts(['VideoSourceToken', 'ImagingSettings', 'ForcePersistence'], (body) => {
      check(body);
      const wanted = child(body, 'ImagingSettings');
      if (wanted === undefined) throw new SoapFault('Sender', ['ter:InvalidArgs'], 'ImagingSettings are missing');
      state.values = readSettings(wanted, state.values);
      return respond('SetImagingSettings');
    }),
    GetOptions: reads(['VideoSourceToken'], (body) => {
      check(body);
      return respond('GetOptions', `<timg:ImagingOptions>${OPTIONS}</timg:ImagingOptions>`);
    }),
    GetMoveOptions: reads(['VideoSourceToken'], (body) => {
      check(body);
      return respond('GetMoveOptions', `<timg:MoveOptions>${moves}</timg:MoveOptions>`);
    }),
    GetStatus: reads(['VideoSourceToken'], (body, { now }) => {
      check(body);
      return status(state, now);
    }),
    Move: acts(['VideoSourceToken', 'Focus'], (body, { now }) => {
      check(body);
      return move(body, state, now);
    }),
    Stop: acts(['VideoSourceToken'], (body, { now }) => {
      check(body);
      state.drive(0, now);
      return respond('Stop');
    }),
  };
}
