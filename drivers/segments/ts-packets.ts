/** MPEG transport streams (ISO/IEC 13818-1) as far as one video stream in them is read. Pure: no I/O. */

export const TS_PACKET_BYTES = 188;
const SYNC = 0x47;
/** 90 kHz counter of 33 bits. */
const PTS_WRAP = 2 ** 33;

/** Stream types of table 2-34 that are read. */
const TYPES: Readonly<Record<number, 'H264' | 'H265'>> = { 27: 'H264', 36: 'H265' };

/** The video of the first program, once its tables have come by. */
export interface TsVideo {
  readonly pid: number;
  readonly codec: 'H264' | 'H265';
}

/** One packet of a transport stream: its stream and payload. */
export interface TsPacket {
  readonly pid: number;
  /** A PES packet or table begins here. */
  readonly isStart: boolean;
  /** Range of the payload; empty for packets without one. */
  readonly start: number;
  readonly end: number;
}

/** The packet at `at`; undefined when there is none (no sync byte, or scrambled). */
export function readTsPacket(bytes: Buffer, at: number): TsPacket | undefined {
  if (at + TS_PACKET_BYTES > bytes.length || bytes[at] !== SYNC) return undefined;
  const control = bytes[at + 3] ?? 0;
  if (control >> 6 !== 0) return undefined;
  const end = at + TS_PACKET_BYTES;
  const adaptation = (control & 0x20) === 0 ? 0 : 1 + (bytes[at + 4] ?? 0);
  const hasPayload = (control & 0x10) !== 0;
  const start = hasPayload ? Math.min(end, at + 4 + adaptation) : end;
  return { pid: bytes.readUInt16BE(at + 1) & 0x1fff, isStart: ((bytes[at + 1] ?? 0) & 0x40) !== 0, start, end };
}

/** The section of a table that begins in this packet, header included; tables longer than a packet are not read. */
function section(bytes: Buffer, { isStart, start, end }: TsPacket, tableId: number): Buffer | undefined {
  if (!isStart || start >= end) return undefined;
  const from = start + 1 + (bytes[start] ?? 0);
  if (from + 3 > end || bytes[from] !== tableId) return undefined;
  const to = from + 3 + (bytes.readUInt16BE(from + 1) & 0x0fff);
  return to <= end ? bytes.subarray(from, to) : undefined;
}

/** PID of the first program's table (PAT); undefined when this packet does not tell. */
export function readPat(bytes: Buffer, packet: TsPacket): number | undefined {
  const table = packet.pid === 0 ? section(bytes, packet, 0) : undefined;
  for (let at = 8; table !== undefined && at + 8 <= table.length; at += 4)
    if (table.readUInt16BE(at) !== 0) return table.readUInt16BE(at + 2) & 0x1fff;
  return undefined;
}

/** The video of a program (PMT); undefined when this packet does not tell or there is none. */
export function readPmt(bytes: Buffer, packet: TsPacket): TsVideo | undefined {
  const table = section(bytes, packet, 2);
  if (table === undefined || table.length < 16) return undefined;
  for (let at = 12 + (table.readUInt16BE(10) & 0x0fff); at + 9 <= table.length; at += 5 + (table.readUInt16BE(at + 3) & 0x0fff)) {
    const codec = TYPES[table[at] ?? 0];
    if (codec !== undefined) return { pid: table.readUInt16BE(at + 1) & 0x1fff, codec };
  }
  return undefined;
}

/** Time stamp (90 kHz) and length of the header of a PES packet that begins at `start`; undefined when it has none. */
export function readPes(bytes: Buffer, start: number, end: number): { pts: number; headBytes: number } | undefined {
  if (end - start < 14 || bytes.readUIntBE(start, 3) !== 1) return undefined;
  const headBytes = 9 + (bytes[start + 8] ?? 0);
  if (((bytes[start + 7] ?? 0) & 0x80) === 0 || start + headBytes > end) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = bytes.subarray(start + 9, start + 14);
  const pts = ((a >> 1) & 7) * 2 ** 30 + ((b << 7) | (c >> 1)) * 2 ** 15 + ((d << 7) | (e >> 1));
  return { pts, headBytes };
}

/** Ticks from one time stamp to another, over the counter's wrap. */
export function ptsSince(first: number, pts: number): number {
  const away = (((pts - first) % PTS_WRAP) + PTS_WRAP) % PTS_WRAP;
  return away > PTS_WRAP / 2 ? away - PTS_WRAP : away;
}
