/**
 * Pelco-P, the sister of Pelco-D: `A0 address command1 command2 data1 data2 AF xor`, xor being that of bytes 1 to 7; 8N1, mostly at 4800 baud.
 * By the manuals camera 1 has address 0 on the wire (C466M); some makers send 1 nevertheless, which the caller decides. Pure. The bits of
 * command 2 are those of Pelco-D, those of command 1 are not.
 */
import type { PtzVelocity } from '../port.js';
import { pelcoDMove } from './pelco-d.js';

/** Length of every frame. */
export const PELCO_P_BYTES = 8;
const START = 0xa0;
const END = 0xaf;
const END_AT = 6;

/** One frame without start, end and sum; `address` as on the wire, 0 to 31. */
export interface PelcoPCommand {
  readonly address: number;
  readonly command1: number;
  readonly command2: number;
  readonly data1: number;
  readonly data2: number;
}

/** Bytes of a frame; every field is cut to 8 bits. */
export function encodePelcoP(command: PelcoPCommand): Buffer {
  const { address, command1, command2, data1, data2 } = command;
  const frame = Buffer.from([START, address, command1, command2, data1, data2, END, 0]);
  frame[PELCO_P_BYTES - 1] = xorOf(frame, 0);
  return frame;
}

/** Whether a number can be an address on the wire. */
export function isPelcoPAddress(address: number): boolean {
  return Number.isInteger(address) && address >= 0 && address <= 31;
}

/** Moves at a speed of -1..1 per axis; zoom has a direction only. All axes at rest is the stop frame. */
export function pelcoPMove(address: number, velocity: PtzVelocity): Buffer {
  const [, , , command2 = 0, data1 = 0, data2 = 0] = pelcoDMove(0, velocity);
  return encodePelcoP({ address, command1: 0, command2, data1, data2 });
}

/** Ends every movement. */
export function pelcoPStop(address: number): Buffer {
  return encodePelcoP({ address, command1: 0, command2: 0, data1: 0, data2: 0 });
}

const PRESET = { set: 0x03, clear: 0x05, goto: 0x07 } as const;

/** Presets count from 1 to 255. */
export function pelcoPPreset(address: number, act: keyof typeof PRESET, preset: number): Buffer {
  return encodePelcoP({ address, command1: 0, command2: PRESET[act], data1: 0, data2: preset });
}

/** Relay outputs of the head (wiper, light). */
export function pelcoPAuxiliary(address: number, act: 'on' | 'off', output: number): Buffer {
  return encodePelcoP({ address, command1: 0, command2: act === 'on' ? 0x09 : 0x0b, data1: 0, data2: output });
}

const LENS = { 'focus-far': 0x01, 'focus-near': 0x02, 'iris-open': 0x04, 'iris-close': 0x08 } as const;

/** Turns the lens until stopped. */
export function pelcoPLens(address: number, act: keyof typeof LENS): Buffer {
  return encodePelcoP({ address, command1: LENS[act], command2: 0, data1: 0, data2: 0 });
}

function xorOf(bytes: Uint8Array, start: number): number {
  let sum = 0;
  for (let at = start; at < start + PELCO_P_BYTES - 1; at += 1) sum ^= bytes[at] ?? 0;
  return sum;
}

/** Finds frames in a stream of bytes that may begin anywhere and carry noise. Never throws; keeps at most 7 bytes. */
export class PelcoPDecoder {
  #kept: Buffer = Buffer.alloc(0);

  /** Frames completed by these bytes, oldest first. */
  push(bytes: Uint8Array): readonly PelcoPCommand[] {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const found: PelcoPCommand[] = [];
    let at = 0;
    while (all.length - at >= PELCO_P_BYTES) {
      if (all[at] === START && all[at + END_AT] === END && all[at + PELCO_P_BYTES - 1] === xorOf(all, at)) {
        found.push(commandAt(all, at));
        at += PELCO_P_BYTES;
      } else {
        at += 1;
      }
    }
    this.#kept = Buffer.from(all.subarray(at));
    return found;
  }
}

function commandAt(bytes: Uint8Array, at: number): PelcoPCommand {
  const field = (offset: number): number => bytes[at + offset] ?? 0;
  return { address: field(1), command1: field(2), command2: field(3), data1: field(4), data2: field(5) };
}
