/** What a viewer's RTCP says of one stream of ours. Pure. */

/** Taken out of one compound packet; what is not in it is empty or undefined. */
export interface Feedback {
  /** An intra picture is asked for: PLI (RFC 4585 6.3.1) or FIR (RFC 5104 4.3.1). */
  readonly wantsPicture: boolean;
  /** Sequence numbers asked for again (generic NACK, RFC 4585 6.2.1), as they stand there: repeated ones possible. */
  readonly missing: readonly number[];
  /** Share lost by the newest report block, 0..1 (RFC 3550 6.4.1). */
  readonly loss: number | undefined;
  /** Receiver estimated maximum bitrate, bits/s (draft-alvestrand-rmcat-remb-03). */
  readonly estimateBps: number | undefined;
}

type Found = { -readonly [Key in keyof Feedback]: Feedback[Key] };

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
const REMB = 0x52454d42;
const BLOCK_BYTES = 24;

/** Reads up to the first part that is broken; nothing is thrown. */
export function readFeedback(packet: Uint8Array, ssrc: number): Feedback {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const found: Found = { wantsPicture: false, missing: [], loss: undefined, estimateBps: undefined };
  let at = 0;
  while (at + 4 <= packet.byteLength) {
    const end = at + 4 * (view.getUint16(at + 2) + 1);
    if (view.getUint8(at) >> 6 !== 2 || end > packet.byteLength) return found;
    readPart(view, at, end, ssrc, found);
    at = end;
  }
  return found;
}

function readPart(view: DataView, at: number, end: number, ssrc: number, found: Found): void {
  const format = view.getUint8(at) & 0x1f;
  const type = view.getUint8(at + 1);
  if (type === RECEIVER_REPORT) readBlocks(view, at + 8, end, format, ssrc, found);
  else if (type === SENDER_REPORT) readBlocks(view, at + 28, end, format, ssrc, found);
  else if (type === TRANSPORT_FEEDBACK && format === 1) readMissing(view, at, end, ssrc, found);
  else if (type === PAYLOAD_FEEDBACK) readPayloadFeedback(view, at, end, ssrc, found);
}

function readBlocks(view: DataView, from: number, end: number, count: number, ssrc: number, found: Found): void {
  for (let block = from, left = count; left > 0 && block + BLOCK_BYTES <= end; block += BLOCK_BYTES, left -= 1)
    if (view.getUint32(block) === ssrc) found.loss = view.getUint8(block + 4) / 256;
}

function readMissing(view: DataView, at: number, end: number, ssrc: number, found: Found): void {
  if (end - at < 12 || view.getUint32(at + 8) !== ssrc) return;
  const missing = [...found.missing];
  for (let entry = at + 12; entry + 4 <= end; entry += 4) {
    const first = view.getUint16(entry);
    const following = view.getUint16(entry + 2);
    missing.push(first);
    for (let bit = 0; bit < 16; bit += 1) if (((following >> bit) & 1) === 1) missing.push((first + 1 + bit) & 0xffff);
  }
  found.missing = missing;
}

function readPayloadFeedback(view: DataView, at: number, end: number, ssrc: number, found: Found): void {
  const format = view.getUint8(at) & 0x1f;
  if (format === 1 && end - at >= 12 && view.getUint32(at + 8) === ssrc) found.wantsPicture = true;
  // FIR names its targets in entries of 8 bytes behind the two SSRCs.
  for (let entry = at + 12; format === 4 && entry + 8 <= end; entry += 8) if (view.getUint32(entry) === ssrc) found.wantsPicture = true;
  if (format !== 15 || end - at < 20 || view.getUint32(at + 12) !== REMB) return;
  const exponent = view.getUint8(at + 17) >> 2;
  const mantissa = ((view.getUint8(at + 17) & 3) << 16) | view.getUint16(at + 18);
  found.estimateBps = mantissa * 2 ** exponent;
}
