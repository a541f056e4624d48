/**
 * VISCA over IP (Sony): each message in one UDP datagram to port 52381 with eight bytes before it: payload type, length, sequence number, each
 * big-endian. The camera's address is always 1. Pure.
 */

/** Where cameras listen. */
export const VISCA_IP_PORT = 52_381;
const HEADER_BYTES = 8;
const MAX_PAYLOAD_BYTES = 16;

const TYPES = {
  command: 0x0100,
  inquiry: 0x0110,
  reply: 0x0111,
  'device-setting': 0x0120,
  control: 0x0200,
  'control-reply': 0x0201,
} as const;

/** What a datagram carries. */
export type ViscaIpType = keyof typeof TYPES;

/** One datagram. */
export interface ViscaIpPacket {
  readonly type: ViscaIpType;
  /** 0 to 2^32-1. */
  readonly sequence: number;
  /** 1 to 16 bytes. */
  readonly payload: Uint8Array;
}

/** Bytes of a datagram; the sequence number is cut to 32 bits. */
export function encodeViscaIp({ type, sequence, payload }: ViscaIpPacket): Buffer {
  const out = Buffer.alloc(HEADER_BYTES + payload.length);
  out.writeUInt16BE(TYPES[type], 0);
  out.writeUInt16BE(payload.length, 2);
  out.writeUInt32BE(sequence >>> 0, 4);
  out.set(payload, HEADER_BYTES);
  return out;
}

/** Reads a datagram; undefined for anything that is none. Never throws. Bytes behind the told length are left alone. */
export function decodeViscaIp(bytes: Buffer): ViscaIpPacket | undefined {
  if (bytes.length < HEADER_BYTES + 1) return undefined;
  const code = bytes.readUInt16BE(0);
  const length = bytes.readUInt16BE(2);
  const type = (Object.keys(TYPES) as ViscaIpType[]).find((name) => TYPES[name] === code);
  if (type === undefined || length < 1 || length > MAX_PAYLOAD_BYTES || bytes.length < HEADER_BYTES + length) return undefined;
  return { type, sequence: bytes.readUInt32BE(4), payload: Uint8Array.from(bytes.subarray(HEADER_BYTES, HEADER_BYTES + length)) };
}

/** Control command that makes the camera begin to count anew. */
export const VISCA_IP_RESET = Uint8Array.of(0x01);

/** What a control reply says: `reset` done, or what was wrong with ours. */
export function readControlReply(payload: Uint8Array): 'reset' | 'bad-sequence' | 'bad-message' | 'unknown' {
  if (payload[0] === 0x01) return 'reset';
  if (payload[0] === 0x0f && payload[1] === 0x01) return 'bad-sequence';
  if (payload[0] === 0x0f && payload[1] === 0x02) return 'bad-message';
  return 'unknown';
}
