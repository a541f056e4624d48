/**
 * From replayed RTP packets to pictures (RFC 6184, RFC 7798), each with the wall clock that the camera put into the header extension of its first
 * packet (ONVIF Streaming Specification, 6.3: 0xABAC). Pure; broken packets cost their picture and nothing else.
 */
import type { FootagePicture, VideoTrack } from '../port.js';

const ABAC = 0xabac;
const NTP_EPOCH_S = 2_208_988_800;
/** A picture larger than this is no picture. */
const MAX_PICTURE_BYTES = 8 * 1024 * 1024;
/** Units and fragments cost memory of their own, however small they are. */
const MAX_UNITS = 1_024;
const MAX_FRAGMENTS = 16_384;

/** A picture as it was replayed. */
export interface ReplayedPicture extends FootagePicture {
  /** Low byte of the CSeq of the PLAY it belongs to; undefined where the camera does not tell. */
  readonly play: number | undefined;
  /** Nothing follows after it. */
  readonly isLast: boolean;
}

interface Extension {
  readonly atMs: number;
  readonly play: number;
  readonly isLast: boolean;
}

interface Packet {
  readonly timestamp: number;
  readonly sequence: number;
  readonly isMarked: boolean;
  readonly extension: Extension | undefined;
  readonly payload: Buffer;
}

/** 64-bit NTP time, then C, E, D and T bits, then the low byte of CSeq. */
function readExtension(bytes: Buffer, at: number): Extension {
  const seconds = bytes.readUInt32BE(at) - NTP_EPOCH_S;
  const atMs = seconds * 1000 + (bytes.readUInt32BE(at + 4) * 1000) / 2 ** 32;
  return { atMs, isLast: ((bytes[at + 8] ?? 0) & 0x10) !== 0, play: bytes[at + 9] ?? 0 };
}

function readPacket(bytes: Buffer, start: number, end: number): Packet | undefined {
  if (end - start < 13 || (bytes[start] ?? 0) >> 6 !== 2) return undefined;
  const head = bytes[start] ?? 0;
  let at = start + 12 + 4 * (head & 0x0f);
  let extension: Extension | undefined;
  if ((head & 0x10) !== 0) {
    if (at + 4 > end) return undefined;
    const words = bytes.readUInt16BE(at + 2);
    if (at + 4 + 4 * words > end) return undefined;
    // Some cameras add words of their own behind the three.
    if (bytes.readUInt16BE(at) === ABAC && words >= 3) extension = readExtension(bytes, at + 4);
    at += 4 + 4 * words;
  }
  const padding = (head & 0x20) === 0 ? 0 : (bytes[end - 1] ?? 0);
  if (at > end - padding) return undefined;
  const payload = bytes.subarray(at, end - padding);
  const isMarked = ((bytes[start + 1] ?? 0) & 0x80) !== 0;
  return { timestamp: bytes.readUInt32BE(start + 4), sequence: bytes.readUInt16BE(start + 2), isMarked, extension, payload };
}

/** Takes packets in and hands out pictures. */
export class ReplayPictures {
  readonly #track: VideoTrack;
  readonly #take: (picture: ReplayedPicture) => void;
  #nals: Buffer[] = [];
  #pieces: Buffer[] = [];
  #fragments = 0;
  #bytes = 0;
  #timestamp: number | undefined;
  #sequence: number | undefined;
  #isWhole = true;
  #extension: Extension | undefined;
  /** Time and ticks of the last picture that told its time. */
  #known: { readonly atMs: number; readonly timestamp: number } | undefined;

  constructor(track: VideoTrack, take: (picture: ReplayedPicture) => void) {
    this.#track = track;
    this.#take = take;
  }

  /** Another PLAY: what was begun is not finished. */
  reset(): void {
    this.#drop();
    this.#timestamp = undefined;
    this.#sequence = undefined;
    this.#known = undefined;
  }

