import * as z from 'zod/mini';
import { DriverError, type ImagingChange, type ImagingDriver, type ImagingOptions, type ImagingSettings } from '../port.js';
import type { LinkCall, OnvifLink } from './link.js';
import { whereLacking } from './patience.js';
import { first, many, number, range, read, text } from './shapes.js';
import { escapeXml } from './xml.js';

const Options = z.object({
  ImagingOptions: first(
    z.object({
      Brightness: first(range),
      ColorSaturation: first(range),
      Contrast: first(range),
      Sharpness: first(range),
      IrCutFilterModes: many(text),
      WideDynamicRange: first(z.object({ Mode: many(text) })),
    }),
  ),
});
const Settings = z.object({
  ImagingSettings: first(
    z.object({
      Brightness: number,
      ColorSaturation: number,
      Contrast: number,
      Sharpness: number,
      IrCutFilter: text,
      WideDynamicRange: first(z.object({ Mode: text })),
    }),
  ),
});
const Speeds = z.object({ Speed: first(range) });
const MoveOptions = z.object({
  MoveOptions: first(z.object({ Continuous: first(Speeds), Relative: first(z.object({ Distance: first(range) })) })),
});

/** The settings that are numbers, and what ONVIF calls them. */
const NUMBERS = { brightness: 'Brightness', contrast: 'Contrast', saturation: 'ColorSaturation', sharpness: 'Sharpness' } as const;
type NumberName = keyof typeof NUMBERS;
const NUMBER_NAMES = Object.keys(NUMBERS) as NumberName[];
const IR_CUT = { AUTO: 'auto', ON: 'on', OFF: 'off' } as const;

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** What the camera offers, as far as it can be used: a value without a range has no 0..1. */
interface Offers {
  readonly ranges: ReadonlyMap<NumberName, Bounds>;
  readonly irCut: readonly ('auto' | 'on' | 'off')[];
  readonly hasWideDynamicRange: boolean;
  readonly focus: { readonly way: 'continuous' | 'relative'; readonly bounds: Bounds } | undefined;
}

function boundsOf(said: { Min?: number | undefined; Max?: number | undefined } | undefined): Bounds | undefined {
  const { Min, Max } = said ?? {};
  return Min === undefined || Max === undefined || Max <= Min ? undefined : { min: Min, max: Max };
}

const sourceElement = (token: string): string => `<timg:VideoSourceToken>${escapeXml(token)}</timg:VideoSourceToken>`;
const irCutWord = (said: string): 'auto' | 'on' | 'off' | undefined => IR_CUT[said.toUpperCase() as keyof typeof IR_CUT];

async function askFocus({ ask }: LinkCall, token: string): Promise<Offers['focus']> {
  return whereLacking(undefined, async () => {
    const body = `<timg:GetMoveOptions>${sourceElement(token)}</timg:GetMoveOptions>`;
    const said = read(MoveOptions, await ask('imaging', 'GetMoveOptions', body), 'focus options').MoveOptions;
    const speed = boundsOf(said?.Continuous?.Speed);
    if (speed !== undefined) return { way: 'continuous', bounds: speed };
    const distance = boundsOf(said?.Relative?.Distance);
    return distance === undefined ? undefined : { way: 'relative', bounds: distance };
  });
}

async function askOffers(call: LinkCall, token: string): Promise<Offers> {
  const body = `<timg:GetOptions>${sourceElement(token)}</timg:GetOptions>`;
  const said = read(Options, await call.ask('imaging', 'GetOptions', body), 'picture options').ImagingOptions;
  const ranges = new Map<NumberName, Bounds>();
  for (const name of NUMBER_NAMES) {
    const bounds = boundsOf(said?.[NUMBERS[name]]);
    if (bounds !== undefined) ranges.set(name, bounds);
  }
  const irCut = (said?.IrCutFilterModes ?? []).map(irCutWord).filter((word) => word !== undefined);
  const modes = (said?.WideDynamicRange?.Mode ?? []).map((mode) => mode.toUpperCase());
  const hasWideDynamicRange = modes.includes('ON') && modes.includes('OFF');
  return { ranges, irCut, hasWideDynamicRange, focus: await askFocus(call, token) };
}

async function askSettings({ ask }: LinkCall, token: string, offers: Offers): Promise<ImagingSettings> {
  const body = `<timg:GetImagingSettings>${sourceElement(token)}</timg:GetImagingSettings>`;
  const said = read(Settings, await ask('imaging', 'GetImagingSettings', body), 'picture settings').ImagingSettings;
  const part = (name: NumberName): number | undefined => {
    const value = said?.[NUMBERS[name]];
    const bounds = offers.ranges.get(name);
    if (value === undefined || bounds === undefined) return undefined;
    return Math.max(0, Math.min(1, (value - bounds.min) / (bounds.max - bounds.min)));
  };
  const wide = said?.WideDynamicRange?.Mode.toUpperCase();
  return {
    brightness: part('brightness'),
    contrast: part('contrast'),
    saturation: part('saturation'),
    sharpness: part('sharpness'),
    irCut: irCutWord(said?.IrCutFilter ?? ''),
    isWideDynamicRange: wide === undefined || wide === '' ? undefined : wide === 'ON',
  };
}

