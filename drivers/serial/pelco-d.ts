/**
 * Pelco-D, the frames of older pan/tilt/zoom cameras: `FF address command1 command2 data1 data2 sum`, sum being bytes 2 to 6 modulo
 * 256; 8N1 at 2400, 4800 or 9600 baud; addresses count from 1. Pure. Checked against vectors of two independent encoders.
 */
import type { PtzVelocity } from '../port.js';

/** Length of every frame. */
export const PELCO_D_BYTES = 7;
const SYNC = 0xff;
/** 0x40 would be "turbo", which not every head takes. */
const TOP_SPEED = 0x3f;
/** Below this an axis is meant to stand still. */
const DEAD_ZONE = 0.01;

const RIGHT = 0x02;
const LEFT = 0x04;
const UP = 0x08;
const DOWN = 0x10;
const TELE = 0x20;
const WIDE = 0x40;

/** One frame without its sync byte and sum. */
export interface PelcoDCommand {
  readonly address: number;
  readonly command1: number;
  readonly command2: number;
  readonly data1: number;
  readonly data2: number;
}

/** Bytes of a frame; every field is cut to 8 bits. */
export function encodePelcoD(command: PelcoDCommand): Buffer {
  const { address, command1, command2, data1, data2 } = command;
  const frame = Buffer.from([SYNC, address, command1, command2, data1, data2, 0]);
  frame[PELCO_D_BYTES - 1] = sumOf(frame, 0);
  return frame;
}

/** Whether a number can be a Pelco-D address. */
export function isPelcoDAddress(address: number): boolean {
  return Number.isInteger(address) && address >= 1 && address <= 254;
}

/** Moves at a speed of -1..1 per axis; zoom has a direction only. All axes at rest is the stop frame. */
export function pelcoDMove(address: number, velocity: PtzVelocity): Buffer {
  const pan = axis(velocity.pan);
  const tilt = axis(velocity.tilt);
  const zoom = axis(velocity.zoom);
  const command2 = (pan > 0 ? RIGHT : pan < 0 ? LEFT : 0) | (tilt > 0 ? UP : tilt < 0 ? DOWN : 0) | (zoom > 0 ? TELE : zoom < 0 ? WIDE : 0);
  return encodePelcoD({ address, command1: 0, command2, data1: Math.abs(pan), data2: Math.abs(tilt) });
}

/** Ends every movement. */
export function pelcoDStop(address: number): Buffer {
  return encodePelcoD({ address, command1: 0, command2: 0, data1: 0, data2: 0 });
}

const PRESET = { set: 0x03, clear: 0x05, goto: 0x07 } as const;

/** Presets count from 1 to 255; some numbers are menus of the camera. */
export function pelcoDPreset(address: number, act: keyof typeof PRESET, preset: number): Buffer {
  return encodePelcoD({ address, command1: 0, command2: PRESET[act], data1: 0, data2: preset });
}

/** Relay outputs of the head (wiper, light). */
export function pelcoDAuxiliary(address: number, act: 'on' | 'off', output: number): Buffer {
  return encodePelcoD({ address, command1: 0, command2: act === 'on' ? 0x09 : 0x0b, data1: 0, data2: output });
}

const LENS = {
  'focus-near': [0x01, 0x00],
  'focus-far': [0x00, 0x80],
  'iris-open': [0x02, 0x00],
  'iris-close': [0x04, 0x00],
} as const;

/** Turns the lens until stopped. */
export function pelcoDLens(address: number, act: keyof typeof LENS): Buffer {
  const [command1, command2] = LENS[act];
  return encodePelcoD({ address, command1, command2, data1: 0, data2: 0 });
}

const QUERY = { pan: 0x51, tilt: 0x53, zoom: 0x55 } as const;
const GO = { pan: 0x4b, tilt: 0x4d, zoom: 0x4f } as const;
/** A reply's opcode is that of its query and eight. */
const REPLY_OFFSET = 8;

/** What a head can be asked for and sent to: hundredths of a degree for pan (0 to 35999) and tilt (below the horizon 0 to 9000, above it 27000 to 35999), 0..65535 for zoom. */
export type PelcoAxis = keyof typeof QUERY;

/** Asks where the head looks. */
export function pelcoDQuery(address: number, which: PelcoAxis): Buffer {
  return encodePelcoD({ address, command1: 0, command2: QUERY[which], data1: 0, data2: 0 });
}