  /** One RTP packet, valid only during the call. */
  push(bytes: Buffer, start: number, end: number): void {
    const packet = readPacket(bytes, start, end);
    if (packet === undefined) return;
    if (this.#timestamp !== undefined && packet.timestamp !== this.#timestamp) this.#finish();
    if (this.#sequence !== undefined && packet.sequence !== ((this.#sequence + 1) & 0xffff)) this.#spoil();
    this.#sequence = packet.sequence;
    this.#timestamp = packet.timestamp;
    this.#extension ??= packet.extension;
    if (packet.payload.length > 0) this.#payload(packet.payload);
    if (packet.isMarked) this.#finish();
  }

  #payload(payload: Buffer): void {
    this.#bytes += payload.length;
    if (this.#bytes > MAX_PICTURE_BYTES) this.#spoil();
    if (!this.#isWhole) return;
    const isH264 = this.#track.codec === 'H264';
    const type = isH264 ? (payload[0] ?? 0) & 0x1f : ((payload[0] ?? 0) >> 1) & 0x3f;
    if (type === (isH264 ? 24 : 48)) this.#aggregate(payload, isH264 ? 1 : 2);
    else if (type === (isH264 ? 28 : 49)) this.#fragment(payload, isH264);
    else this.#unit(Buffer.from(payload));
  }

  #aggregate(payload: Buffer, headBytes: number): void {
    for (let at = headBytes; this.#isWhole && at + 2 < payload.length; ) {
      const to = at + 2 + payload.readUInt16BE(at);
      if (to > payload.length || to === at + 2) {
        this.#spoil();
        return;
      }
      this.#unit(Buffer.from(payload.subarray(at + 2, to)));
      at = to;
    }
  }

  #fragment(payload: Buffer, isH264: boolean): void {
    const headBytes = isH264 ? 2 : 3;
    const [first = 0, second = 0, third = 0] = payload;
    const fu = isH264 ? second : third;
    if ((fu & 0x80) !== 0) {
      const head = isH264 ? [(first & 0xe0) | (fu & 0x1f)] : [(first & 0x81) | ((fu & 0x3f) << 1), second];
      this.#pieces = [Buffer.from(head)];
    }
    this.#fragments += 1;
    if (this.#pieces.length === 0 || this.#fragments > MAX_FRAGMENTS) {
      this.#spoil();
      return;
    }
    this.#pieces.push(Buffer.from(payload.subarray(headBytes)));
    if ((fu & 0x40) === 0) return;
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#unit(whole);
  }

  #unit(nal: Buffer): void {
    if (this.#nals.length >= MAX_UNITS) this.#spoil();
    else this.#nals.push(nal);
  }

  /** Nothing more is taken of this picture, and what there was of it is let go. */
  #spoil(): void {
    this.#isWhole = false;
    this.#nals = [];
    this.#pieces = [];
  }

  #finish(): void {
    const extension = this.#extension;
    const isWhole = this.#isWhole && this.#nals.length > 0 && this.#pieces.length === 0;
    const atMs = this.#atMs();
    if (isWhole && atMs !== undefined) {
      const { codec, parameterSets } = this.#track;
      const types = this.#nals.map((nal) => (codec === 'H264' ? (nal[0] ?? 0) & 0x1f : ((nal[0] ?? 0) >> 1) & 0x3f));
      const isIntra = types.some((type) => (codec === 'H264' ? type === 5 : type >= 16 && type <= 21));
      const hasSets = types.some((type) => (codec === 'H264' ? type === 7 : type === 33));
      const nals = isIntra && !hasSets ? [...parameterSets, ...this.#nals] : this.#nals;
      this.#take({ atMs, isIntra, codec, nals, play: extension?.play, isLast: extension?.isLast ?? false });
    }
    this.#drop();
  }

  /** From its own extension, else by the ticks since the last one that had one. */
  #atMs(): number | undefined {
    const timestamp = this.#timestamp ?? 0;
    if (this.#extension !== undefined) this.#known = { atMs: this.#extension.atMs, timestamp };
    if (this.#known === undefined) return undefined;
    return this.#known.atMs + ((timestamp - this.#known.timestamp) | 0) / (this.#track.clockRate / 1000);
  }

  #drop(): void {
    this.#nals = [];
    this.#pieces = [];
    this.#fragments = 0;
    this.#bytes = 0;
    this.#isWhole = true;
    this.#extension = undefined;
  }
}
