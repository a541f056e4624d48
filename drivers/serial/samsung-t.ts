/**
 * Samsung-T (Samsung's protocol manual 1.80E, 1.3 and 2.1): `A0 camera host command1 command2 data1 data2 data3 data4 AF sum`, sum being the complement
 * of bytes 2 to 9 modulo 256; 8N1 at 9600 or 38400 baud. The camera answers with the same frame, host and camera changed over. Pure.
 */
import type { PtzVelocity } from '../port.js';
import { pelcoDMove } from './pelco-d.js';

/** Length of every frame. */
export const SAMSUNG_T_BYTES = 11;
const START = 0xa0;
const END = 0xaf;
const END_AT = 9;
/** Zoom speeds are 1 to 8. */
const ZOOM_SPEED = 5;
/** Focus speeds are 10 to 80 hex. */
const FOCUS_SPEED = 0x40;

/** One frame without start, end and sum. */
export interface SamsungTCommand {
  readonly camera: number;
  readonly host: number;
  readonly command1: number;
  readonly command2: number;
  readonly data: readonly [number, number, number, number];
}

/** Bytes of a frame; every field is cut to 8 bits. */
export function encodeSamsungT({ camera, host, command1, command2, data }: SamsungTCommand): Buffer {
  const frame = Buffer.from([START, camera, host, command1, command2, ...data, END, 0]);
  frame[SAMSUNG_T_BYTES - 1] = sumOf(frame, 0);
  return frame;
}

/** Whether a number can be a camera's address. */
export function isSamsungTAddress(address: number): boolean {
  return Number.isInteger(address) && address >= 1 && address <= 255;
}

function to(camera: number, command2: number, data: readonly [number, number, number, number], command1 = 0): Buffer {
  return encodeSamsungT({ camera, host: 0, command1, command2, data });
}

/** Moves at a speed of -1..1 per axis; zoom has a direction only. All axes at rest is the stop frame. The direction bits are those of Pelco-D. */
export function samsungTMove(camera: number, velocity: PtzVelocity): Buffer {
  const [, , , command2 = 0, pan = 0, tilt = 0] = pelcoDMove(0, velocity);
  return to(camera, command2, [pan, tilt, (command2 & 0x60) === 0 ? 0 : ZOOM_SPEED, 0]);
}

/** Ends every movement. */
export function samsungTStop(camera: number): Buffer {
  return to(camera, 0, [0, 0, 0, 0]);
}

const PRESET = { set: 0x03, goto: 0x07 } as const;

/** Presets count from 0 to 254, as on the wire. Which command clears one is in no list that could be read: there is none here. */
export function samsungTPreset(camera: number, act: keyof typeof PRESET, preset: number): Buffer {
  return to(camera, PRESET[act], [preset, 0, 0, 0]);
}

/** What the manual calls brighter and darker is the iris. */
const LENS = { 'focus-far': 0x01, 'focus-near': 0x02, 'iris-close': 0x08, 'iris-open': 0x10 } as const;

/** Turns the lens until stopped. */
export function samsungTLens(camera: number, act: keyof typeof LENS): Buffer {
  return to(camera, 0, [0, 0, act.startsWith('focus') ? FOCUS_SPEED : 0, 0], LENS[act]);
}

function sumOf(bytes: Uint8Array, start: number): number {
  let sum = 0;
  for (let at = start + 1; at < start + END_AT; at += 1) sum += bytes[at] ?? 0;
  return ~sum & 0xff;
}

/** Finds frames in a stream of bytes that may begin anywhere and carry noise. Never throws; keeps at most 10 bytes. */
export class SamsungTDecoder {
  #kept: Buffer = Buffer.alloc(0);

  /** Frames completed by these bytes, oldest first. */
  push(bytes: Uint8Array): readonly SamsungTCommand[] {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const found: SamsungTCommand[] = [];
    let at = 0;
    while (all.length - at >= SAMSUNG_T_BYTES) {
      if (all[at] === START && all[at + END_AT] === END && all[at + SAMSUNG_T_BYTES - 1] === sumOf(all, at)) {
        found.push(commandAt(all, at));
        at += SAMSUNG_T_BYTES;
      } else {
        at += 1;
      }
    }
    this.#kept = Buffer.from(all.subarray(at));
    return found;
  }
}

function commandAt(bytes: Uint8Array, at: number): SamsungTCommand {
  const field = (offset: number): number => bytes[at + offset] ?? 0;
  return { camera: field(1), host: field(2), command1: field(3), command2: field(4), data: [field(5), field(6), field(7), field(8)] };
}
