/**
 * Whether an RTP packet begins a picture that needs no other, by its payload's first NAL units (RFC 6184, RFC 7798). Pure; only enough to see in a
 * test that whole pictures come.
 */

const RTP_HEADER_BYTES = 12;

/** First byte of the payload, or `end` for a packet that has none (RFC 3550, section 5.1). */
function payloadStart(buffer: Uint8Array, start: number, end: number): number {
  const first = buffer[start] ?? 0;
  let at = start + RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) at += 4 + 4 * (((buffer[at + 2] ?? 0) << 8) | (buffer[at + 3] ?? 0));
  return Math.min(at, end);
}

const H264 = { idr: 5, stapA: 24, fuA: 28 } as const;

function isH264Key(buffer: Uint8Array, from: number, end: number): boolean {
  const type = (buffer[from] ?? 0) & 0x1f;
  if (type === H264.idr) return true;
  if (type === H264.fuA) return ((buffer[from + 1] ?? 0) & 0x1f) === H264.idr;
  if (type !== H264.stapA) return false;
  for (let at = from + 1; at + 2 < end; ) {
    if (((buffer[at + 2] ?? 0) & 0x1f) === H264.idr) return true;
    at += 2 + (((buffer[at] ?? 0) << 8) | (buffer[at + 1] ?? 0));
  }
  return false;
}

const H265 = { firstKey: 16, lastKey: 21, aggregate: 48, fragment: 49 } as const;

function isH265Key(buffer: Uint8Array, from: number, end: number): boolean {
  const isKey = (type: number): boolean => type >= H265.firstKey && type <= H265.lastKey;
  const typeAt = (at: number): number => ((buffer[at] ?? 0) >> 1) & 0x3f;
  const type = typeAt(from);
  if (type === H265.fragment) return isKey((buffer[from + 2] ?? 0) & 0x3f);
  if (type !== H265.aggregate) return isKey(type);
  for (let at = from + 2; at + 2 < end; ) {
    if (isKey(typeAt(at + 2))) return true;
    at += 2 + (((buffer[at] ?? 0) << 8) | (buffer[at + 1] ?? 0));
  }
  return false;
}

/** `buffer` from `start` to `end` is one RTP packet of this codec. */
export function beginsPicture(codec: 'H264' | 'H265', buffer: Uint8Array, start: number, end: number): boolean {
  const from = payloadStart(buffer, start, end);
  if (from >= end) return false;
  return codec === 'H264' ? isH264Key(buffer, from, end) : isH265Key(buffer, from, end);
}