/** Sends one axis to a position. */
export function pelcoDGo(address: number, which: PelcoAxis, value: number): Buffer {
  return encodePelcoD({ address, command1: 0, command2: GO[which], data1: value >> 8, data2: value });
}

/** A position that a frame tells, or undefined when it is no reply. */
export function pelcoDPosition(frame: PelcoDCommand): { readonly which: PelcoAxis; readonly value: number } | undefined {
  for (const which of ['pan', 'tilt', 'zoom'] as const) {
    if (frame.command1 === 0 && frame.command2 === QUERY[which] + REPLY_OFFSET) return { which, value: frame.data1 * 256 + frame.data2 };
  }
  return undefined;
}

/** What a head answered to one frame. `alarms`: one bit for each alarm input. */
export type PelcoDReply =
  | { readonly kind: 'position'; readonly which: PelcoAxis; readonly value: number }
  | { readonly kind: 'general'; readonly alarms: number };

const GENERAL_BYTES = 4;
const MOST_KEPT = 64;

/**
 * Waits for the answer to one frame: an extended reply (7 bytes), or the general one, `FF address alarms sum`, where sum is that of the frame
 * that was sent and the alarms. Our own frame, echoed by a two-wire adapter, is neither.
 */
export class PelcoDReplyReader {
  readonly #sent: Uint8Array;
  readonly #decoder = new PelcoDDecoder();
  #kept: Buffer = Buffer.alloc(0);

  constructor(sent: Uint8Array) {
    this.#sent = sent;
  }

  /** The answer, as soon as it is complete. An extended reply wins over bytes that happen to look like a general one. */
  push(bytes: Uint8Array): PelcoDReply | undefined {
    this.#kept = Buffer.concat([this.#kept, bytes]).subarray(-MOST_KEPT);
    for (const frame of this.#decoder.push(bytes)) {
      const position = pelcoDPosition(frame);
      if (position !== undefined && frame.address === this.#sent[1]) return { kind: 'position', ...position };
    }
    return this.#general();
  }

  #general(): PelcoDReply | undefined {
    const sum = this.#sent[PELCO_D_BYTES - 1] ?? 0;
    for (let at = 0; at + GENERAL_BYTES <= this.#kept.length; at += 1) {
      const alarms = this.#kept[at + 2] ?? 0;
      const isOurs = this.#kept[at] === SYNC && this.#kept[at + 1] === this.#sent[1];
      if (isOurs && this.#kept[at + 3] === ((sum + alarms) & 0xff) && !this.#isEcho(at)) return { kind: 'general', alarms };
    }
    return undefined;
  }

  /** Whether what stands there may be our own frame coming back: then it is too early to tell. */
  #isEcho(at: number): boolean {
    return this.#sent.subarray(0, GENERAL_BYTES).every((byte, offset) => this.#kept[at + offset] === byte);
  }
}

/** -63..63; NaN counts as rest. */
function axis(speed: number): number {
  if (!(Math.abs(speed) >= DEAD_ZONE)) return 0;
  const bounded = Math.min(1, Math.abs(speed));
  return Math.sign(speed) * Math.max(1, Math.round(bounded * TOP_SPEED));
}

function sumOf(bytes: Uint8Array, start: number): number {
  let sum = 0;
  for (let at = start + 1; at < start + PELCO_D_BYTES - 1; at += 1) sum += bytes[at] ?? 0;
  return sum & 0xff;
}

/** Finds frames in a stream of bytes that may begin anywhere and carry noise. Never throws; keeps at most 6 bytes. */
export class PelcoDDecoder {
  #kept: Buffer = Buffer.alloc(0);

  /** Frames completed by these bytes, oldest first. */
  push(bytes: Uint8Array): readonly PelcoDCommand[] {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const found: PelcoDCommand[] = [];
    let at = 0;
    while (all.length - at >= PELCO_D_BYTES) {
      if (all[at] === SYNC && all[at + PELCO_D_BYTES - 1] === sumOf(all, at)) {
        found.push(commandAt(all, at));
        at += PELCO_D_BYTES;
      } else {
        at += 1;
      }
    }
    this.#kept = Buffer.from(all.subarray(at));
    return found;
  }
}

function commandAt(bytes: Uint8Array, at: number): PelcoDCommand {
  const field = (offset: number): number => bytes[at + offset] ?? 0;
  return { address: field(1), command1: field(2), command2: field(3), data1: field(4), data2: field(5) };
}
