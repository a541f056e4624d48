import { cutH264, inspectH264, NAL_IDR, NAL_PPS, NAL_SPS, type ParameterSets, readParameterSets } from './h264.js';
import { RTP_HEADER_BYTES, type RtpView } from './rtp.js';

/** Who receives the packets; known once the viewer's transport has answered. */
export interface Outlet {
  readonly ssrc: number;
  readonly payloadType: number;
  /** One complete packet, valid only during the call; false when it was not taken. */
  send(packet: Buffer): boolean;
}

/** Where the numbering starts and how large packets may be. */
export interface PacketWriterOptions {
  /** First sequence number and timestamp, random (RFC 3550 5.1). */
  readonly firstSequence: number;
  readonly firstTimestamp: number;
  /** Largest RTP packet that goes out; larger payloads are cut into FU-A fragments. */
  readonly maxPacketBytes: number;
}

const TICKS_PER_MS = 90;
/** A timestamp that leaves the wall clock's course by more than this is a jump of the source, not a pause of the camera. */
const JUMP_TICKS = 5_000 * TICKS_PER_MS;
/** A gap in the camera's numbers up to this is loss and stays visible to the viewer; beyond it the camera started anew. */
const MAX_LOSS = 512;

/**
 * Writes the viewer's packets: our SSRC and payload type, sequence numbers that only ever grow (two packets of one number would
 * be encrypted with one key stream), timestamps that go on when the source jumps, parameter sets before every intra picture,
 * payloads cut to size. Time is an argument; the only allocation per packet is the view handed to the outlet.
 */
export class PacketWriter {
  packets = 0;
  bytes = 0;
  dropped = 0;
  #sets: ParameterSets = { sps: undefined, pps: undefined };
  readonly #packet = Buffer.allocUnsafe(2048);
  readonly #maxPayloadBytes: number;
  #outlet: Outlet | undefined;
  #sequence: number;
  #timestamp: number;
  #from: { sequence: number; timestamp: number; atMs: number } | undefined;
  /** The next packet belongs to another stream than the last one. */
  #isRestarted = false;
  /** The parameter sets known are those of the stream before. */
  #areSetsOld = false;
  /** Parameter sets seen in the picture being written. */
  #seen = 0;

  constructor(options: PacketWriterOptions) {
    this.#sequence = options.firstSequence & 0xffff;
    this.#timestamp = options.firstTimestamp >>> 0;
    this.#maxPayloadBytes = Math.min(options.maxPacketBytes, this.#packet.length) - RTP_HEADER_BYTES;
  }

  attach(outlet: Outlet): void {
    this.#outlet = outlet;
  }

  /** Parameter sets of the camera's description; ones seen in the stream are newer and win. */
  describe(sets: ParameterSets): void {
    const known = this.#sets;
    if (this.#areSetsOld) this.#sets = { sps: sets.sps ?? known.sps, pps: sets.pps ?? known.pps };
    else this.#sets = { sps: known.sps ?? sets.sps, pps: known.pps ?? sets.pps };
    this.#areSetsOld = false;
  }

  /** The source begins anew: its numbers and times have nothing to do with those before; ours go on. */
  restart(): void {
    this.#isRestarted = this.#from !== undefined;
    this.#areSetsOld = true;
  }

  /** Looks at a payload that is not written now, so that its parameter sets are known later. Returns its NAL bits. */
  observe(bytes: Uint8Array, view: RtpView): number {
    const bits = inspectH264(bytes, view.start, view.end);
    if ((bits & (NAL_SPS | NAL_PPS)) === 0) return bits;
    this.#areSetsOld = false;
    this.#sets = readParameterSets(bytes, view.start, view.end, this.#sets);
    return bits;
  }

  /** Writes one camera packet as one or more of ours. `atMs` is monotonic time. */
  write(bytes: Uint8Array, view: RtpView, bits: number, atMs: number): void {
    if (!this.#follow(view, atMs)) {
      this.dropped += 1;
      return;
    }
    this.#seen |= bits;
    if ((bits & NAL_IDR) !== 0 && (this.#seen & (NAL_SPS | NAL_PPS)) !== (NAL_SPS | NAL_PPS)) this.#inject();
    if (view.end - view.start <= this.#maxPayloadBytes) {
      this.#payload(bytes, view.start, view.end, RTP_HEADER_BYTES);
      this.#emit(RTP_HEADER_BYTES + view.end - view.start, view.marker);
      return;
    }
    const pieces = cutH264(bytes, view.start, view.end, this.#maxPayloadBytes);
    if (pieces.length === 0) this.dropped += 1;
    for (const piece of pieces) {
      let at = RTP_HEADER_BYTES;
      if (piece.indicator !== undefined) {
        this.#packet[at++] = piece.indicator;
        this.#packet[at++] = piece.header;
      }
      this.#payload(bytes, piece.from, piece.to, at);
      this.#emit(at + piece.to - piece.from, view.marker && piece === pieces.at(-1));
    }
  }

  /** Carries number and time over from the source; false for a packet that came late or twice. */
  #follow(view: RtpView, atMs: number): boolean {
    const from = this.#from;
    if (from === undefined) {
      this.#from = { sequence: view.sequence, timestamp: view.timestamp, atMs };
      this.#seen = 0;
      return true;
    }
    if (this.#isRestarted) {
      this.#isRestarted = false;
      this.#timestamp = (this.#timestamp + Math.max(1, Math.round((atMs - from.atMs) * TICKS_PER_MS))) >>> 0;
      this.#from = { sequence: view.sequence, timestamp: view.timestamp, atMs };
      this.#seen = 0;
      return true;
    }
    const step = (view.sequence - from.sequence) & 0xffff;
    if (step === 0 || step > 0x1_0000 - MAX_LOSS) return false;
    if (step > 1 && step <= MAX_LOSS) this.#sequence = (this.#sequence + step - 1) & 0xffff;
    from.sequence = view.sequence;
    if (view.timestamp !== from.timestamp) {
      const ticks = (view.timestamp - from.timestamp) | 0;
      const elapsed = Math.round((atMs - from.atMs) * TICKS_PER_MS);
      this.#timestamp = (this.#timestamp + (Math.abs(ticks - elapsed) > JUMP_TICKS ? Math.max(1, elapsed) : ticks)) >>> 0;
      from.timestamp = view.timestamp;
      from.atMs = atMs;
      this.#seen = 0;
    }
    return true;
  }

  #inject(): void {
    for (const set of [this.#sets.sps, this.#sets.pps]) {
      if (set === undefined || set.length > this.#maxPayloadBytes) continue;
      this.#packet.set(set, RTP_HEADER_BYTES);
      this.#emit(RTP_HEADER_BYTES + set.length, false);
    }
    this.#seen |= NAL_SPS | NAL_PPS;
  }

  #payload(bytes: Uint8Array, from: number, to: number, at: number): void {
    if (bytes instanceof Buffer) bytes.copy(this.#packet, at, from, to);
    else this.#packet.set(bytes.subarray(from, to), at);
  }

  #emit(length: number, marker: boolean): void {
    const outlet = this.#outlet;
    if (outlet === undefined) return;
    const packet = this.#packet;
    packet[0] = 0x80;
    packet[1] = outlet.payloadType | (marker ? 0x80 : 0);
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(this.#timestamp, 4);
    packet.writeUInt32BE(outlet.ssrc, 8);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    if (outlet.send(packet.subarray(0, length))) {
      this.packets += 1;
      this.bytes += length;
    } else this.dropped += 1;
  }
}
