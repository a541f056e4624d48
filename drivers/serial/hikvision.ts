/**
 * Hikvision's own protocol, which its older domes come with: `B5 address command data1 data2 data3 data4 sum`, sum being that of bytes 1 to 7 modulo 256;
 * 8N1, mostly at 9600 or 2400 baud. Commands and the four fields are those of the "HD Zoom Camera Module Technical Manual" (HikRobot, V1.0, 3.3.3). That
 * manual prints its examples with one zero byte fewer than its own field list has; programs that speak to such domes send eight bytes, and the sum is the
 * same either way. No dome answers. Pure.
 */
import type { PtzVelocity } from '../port.js';

/** Length of every frame. */
export const HIKVISION_BYTES = 8;
const START = 0xb5;
const TOP_SPEED = 0x3f;
/** Below this an axis is meant to stand still. */
const DEAD_ZONE = 0.01;

/** One frame without start and sum. */
export interface HikvisionCommand {
  readonly address: number;
  readonly command: number;
  readonly data: readonly [number, number, number, number];
}

const COMMANDS = {
  up: 0x06,
  down: 0x07,
  right: 0x08,
  left: 0x09,
  'left-up': 0x0a,
  'left-down': 0x0b,
  'right-up': 0x0c,
  'right-down': 0x0d,
  'iris-close': 0x0e,
  'iris-open': 0x0f,
  'focus-near': 0x10,
  'focus-far': 0x11,
  wide: 0x12,
  tele: 0x13,
  stop: 0x14,
  set: 0x15,
  clear: 0x16,
  goto: 0x17,
} as const;

/** What a frame tells a dome to do. */
export type HikvisionAct = keyof typeof COMMANDS;

/** Bytes of a frame; every field is cut to 8 bits. */
export function encodeHikvision({ address, command, data }: HikvisionCommand): Buffer {
  const frame = Buffer.from([START, address, command, ...data, 0]);
  frame[HIKVISION_BYTES - 1] = sumOf(frame, 0);
  return frame;
}

/** Whether a number can be a dome's address. */
export function isHikvisionAddress(address: number): boolean {
  return Number.isInteger(address) && address >= 1 && address <= 255;
}

function tell(address: number, act: HikvisionAct, data1 = 0, data2 = 0): Buffer {
  return encodeHikvision({ address, command: COMMANDS[act], data: [data1, data2, 0, 0] });
}

/**
 * Moves at a speed of -1..1 per axis; zoom has a direction only. All axes at rest is the stop frame. A frame knows either a direction or the zoom: both are
 * two frames, behind a stop, so that what ran before does not go on beside them.
 */
export function hikvisionMove(address: number, velocity: PtzVelocity): Buffer {
  const [pan, tilt, zoom] = [axis(velocity.pan), axis(velocity.tilt), axis(velocity.zoom)];
  const across = pan > 0 ? 'right' : pan < 0 ? 'left' : undefined;
  const along = tilt > 0 ? 'up' : tilt < 0 ? 'down' : undefined;
  const way = across !== undefined && along !== undefined ? (`${across}-${along}` as const) : (across ?? along);
  const frames = [hikvisionStop(address)];
  if (way !== undefined) frames.push(tell(address, way, Math.abs(tilt), Math.abs(pan)));
  if (zoom !== 0) frames.push(tell(address, zoom > 0 ? 'tele' : 'wide'));
  return Buffer.concat(frames);
}

/** Ends every movement. */
export function hikvisionStop(address: number): Buffer {
  return tell(address, 'stop');
}

/** Presets count from 1 to 255; some numbers are menus of the dome. */
export function hikvisionPreset(address: number, act: 'set' | 'clear' | 'goto', preset: number): Buffer {
  return tell(address, act, preset);
}

/** Turns the lens until stopped. */
export function hikvisionLens(address: number, act: 'focus-near' | 'focus-far' | 'iris-open' | 'iris-close'): Buffer {
  return tell(address, act);
}

/** The act that a frame tells; undefined for one that we do not know. */
export function hikvisionAct({ command }: HikvisionCommand): HikvisionAct | undefined {
  return (Object.keys(COMMANDS) as HikvisionAct[]).find((act) => COMMANDS[act] === command);
}

/** -63..63; NaN counts as rest. */
function axis(speed: number): number {
  if (!(Math.abs(speed) >= DEAD_ZONE)) return 0;
  return Math.sign(speed) * Math.max(1, Math.round(Math.min(1, Math.abs(speed)) * TOP_SPEED));
}

function sumOf(bytes: Uint8Array, start: number): number {
  let sum = 0;
  for (let at = start; at < start + HIKVISION_BYTES - 1; at += 1) sum += bytes[at] ?? 0;
  return sum & 0xff;
}

/** Finds frames in a stream of bytes that may begin anywhere and carry noise. Never throws; keeps at most 7 bytes. */
export class HikvisionDecoder {
  #kept: Buffer = Buffer.alloc(0);

  /** Frames completed by these bytes, oldest first. */
  push(bytes: Uint8Array): readonly HikvisionCommand[] {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const found: HikvisionCommand[] = [];
    let at = 0;
    while (all.length - at >= HIKVISION_BYTES) {
      if (all[at] === START && all[at + HIKVISION_BYTES - 1] === sumOf(all, at)) {
        found.push(commandAt(all, at));
        at += HIKVISION_BYTES;
      } else {
        at += 1;
      }
    }
    this.#kept = Buffer.from(all.subarray(at));
    return found;
  }
}

function commandAt(bytes: Uint8Array, at: number): HikvisionCommand {
  const field = (offset: number): number => bytes[at + offset] ?? 0;
  return { address: field(1), command: field(2), data: [field(3), field(4), field(5), field(6)] };
}
