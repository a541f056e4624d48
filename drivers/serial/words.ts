import type { PtzVelocity, SerialPtzProtocol } from '../port.js';
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
import { isSamsungTAddress, samsungTMove, samsungTStop } from './samsung-t.js';

/** Ways to turn a lens. */
export type LensAct = 'focus-near' | 'focus-far' | 'iris-open' | 'iris-close';

/** What one-way gear can be told, as frames. `address` is what goes over the wire. Pure. */
export interface ProtocolWords {
  /** For a person: which addresses there are. */
  readonly addresses: string;
  /** The number on the wire for the number that people set, or undefined for one that cannot be. */
  wireAddress(address: number): number | undefined;
  move(address: number, velocity: PtzVelocity): Buffer;
  stop(address: number): Buffer;
  readonly highestPreset: number;
  preset?(address: number, act: 'set' | 'clear' | 'goto', preset: number): Buffer;
  auxiliary?(address: number, act: 'on' | 'off', output: number): Buffer;
  lens?(address: number, act: LensAct): Buffer;
  query?(address: number, which: PelcoAxis): Buffer;
  go?(address: number, which: PelcoAxis, value: number): Buffer;
}

const when = (isPossible: boolean, address: number): number | undefined => (isPossible ? address : undefined);

const PELCO_P = {
  move: pelcoPMove,
  stop: pelcoPStop,
  highestPreset: 255,
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
    highestPreset: 255,
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
    highestPreset: 0,
  },
};

/** The frames of a protocol. */
export function wordsOfProtocol(protocol: Exclude<SerialPtzProtocol, 'visca'>): ProtocolWords {
  return WORDS[protocol];
}