const lacking = (setting: string): DriverError =>
  new DriverError('camera.unsupported', `this camera does not let its ${setting} be set`, { detail: { setting } });

/** 0..1 in the camera's own numbers. Ranges of whole numbers get whole numbers: some cameras refuse 50.5 there. */
function scaled(part: number, { min, max }: Bounds): number {
  const clamped = Number.isFinite(part) ? Math.max(0, Math.min(1, part)) : 0;
  const value = min + clamped * (max - min);
  const isWhole = Number.isInteger(min) && Number.isInteger(max) && max - min >= 8;
  return isWhole ? Math.round(value) : Math.round(value * 1000) / 1000;
}

/** SetImagingSettings with the changed values only, in the order of the schema. Throws `camera.unsupported`. */
function changeRequest(token: string, change: ImagingChange, offers: Offers): string {
  const value = (name: NumberName): string => {
    const part = change[name];
    if (part === undefined) return '';
    const bounds = offers.ranges.get(name);
    if (bounds === undefined) throw lacking(name);
    return `<tt:${NUMBERS[name]}>${scaled(part, bounds)}</tt:${NUMBERS[name]}>`;
  };
  if (change.irCut !== undefined && !offers.irCut.includes(change.irCut)) throw lacking('infrared filter');
  if (change.isWideDynamicRange !== undefined && !offers.hasWideDynamicRange) throw lacking('wide dynamic range');
  const irCut = change.irCut === undefined ? '' : `<tt:IrCutFilter>${change.irCut.toUpperCase()}</tt:IrCutFilter>`;
  const mode = change.isWideDynamicRange === true ? 'ON' : 'OFF';
  const wide = change.isWideDynamicRange === undefined ? '' : `<tt:WideDynamicRange><tt:Mode>${mode}</tt:Mode></tt:WideDynamicRange>`;
  return (
    `<timg:SetImagingSettings>${sourceElement(token)}<timg:ImagingSettings>` +
    value('brightness') +
    value('saturation') +
    value('contrast') +
    irCut +
    value('sharpness') +
    wide +
    '</timg:ImagingSettings><timg:ForcePersistence>true</timg:ForcePersistence></timg:SetImagingSettings>'
  );
}

/** Move of the focus; a camera that only knows distances gets one step in that direction. */
function focusRequest(token: string, speed: number, { way, bounds }: NonNullable<Offers['focus']>): string {
  const part = Number.isFinite(speed) ? Math.max(-1, Math.min(1, speed)) : 0;
  const value = Math.round(part * Math.abs(part > 0 ? bounds.max : bounds.min) * 1000) / 1000;
  const inner =
    way === 'continuous'
      ? `<tt:Continuous><tt:Speed>${value}</tt:Speed></tt:Continuous>`
      : `<tt:Relative><tt:Distance>${value}</tt:Distance></tt:Relative>`;
  return `<timg:Move>${sourceElement(token)}<timg:Focus>${inner}</timg:Focus></timg:Move>`;
}

function describe(offers: Offers): ImagingOptions {
  const adjustable: (keyof ImagingSettings)[] = NUMBER_NAMES.filter((name) => offers.ranges.has(name));
  if (offers.irCut.length > 1) adjustable.push('irCut');
  if (offers.hasWideDynamicRange) adjustable.push('isWideDynamicRange');
  return { adjustable, irCut: offers.irCut, canFocus: offers.focus !== undefined };
}

/** Picture settings of the video source the link shows; undefined without imaging service or source. Sends nothing yet. */
export function openImaging(link: OnvifLink): ImagingDriver | undefined {
  const token = link.sourceToken;
  if (!link.has('imaging') || token === '') return undefined;
  let known: Offers | undefined;
  // What a camera offers does not change while it runs; asked for each movement it would double the way.
  const offersOf = async (call: LinkCall): Promise<Offers> => {
    known ??= await askOffers(call, token);
    return known;
  };
  return {
    options: (options) => link.run(options, async (call) => describe(await offersOf(call))),
    read: (options) => link.run(options, async (call) => askSettings(call, token, await offersOf(call))),
    write: (change, options) =>
      link.run(options, async (call) => {
        const offers = await offersOf(call);
        await call.ask('imaging', 'SetImagingSettings', changeRequest(token, change, offers));
        return askSettings(call, token, offers);
      }),
    focus: (move, options) =>
      link.run(options, async (call) => {
        if (move === 'stop' || move === 0) {
          await call.ask('imaging', 'Stop', `<timg:Stop>${sourceElement(token)}</timg:Stop>`);
          return;
        }
        const { focus } = await offersOf(call);
        if (focus === undefined) throw lacking('focus');
        await call.ask('imaging', 'Move', focusRequest(token, move, focus));
      }),
  };
}
