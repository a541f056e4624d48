/**
 * VISCA, Sony's control language for cameras: `8x ... FF`, 3 to 16 bytes, x being the camera (1 to 7; 8 is everybody); 9600 8N1, up to 38400.
 * The camera answers `z0 ... FF`, z being its number and 8: `z0 4y FF` taken (ACK), `z0 5y FF` done, `z0 50 ... FF` an answer, `z0 6y ee FF`
 * refused, y being one of its two sockets. Pure. Checked against the command lists of EVI-H100S, SRG-300H and ILME-FR7.
 */
import type { PtzVelocity } from '../port.js';

const END = 0xff;
/** Longest message, header and end included. */
export const VISCA_BYTES = 16;
const TOP_PAN = 0x18;
const TOP_TILT = 0x14;
const TOP_ZOOM = 7;
const DEAD_ZONE = 0.01;

/** Whether a number can be a camera's address. */
export function isViscaAddress(address: number): boolean {
  return Number.isInteger(address) && address >= 1 && address <= 7;
}

function to(address: number, ...bytes: readonly number[]): Buffer {
  return Buffer.from([0x80 | address, ...bytes, END]);
}

/** Asks every camera in the chain to number itself; comes back as `88 30 0w FF`, w being one more than there are cameras. */
export const VISCA_ADDRESS_SET = Buffer.from([0x88, 0x30, 0x01, END]);
/** Empties the sockets of every camera; comes back as it was sent. */
export const VISCA_CLEAR = Buffer.from([0x88, 0x01, 0x00, 0x01, END]);

/** Pan and tilt at a speed of -1..1; both at rest is the stop. */
export function viscaDrive(address: number, velocity: Pick<PtzVelocity, 'pan' | 'tilt'>): Buffer {
  const pan = axis(velocity.pan, TOP_PAN);
  const tilt = axis(velocity.tilt, TOP_TILT);
  const across = pan < 0 ? 1 : pan > 0 ? 2 : 3;
  const along = tilt > 0 ? 1 : tilt < 0 ? 2 : 3;
  return to(address, 0x01, 0x06, 0x01, Math.max(1, Math.abs(pan)), Math.max(1, Math.abs(tilt)), across, along);
}

/** Zoom at a speed of -1..1, tele being positive; 0 stops. */
export function viscaZoom(address: number, speed: number): Buffer {
  const step = axis(speed, TOP_ZOOM);
  return to(address, 0x01, 0x04, 0x07, step === 0 ? 0x00 : (step > 0 ? 0x20 : 0x30) | Math.abs(step));
}

/** Ends every movement: pan and tilt, then zoom, as two messages. */
export function viscaStop(address: number): Buffer {
  return Buffer.concat([viscaDrive(address, { pan: 0, tilt: 0 }), viscaZoom(address, 0)]);
}

const MEMORY = { clear: 0x00, set: 0x01, goto: 0x02 } as const;

/** Memories count from 0 on the wire, to 15 or 255 by model. */
export function viscaMemory(address: number, act: keyof typeof MEMORY, memory: number): Buffer {
  return to(address, 0x01, 0x04, 0x3f, MEMORY[act], memory & 0x7f);
}

/** Looks straight ahead. */
export function viscaHome(address: number): Buffer {
  return to(address, 0x01, 0x06, 0x04);
}

const FOCUS = { stop: 0x00, far: 0x02, near: 0x03, auto: -1 } as const;

/** Turns the lens until stopped; `auto` gives it back to the camera (`8x 01 04 38 02 FF`). */
export function viscaFocus(address: number, act: keyof typeof FOCUS): Buffer {
  return act === 'auto' ? to(address, 0x01, 0x04, 0x38, 0x02) : to(address, 0x01, 0x04, 0x08, FOCUS[act]);
}

/** Zooms to 0..1 of the optical range, which is 0 to 4000 hex in every list. */
export function viscaZoomTo(address: number, ratio: number): Buffer {
  return to(address, 0x01, 0x04, 0x47, ...nibbles(Math.round(Math.max(0, Math.min(1, ratio)) * VISCA_ZOOM_MAX)));
}

/** Full optical zoom. */
export const VISCA_ZOOM_MAX = 0x4000;

/** Moves by steps of the motor from where the camera looks, or to a position counted so. Positive is right and up. */
export function viscaPosition(
  address: number,
  kind: 'absolute' | 'relative',
  steps: { readonly pan: number; readonly tilt: number },
): Buffer {
  return to(address, 0x01, 0x06, kind === 'absolute' ? 0x02 : 0x03, TOP_PAN, TOP_TILT, ...nibbles(steps.pan), ...nibbles(steps.tilt));
}

/** Gives up what runs in a socket. */
export function viscaCancel(address: number, socket: number): Buffer {
  return to(address, 0x20 | (socket & 0x0f));
}

const INQUIRY = { version: [0x00, 0x02], power: [0x04, 0x00], zoom: [0x04, 0x47], position: [0x06, 0x12], focus: [0x04, 0x38] } as const;

/** Asks the camera something; the answer is `z0 50 ... FF`, without an ACK. */
export function viscaInquiry(address: number, what: keyof typeof INQUIRY): Buffer {
  return to(address, 0x09, ...INQUIRY[what]);
}

/** Reads four half bytes as a signed number, the way positions travel. */
export function viscaNumber(data: Uint8Array, at: number): number | undefined {
  if (data.length < at + 4) return undefined;
  let value = 0;
  for (const half of data.subarray(at, at + 4)) value = value * 16 + (half & 0x0f);
  return value >= 0x8000 ? value - 0x10000 : value;
}

