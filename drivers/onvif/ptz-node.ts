import * as z from 'zod/mini';
import { isMissing } from './media-choice.js';
import type { Ask } from './services.js';
import { first, many, number, range, read, text } from './shapes.js';
import { escapeXml } from './xml.js';

const Range = first(range);
const Space = many(z.object({ URI: text, XRange: Range, YRange: Range }));
const Node = z.object({
  PTZNode: z.object({
    SupportedPTZSpaces: first(
      z.object({
        AbsolutePanTiltPositionSpace: Space,
        AbsoluteZoomPositionSpace: Space,
        RelativePanTiltTranslationSpace: Space,
        RelativeZoomTranslationSpace: Space,
        ContinuousPanTiltVelocitySpace: many(z.unknown()),
        ContinuousZoomVelocitySpace: many(z.unknown()),
      }),
    ),
    MaximumNumberOfPresets: number,
    HomeSupported: text,
    AuxiliaryCommands: many(text),
    Extension: first(z.object({ SupportedPresetTour: first(z.object({ MaximumNumberOfPresetTours: number })) })),
  }),
});
type Spaces = z.infer<typeof Space>;

/** A coordinate space; `name` is empty for the camera's default one, which is the generic -1..1 (zoom 0..1). */
export interface PtzSpace {
  readonly name: string;
  readonly x: { readonly min: number; readonly max: number };
  readonly y: { readonly min: number; readonly max: number };
}

/** Which axes a PTZ node can move continuously. */
export interface PtzAxes {
  readonly hasPanTilt: boolean;
  readonly hasZoom: boolean;
}

/** What a PTZ node can do. */
export interface PtzAbilities {
  readonly axes: PtzAxes;
  /** Undefined: this axis cannot be driven to a place. */
  readonly absolute: { readonly panTilt: PtzSpace | undefined; readonly zoom: PtzSpace | undefined };
  readonly relative: { readonly panTilt: PtzSpace | undefined; readonly zoom: PtzSpace | undefined };
  readonly hasPresets: boolean;
  readonly hasHome: boolean;
  readonly auxiliaries: readonly string[];
  readonly hasTours: boolean;
}

const span = (said: { Min?: number | undefined; Max?: number | undefined } | undefined, min: number) =>
  said?.Min === undefined || said.Max === undefined || said.Min >= said.Max ? { min, max: 1 } : { min: said.Min, max: said.Max };

/** The generic space where there is one (then it need not be named), else the first with its own range. */
function chooseSpace(offered: Spaces, least: number): PtzSpace | undefined {
  const generic = offered.find(({ URI }) => /(?:Position|Translation)GenericSpace$/.test(URI)) ?? offered.find(({ URI }) => URI === '');
  const space = generic ?? offered[0];
  if (space === undefined) return undefined;
  // Where another space comes first, the default may be that one: then the generic one is asked for by name.
  return { name: space === offered[0] && generic !== undefined ? '' : space.URI, x: span(space.XRange, least), y: span(space.YRange, -1) };
}

const GENERIC: PtzSpace = { name: '', x: { min: -1, max: 1 }, y: { min: -1, max: 1 } };
const GENERIC_ZOOM: PtzSpace = { name: '', x: { min: 0, max: 1 }, y: { min: 0, max: 1 } };

/** Of a camera that has PTZ but cannot describe it: it is taken to have what most have, and says so itself when it has not. */
const UNTOLD: PtzAbilities = {
  axes: { hasPanTilt: true, hasZoom: true },
  absolute: { panTilt: GENERIC, zoom: GENERIC_ZOOM },
  relative: { panTilt: GENERIC, zoom: GENERIC },
  hasPresets: true,
  hasHome: true,
  auxiliaries: [],
  hasTours: false,
};

/** GetNode. */
export async function askAbilities(ask: Ask, nodeToken: string): Promise<PtzAbilities> {
  try {
    const body = `<tptz:GetNode><tptz:NodeToken>${escapeXml(nodeToken)}</tptz:NodeToken></tptz:GetNode>`;
    const node = read(Node, await ask('ptz', 'GetNode', body), 'PTZ node').PTZNode;
    const spaces = node.SupportedPTZSpaces;
    if (spaces === undefined) return UNTOLD;
    return {
      axes: { hasPanTilt: spaces.ContinuousPanTiltVelocitySpace.length > 0, hasZoom: spaces.ContinuousZoomVelocitySpace.length > 0 },
      absolute: { panTilt: chooseSpace(spaces.AbsolutePanTiltPositionSpace, -1), zoom: chooseSpace(spaces.AbsoluteZoomPositionSpace, 0) },
      relative: {
        panTilt: chooseSpace(spaces.RelativePanTiltTranslationSpace, -1),
        zoom: chooseSpace(spaces.RelativeZoomTranslationSpace, -1),
      },
      hasPresets: node.MaximumNumberOfPresets !== 0,
      hasHome: node.HomeSupported !== 'false' && node.HomeSupported !== '0',
      auxiliaries: node.AuxiliaryCommands.filter((command) => command !== '').slice(0, 64),
      hasTours: (node.Extension?.SupportedPresetTour?.MaximumNumberOfPresetTours ?? 0) > 0,
    };
  } catch (error) {
    if (!isMissing(error)) throw error;
    return UNTOLD;
  }
}
