/** What the gate needs of an RTP packet (RFC 3550 5.1) inside a larger buffer; offsets are into that buffer. Pure file. */
export interface RtpView {
  marker: boolean;
  sequence: number;
  timestamp: number;
  /** The payload without extension and padding. */
  start: number;
  end: number;
}

/** The fixed part of the header; ours never has more. */
export const RTP_HEADER_BYTES = 12;

/**
 * Reads the packet at [start, end) into `into` (reused: no allocation per packet). False when it is no usable RTP packet; an
 * empty payload is not usable.
 */
export function readRtp(bytes: Uint8Array, start: number, end: number, into: RtpView): boolean {
  if (end - start <= RTP_HEADER_BYTES) return false;
  const head = bytes[start] ?? 0;
  if (head >> 6 !== 2) return false;
  let payload = start + RTP_HEADER_BYTES + 4 * (head & 0x0f);
  if ((head & 0x10) !== 0) {
    if (payload + 4 > end) return false;
    payload += 4 + 4 * uint16(bytes, payload + 2);
  }
  const padding = (head & 0x20) === 0 ? 0 : (bytes[end - 1] ?? 0);
  const to = end - padding;
  // Padding counts its own length byte, so it is never 0.
  if (payload >= to || ((head & 0x20) !== 0 && padding === 0)) return false;
  into.marker = ((bytes[start + 1] ?? 0) & 0x80) !== 0;
  into.sequence = uint16(bytes, start + 2);
  into.timestamp = (uint16(bytes, start + 4) * 0x1_0000 + uint16(bytes, start + 6)) >>> 0;
  into.start = payload;
  into.end = to;
  return true;
}

const uint16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
