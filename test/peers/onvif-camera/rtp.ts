/** RTP and RTCP as the camera sends them inside RTSP: RFC 3550, RFC 6184 packetization mode 1, RFC 2326 interleaving. Pure. */
import type { Clip, ClipFrame } from './clip.js';

export const PAYLOAD_TYPE = 96;
export const CLOCK_RATE = 90_000;
/** A payload of this size leaves room for every header in an Ethernet frame. */
export const MAX_PAYLOAD_BYTES = 1400;
/** Interleaving header (4) and RTP header (12). */
export const HEADERS_BYTES = 16;

function stapA(nals: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(1 + nals.reduce((sum, nal) => sum + 2 + nal.length, 0));
  out[0] = 0x78; // nal_ref_idc 3, type 24
  let at = 1;
  for (const nal of nals) {
    out[at] = nal.length >> 8;
    out[at + 1] = nal.length & 255;
    out.set(nal, at + 2);
    at += 2 + nal.length;
  }
  return out;
}

function* fragments(nal: Uint8Array): Generator<Uint8Array> {
  const [header = 0, room] = [nal[0], MAX_PAYLOAD_BYTES - 2];
  for (let at = 1; at < nal.length; at += room) {
    const body = nal.subarray(at, at + room);
    const out = new Uint8Array(2 + body.length);
    out[0] = (header & 0xe0) | 28;
    out[1] = (header & 31) | (at === 1 ? 0x80 : 0) | (at + room >= nal.length ? 0x40 : 0);
    out.set(body, 2);
    yield out;
  }
}

/** The RTP payloads of one frame: SPS and PPS as a STAP-A before an IDR, small NAL units alone, large ones as FU-A. */
export function packetize(clip: Pick<Clip, 'sps' | 'pps'>, frame: ClipFrame): readonly Uint8Array[] {
  const slices = frame.nals.flatMap((nal) => (nal.length <= MAX_PAYLOAD_BYTES ? [nal] : [...fragments(nal)]));
  return frame.isIdr ? [stapA([clip.sps, clip.pps]), ...slices] : slices;
}

/** The wire bytes of one frame for one client; the marker stands on the last packet. `sequence` is the first packet's number. */
export function frameBytes(
  payloads: readonly Uint8Array[],
  header: { channel: number; ssrc: number; sequence: number; timestamp: number },
): Buffer {
  const out = Buffer.allocUnsafe(payloads.reduce((sum, payload) => sum + HEADERS_BYTES + payload.length, 0));
  let at = 0;
  payloads.forEach((payload, index) => {
    out[at] = 0x24;
    out[at + 1] = header.channel;
    out.writeUInt16BE(12 + payload.length, at + 2);
    out[at + 4] = 0x80;
    out[at + 5] = PAYLOAD_TYPE | (index === payloads.length - 1 ? 0x80 : 0);
    out.writeUInt16BE((header.sequence + index) & 0xffff, at + 6);
    out.writeUInt32BE(header.timestamp >>> 0, at + 8);
    out.writeUInt32BE(header.ssrc >>> 0, at + 12);
    out.set(payload, at + HEADERS_BYTES);
    at += HEADERS_BYTES + payload.length;
  });
  return out;
}

/** RTP time of an instant (ms since 1970): derived from the wall clock, so that it goes on whatever the frame rate does. */
export const rtpTime = (atMs: number): number => Math.round(atMs * (CLOCK_RATE / 1000)) % 4294967296;

/** Sender report with SDES CNAME, interleaved. `atMs` is the instant that `timestamp` belongs to. */
export function senderReport(facts: {
  channel: number;
  ssrc: number;
  atMs: number;
  timestamp: number;
  packets: number;
  octets: number;
}): Buffer {
  const cname = Buffer.from('camera', 'latin1');
  const sdesBytes = Math.ceil((8 + 2 + cname.length + 1) / 4) * 4;
  const out = Buffer.alloc(4 + 28 + sdesBytes);
  out[0] = 0x24;
  out[1] = facts.channel;
  out.writeUInt16BE(28 + sdesBytes, 2);
  out.set([0x80, 200, 0, 6], 4);
  out.writeUInt32BE(facts.ssrc >>> 0, 8);
  // NTP counts from 1900.
  out.writeUInt32BE((Math.floor(facts.atMs / 1000) + 2_208_988_800) >>> 0, 12);
  out.writeUInt32BE(Math.floor(((facts.atMs % 1000) / 1000) * 4294967296) >>> 0, 16);
  out.writeUInt32BE(facts.timestamp >>> 0, 20);
  out.writeUInt32BE(facts.packets >>> 0, 24);
  out.writeUInt32BE(facts.octets >>> 0, 28);
  out.set([0x81, 202, 0, sdesBytes / 4 - 1], 32);
  out.writeUInt32BE(facts.ssrc >>> 0, 36);
  out.set([1, cname.length, ...cname], 40);
  return out;
}