function nibbles(value: number): readonly number[] {
  return [12, 8, 4, 0].map((shift) => (value >> shift) & 0x0f);
}

/** NaN counts as rest. */
function axis(speed: number, top: number): number {
  if (!(Math.abs(speed) >= DEAD_ZONE)) return 0;
  return Math.sign(speed) * Math.max(1, Math.round(Math.min(1, Math.abs(speed)) * top));
}

/** Why a camera refused. */
export type ViscaRefusal = 'length' | 'syntax' | 'full' | 'cancelled' | 'no-socket' | 'not-executable' | 'unknown';

const REFUSALS: Readonly<Record<number, ViscaRefusal>> = {
  1: 'length',
  2: 'syntax',
  3: 'full',
  4: 'cancelled',
  5: 'no-socket',
  65: 'not-executable',
};

/** One message as it means; `camera` 1 to 7, `socket` 0 where none is named. */
export type ViscaMessage =
  | { readonly kind: 'ack' | 'done'; readonly camera: number; readonly socket: number }
  | { readonly kind: 'answer'; readonly camera: number; readonly data: Uint8Array }
  | { readonly kind: 'refused'; readonly camera: number; readonly socket: number; readonly reason: ViscaRefusal }
  /** The chain changed: every camera must be numbered anew. */
  | { readonly kind: 'network-change'; readonly camera: number }
  /** `next` is one more than the cameras in the chain. */
  | { readonly kind: 'address-set'; readonly next: number }
  | { readonly kind: 'clear' }
  | { readonly kind: 'command' | 'inquiry'; readonly camera: number; readonly data: Uint8Array }
  | { readonly kind: 'cancel'; readonly camera: number; readonly socket: number }
  | { readonly kind: 'other'; readonly bytes: Uint8Array };

/** What one message (header to FF) means. Never throws. */
export function readVisca(bytes: Uint8Array): ViscaMessage {
  const [header = 0, first = 0] = bytes;
  const other: ViscaMessage = { kind: 'other', bytes };
  if (bytes.length < 3 || bytes.length > VISCA_BYTES || bytes.at(-1) !== END) return other;
  if (header >= 0x90 && (header & 0x0f) === 0) return readReply(((header >> 4) & 0x0f) - 8, bytes) ?? other;
  if (header === 0x88 && first === 0x30 && bytes.length === 4) return { kind: 'address-set', next: bytes[2] ?? 0 };
  if (header === 0x88 && Buffer.compare(bytes, VISCA_CLEAR) === 0) return { kind: 'clear' };
  if (header < 0x81 || header > 0x88) return other;
  const camera = header & 0x0f;
  if ((first & 0xf0) === 0x20 && bytes.length === 3) return { kind: 'cancel', camera, socket: first & 0x0f };
  if (first !== 0x01 && first !== 0x09) return other;
  return { kind: first === 0x01 ? 'command' : 'inquiry', camera, data: Uint8Array.from(bytes.subarray(2, -1)) };
}

function readReply(camera: number, bytes: Uint8Array): ViscaMessage | undefined {
  const first = bytes[1] ?? 0;
  const socket = first & 0x0f;
  if (bytes.length === 3 && first === 0x38) return { kind: 'network-change', camera };
  if (bytes.length === 3 && first >> 4 === 4) return { kind: 'ack', camera, socket };
  if (bytes.length === 3 && first >> 4 === 5) return { kind: 'done', camera, socket };
  if (bytes.length > 3 && first >> 4 === 5) return { kind: 'answer', camera, data: Uint8Array.from(bytes.subarray(2, -1)) };
  if (bytes.length === 4 && first >> 4 === 6) return { kind: 'refused', camera, socket, reason: REFUSALS[bytes[2] ?? 0] ?? 'unknown' };
  return undefined;
}

/** Whether two bytes begin a message. Nothing inside one looks so, except by a rare chance: fields are half bytes and small numbers. */
function isStart(header: number, next: number): boolean {
  const high = next >> 4;
  if (header === 0x88) return next === 0x30 || next === 0x01 || high === 2;
  if (header > 0x80 && header < 0x88) return next === 0x01 || next === 0x09 || high === 2;
  return header >= 0x90 && header < END && (header & 0x0f) === 0 && (next === 0x38 || high === 4 || high === 5 || high === 6);
}

/**
 * Finds messages in a stream of bytes: each ends with FF, and begins with the last bytes before it that can be a beginning, so that lost ends and
 * noise cost only themselves. Never throws; keeps at most 16 bytes.
 */
export class ViscaDecoder {
  #kept: number[] = [];

  /** Whole messages completed by these bytes, header to FF, oldest first. */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    const found: Uint8Array[] = [];
    for (const byte of bytes) {
      this.#kept.push(byte);
      if (byte === END) {
        const message = lastMessage(this.#kept);
        if (message !== undefined) found.push(message);
        this.#kept = [];
      } else if (this.#kept.length >= VISCA_BYTES) {
        this.#kept.shift();
      }
    }
    return found;
  }
}

function lastMessage(bytes: readonly number[]): Uint8Array | undefined {
  for (let at = bytes.length - 3; at >= 0; at -= 1) {
    if (isStart(bytes[at] ?? 0, bytes[at + 1] ?? 0)) return Uint8Array.from(bytes.slice(at));
  }
  return undefined;
}
