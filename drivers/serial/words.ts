import type { PtzVelocity, SerialPtzProtocol } from '../port.js';
import { hikvisionLens, hikvisionMove, hikvisionPreset, hikvisionStop, isHikvisionAddress } from './hikvision.js';
import {
  isPelcoDAddress,
  type PelcoAxis,
  pelcoDAuxiliary,
  pelcoDGo,
  pelcoDLens,
  pelcoDMove,
  pelcoDPreset,
  pelcoDQuery,
  pelcoDStop,
} from './pelco-d.js';
import { isPelcoPAddress, pelcoPAuxiliary, pelcoPLens, pelcoPMove, pelcoPPreset, pelcoPStop } from './pelco-p.js';
import { isSamsungTAddress, samsungTLens, samsungTMove, samsungTPreset, samsungTStop } from './samsung-t.js';

/** Ways to turn a lens. */
export type LensAct = 'focus-near' | 'focus-far' | 'iris-open' | 'iris-close';

/** What may be done with a stored place. */
export type PresetAct = 'set' | 'clear' | 'goto';

/** What one-way gear can be told, as frames. `address` is what goes over the wire. Pure. */
export interface ProtocolWords {
  /** For a person: which addresses there are. */
  readonly addresses: string;
  /** The number on the wire for the number that people set, or undefined for one that cannot be. */
  wireAddress(address: number): number | undefined;
  move(address: number, velocity: PtzVelocity): Buffer;
  stop(address: number): Buffer;
  /** Numbers of the stored places, first and last. */
  readonly presets: readonly [number, number];
  /** Undefined for what this protocol has no frame for. */
  preset(address: number, act: PresetAct, preset: number): Buffer | undefined;
  auxiliary?(address: number, act: 'on' | 'off', output: number): Buffer;
  lens?(address: number, act: LensAct): Buffer;
  query?(address: number, which: PelcoAxis): Buffer;
  go?(address: number, which: PelcoAxis, value: number): Buffer;
}

const when = (isPossible: boolean, address: number): number | undefined => (isPossible ? address : undefined);

const PELCO_P = {
  move: pelcoPMove,
  stop: pelcoPStop,
  presets: [1, 255] as const,
  preset: pelcoPPreset,
  auxiliary: pelcoPAuxiliary,
  lens: pelcoPLens,
};

const WORDS: Readonly<Record<Exclude<SerialPtzProtocol, 'visca'>, ProtocolWords>> = {
  'pelco-d': {
    addresses: 'A Pelco-D address is 1 to 254',
    wireAddress: (address) => when(isPelcoDAddress(address), address),
    move: pelcoDMove,
    stop: pelcoDStop,
    presets: [1, 255],
    preset: pelcoDPreset,
    auxiliary: pelcoDAuxiliary,
    lens: pelcoDLens,
    query: pelcoDQuery,
    go: pelcoDGo,
  },
  'pelco-p': {
    ...PELCO_P,
    addresses: 'A Pelco-P address is 1 to 32',
    wireAddress: (address) => when(isPelcoPAddress(address - 1), address - 1),
  },
  'pelco-p-direct': {
    ...PELCO_P,
    addresses: 'A Pelco-P address sent as it is is 0 to 31',
    wireAddress: (address) => when(isPelcoPAddress(address), address),
  },
  'samsung-t': {
    addresses: 'A Samsung-T address is 1 to 255',
    wireAddress: (address) => when(isSamsungTAddress(address), address),
    move: samsungTMove,
    stop: samsungTStop,
    presets: [0, 254],
    preset: (address, act, preset) => (act === 'clear' ? undefined : samsungTPreset(address, act, preset)),
    lens: samsungTLens,
  },
  hikvision: {
    addresses: 'An address of a Hikvision dome is 1 to 255',
    wireAddress: (address) => when(isHikvisionAddress(address), address),
    move: hikvisionMove,
    stop: hikvisionStop,
    presets: [1, 255],
    preset: hikvisionPreset,
    lens: hikvisionLens,
  },
};

/** The frames of a protocol. */
export function wordsOfProtocol(protocol: Exclude<SerialPtzProtocol, 'visca'>): ProtocolWords {
  return WORDS[protocol];
}
