/** The box structure of ISO base media files (ISO/IEC 14496-12, 4.2). Pure; throws DriverError `footage.broken` on anything that does not add up. */
import { DriverError } from '../port.js';

/** One box inside a buffer: where its payload lies. */
export interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** More boxes side by side than any recorder writes into one parent. */
const MAX_BOXES = 4096;

/** A file that cannot be read as what it claims to be. */
export const broken = (why: string, detail?: Readonly<Record<string, unknown>>): DriverError =>
  new DriverError('footage.broken', `The recording cannot be read: ${why}.`, detail === undefined ? {} : { detail });

/** Type, payload offset and size of the box whose header lies at `at`; undefined when the header itself is cut. `size` 0: up to the end. */
export function boxHead(bytes: Buffer, at: number, end: number): { type: string; headBytes: number; size: number } | undefined {
  if (end - at < 8) return undefined;
  const size = bytes.readUInt32BE(at);
  const type = bytes.toString('latin1', at + 4, at + 8);
  if (size !== 1) return { type, headBytes: 8, size };
  if (end - at < 16) return undefined;
  const long = bytes.readBigUInt64BE(at + 8);
  if (long > BigInt(Number.MAX_SAFE_INTEGER)) throw broken('a box is larger than any file');
  return { type, headBytes: 16, size: Number(long) };
}

/** The boxes of a range, in order. */
export function boxesIn(bytes: Buffer, start: number, end: number): readonly Box[] {
  const boxes: Box[] = [];
  let at = start;
  while (at < end) {
    const head = boxHead(bytes, at, end);
    // Some writers end a container with a few zero bytes (QuickTime).
    if (head === undefined) break;
    const size = head.size === 0 ? end - at : head.size;
    if (size < head.headBytes || at + size > end) throw broken('a box ends outside of its parent');
    if (boxes.length >= MAX_BOXES) throw broken('it has too many boxes');
    boxes.push({ type: head.type, start: at + head.headBytes, end: at + size });
    at += size;
  }
  return boxes;
}

/** The first box of a type in a range. */
export function boxIn(bytes: Buffer, parent: Pick<Box, 'start' | 'end'>, type: string): Box | undefined {
  return boxesIn(bytes, parent.start, parent.end).find((box) => box.type === type);
}

/** Version and flags of a full box, and where its own fields begin. */
export function fullBox(bytes: Buffer, box: Box, leastBytes: number): { version: number; flags: number; at: number } {
  if (box.end - box.start < 4 + leastBytes) throw broken(`its ${box.type} is cut short`);
  return { version: bytes[box.start] ?? 0, flags: bytes.readUIntBE(box.start + 1, 3), at: box.start + 4 };
}

/** A 64-bit number that must fit into a double. */
export function long(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64BE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw broken('a number is out of range');
  return Number(value);
}

/** The number of entries of a table, if so many fit into the box. */
export function entryCount(bytes: Buffer, box: Box, at: number, entryBytes: number): number {
  if (at + 4 > box.end) throw broken(`its ${box.type} is cut short`);
  const count = bytes.readUInt32BE(at);
  if (count * entryBytes > box.end - at - 4) throw broken(`its ${box.type} promises more than it holds`);
  return count;
}
