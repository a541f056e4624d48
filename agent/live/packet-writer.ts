import { H264 } from './h264.js';
import { NAL_IDR, NAL_PPS, NAL_SPS, NAL_VPS, type NalSyntax, NO_SETS, type ParameterSets } from './nal-syntax.js';
import { RTP_HEADER_BYTES, type RtpView } from './rtp.js';

/** Who receives the packets; known once the viewer's transport has answered. */
export interface Outlet {
  readonly ssrc: number;
  readonly payloadType: number;
  /** One complete packet, valid only during the call; false when it was not taken. */
  send(packet: Buffer): boolean;
  /** One message of the viewer's data channel, where there is one. */
  sendData?(message: string | Buffer): boolean;
}

/** Where the numbering starts and how large packets may be. */
export interface PacketWriterOptions {
  /** First sequence number and timestamp, random (RFC 3550 5.1). */
  readonly firstSequence: number;
  readonly firstTimestamp: number;
  /** Largest RTP packet that goes out; larger payloads are cut into fragments. */
  readonly maxPacketBytes: number;
  /** Default H.264. */
  readonly syntax?: NalSyntax | undefined;
}

const TICKS_PER_MS = 90;
/**
 * Every packet of the process is put together here, and handed out as one of these views: a packet is used up before the next one is begun, and
 * some 5,000 objects a second less are made with sixteen viewers.
 */
const PACKET = Buffer.allocUnsafeSlow(2048);
const VIEWS: (Buffer | undefined)[] = [];

function packetOf(length: number): Buffer {
  const known = VIEWS[length];
  if (known !== undefined) return known;
  const made = PACKET.subarray(0, length);
  VIEWS[length] = made;
  return made;
}

/** A timestamp that leaves the wall clock's course by more than this is a jump of the source, not a pause of the camera. */
const JUMP_TICKS = 5_000 * TICKS_PER_MS;
/** A gap in the camera's numbers up to this is loss and stays visible to the viewer; beyond it the camera started anew. */
const MAX_LOSS = 512;

/**
 * Writes the viewer's packets: our SSRC and payload type, sequence numbers that only ever grow (two packets of one number would
 * be encrypted with one key stream), timestamps that go on when the source jumps, parameter sets before every intra picture,
 * payloads cut to size. Time is an argument; nothing is allocated per packet.
 */
export class PacketWriter {
  packets = 0;
  bytes = 0;
  dropped = 0;
  readonly #syntax: NalSyntax;
  #sets: ParameterSets = NO_SETS;
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
    this.#syntax = options.syntax ?? H264;
    this.#sequence = options.firstSequence & 0xffff;
    this.#timestamp = options.firstTimestamp >>> 0;
    this.#maxPayloadBytes = Math.min(options.maxPacketBytes, PACKET.length) - RTP_HEADER_BYTES;
  }

  attach(outlet: Outlet): void {
    this.#outlet = outlet;
  }

  /** Parameter sets of the camera's description; ones seen in the stream are newer and win. */
  describe(sets: ParameterSets): void {
    const [newer, older] = this.#areSetsOld ? [sets, this.#sets] : [this.#sets, sets];
    this.#sets = { vps: newer.vps ?? older.vps, sps: newer.sps ?? older.sps, pps: newer.pps ?? older.pps };
    this.#areSetsOld = false;
  }

  /** The source begins anew: its numbers and times have nothing to do with those before; ours go on. */
  restart(): void {
    this.#isRestarted = this.#from !== undefined;
    this.#areSetsOld = true;
  }

  /** Looks at a payload that is not written now, so that its parameter sets are known later. Returns its NAL bits. */
  observe(bytes: Uint8Array, view: RtpView): number {
    const bits = this.#syntax.inspect(bytes, view.start, view.end);
    if ((bits & (NAL_VPS | NAL_SPS | NAL_PPS)) === 0) return bits;
    this.#areSetsOld = false;
    this.#sets = this.#syntax.readSets(bytes, view.start, view.end, this.#sets);
    return bits;
  }

  /** Writes one camera packet as one or more of ours. `atMs` is monotonic time. */
  write(bytes: Uint8Array, view: RtpView, bits: number, atMs: number): void {
    if (!this.#follow(view, atMs)) {
      this.dropped += 1;
      return;
    }
    this.#seen |= bits;
    const { neededSets } = this.#syntax;
    if ((bits & NAL_IDR) !== 0 && (this.#seen & neededSets) !== neededSets) this.#inject();
    if (view.end - view.start <= this.#maxPayloadBytes) {
      this.#payload(bytes, view.start, view.end, RTP_HEADER_BYTES);
      this.#emit(RTP_HEADER_BYTES + view.end - view.start, view.marker);
      return;
    }
    const pieces = this.#syntax.cut(bytes, view.start, view.end, this.#maxPayloadBytes);
    if (pieces.length === 0) this.dropped += 1;
    for (const piece of pieces) {
      let at = RTP_HEADER_BYTES;
      for (const byte of piece.head) PACKET[at++] = byte;
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
    for (const set of [this.#sets.vps, this.#sets.sps, this.#sets.pps]) {
      if (set === undefined || set.length > this.#maxPayloadBytes) continue;
      PACKET.set(set, RTP_HEADER_BYTES);
      this.#emit(RTP_HEADER_BYTES + set.length, false);
    }
    this.#seen |= this.#syntax.neededSets;
  }

  #payload(bytes: Uint8Array, from: number, to: number, at: number): void {
    if (bytes instanceof Buffer) bytes.copy(PACKET, at, from, to);
    else PACKET.set(bytes.subarray(from, to), at);
  }

  #emit(length: number, marker: boolean): void {
    const outlet = this.#outlet;
    if (outlet === undefined) return;
    PACKET[0] = 0x80;
    PACKET[1] = outlet.payloadType | (marker ? 0x80 : 0);
    PACKET.writeUInt16BE(this.#sequence, 2);
    PACKET.writeUInt32BE(this.#timestamp, 4);
    PACKET.writeUInt32BE(outlet.ssrc, 8);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    if (outlet.send(packetOf(length))) {
      this.packets += 1;
      this.bytes += length;
    } else this.dropped += 1;
  }
}
