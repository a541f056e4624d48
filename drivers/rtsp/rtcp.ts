/** What a receiver of one RTP stream counts, and the report it owes the sender (RFC 3550 sections 6.4.2 and A.3). Pure; time is an argument. */

const SENDER_REPORT = 200;
const MAX_LOST = 0x7f_ffff;

/** Whole compound packet behind its interleaved header: RR with one block (32 bytes) and SDES with a CNAME (20 bytes). */
const REPORT_BYTES = 52;
const CNAME = Buffer.from('sightline', 'latin1');

/** Counts the packets of one source; starts over when the source identifier changes. */
export class Reception {
  private readonly clockRate: number;
  private hasSource = false;
  private source = 0;
  private firstSequence = 0;
  private lastSequence = 0;
  private cycles = 0;
  private received = 0;
  private expectedBefore = 0;
  private receivedBefore = 0;
  private lastTransit = 0;
  private jitter = 0;
  private senderReport = 0;
  private senderReportAtMs = 0;

  constructor(clockRate: number) {
    this.clockRate = clockRate;
  }

  /** Counts the RTP packet at `buffer[start...]` (at least 12 bytes), which arrived at `nowMs` of a clock that never jumps. */
  note(buffer: Buffer, start: number, nowMs: number): void {
    const sequence = buffer.readUInt16BE(start + 2);
    const timestamp = buffer.readUInt32BE(start + 4);
    const source = buffer.readUInt32BE(start + 8);
    const transit = Math.trunc((nowMs * this.clockRate) / 1000) - timestamp;
    if (!this.hasSource || source !== this.source) this.restart(source, sequence, transit);
    this.received += 1;
    const step = (sequence - this.lastSequence) & 0xffff;
    if (step < 0x8000) {
      if (sequence < this.lastSequence) this.cycles += 0x1_0000;
      this.lastSequence = sequence;
    }
    // 32-bit arithmetic, so that a timestamp that wraps is no jump.
    const difference = Math.abs((transit - this.lastTransit) | 0);
    this.lastTransit = transit;
    this.jitter += (difference - this.jitter) / 16;
  }

  private restart(source: number, sequence: number, transit: number): void {
    this.hasSource = true;
    this.source = source;
    this.firstSequence = sequence;
    this.lastSequence = sequence;
    this.cycles = 0;
    this.received = 0;
    this.expectedBefore = 0;
    this.receivedBefore = 0;
    this.lastTransit = transit;
    this.jitter = 0;
    this.senderReport = 0;
  }

  /** Takes the time of a sender report out of an RTCP packet; anything else in it does not matter here. */
  noteRtcp(buffer: Buffer, start: number, end: number, nowMs: number): void {
    if (end - start < 20 || buffer[start + 1] !== SENDER_REPORT) return;
    if (!this.hasSource || buffer.readUInt32BE(start + 4) !== this.source) return;
    this.senderReport = buffer.readUInt32BE(start + 10);
    this.senderReportAtMs = nowMs;
  }

  /** The next report as an interleaved frame for `channel`, sent as `ownSource`; undefined while nothing has come. */
  report(channel: number, ownSource: number, nowMs: number): Buffer | undefined {
    if (!this.hasSource) return undefined;
    const expected = this.cycles + this.lastSequence - this.firstSequence + 1;
    const lost = Math.max(-0x80_0000, Math.min(MAX_LOST, expected - this.received));
    const expectedNow = expected - this.expectedBefore;
    const lostNow = expectedNow - (this.received - this.receivedBefore);
    this.expectedBefore = expected;
    this.receivedBefore = this.received;
    const fraction = expectedNow > 0 && lostNow > 0 ? Math.min(255, Math.floor((lostNow * 256) / expectedNow)) : 0;
    const sinceReport = this.senderReport === 0 ? 0 : Math.trunc(((nowMs - this.senderReportAtMs) * 65_536) / 1000);

    const frame = Buffer.alloc(4 + REPORT_BYTES);
    frame.set([0x24, channel, 0, REPORT_BYTES, 0x81, 201, 0, 7]);
    frame.writeUInt32BE(ownSource >>> 0, 8);
    frame.writeUInt32BE(this.source, 12);
    frame.writeUInt32BE(((fraction << 24) | (lost & 0xff_ffff)) >>> 0, 16);
    frame.writeUInt32BE((this.cycles + this.lastSequence) >>> 0, 20);
    frame.writeUInt32BE(Math.trunc(this.jitter) >>> 0, 24);
    frame.writeUInt32BE(this.senderReport, 28);
    frame.writeUInt32BE(sinceReport >>> 0, 32);
    frame.set([0x81, 202, 0, 4], 36);
    frame.writeUInt32BE(ownSource >>> 0, 40);
    frame.set([1, CNAME.length, ...CNAME], 44);
    return frame;
  }
}
