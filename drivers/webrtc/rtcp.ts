/**
 * Whether a (compound) RTCP packet asks for an intra picture of `ssrc`: PLI (RFC 4585 6.3.1) or FIR (RFC 5104 4.3.1). Broken
 * packets ask for nothing. Pure.
 */
export function asksForPicture(packet: Uint8Array, ssrc: number): boolean {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  let at = 0;
  while (at + 4 <= packet.byteLength) {
    const head = view.getUint8(at);
    const end = at + 4 * (view.getUint16(at + 2) + 1);
    if (head >> 6 !== 2 || end > packet.byteLength) return false;
    const format = head & 0x1f;
    if (view.getUint8(at + 1) === 206) {
      if (format === 1 && end - at >= 12 && view.getUint32(at + 8) === ssrc) return true;
      // FIR names its targets in entries of 8 bytes behind the two SSRCs.
      for (let entry = at + 12; format === 4 && entry + 8 <= end; entry += 8) if (view.getUint32(entry) === ssrc) return true;
    }
    at = end;
  }
  return false;
}
