/**
 * Takes a TCP byte stream apart into interleaved packets (`$`, channel, length) and RTSP messages. Pure and synchronous. No object is
 * made per packet: a handler gets a range of the buffer that was pushed, or of the small carry that holds a unit cut by the end of
 * a read. Cameras whose sends fail half-way leave garbage between units; then everything is skipped up to the next thing that is
 * surely a packet of a known channel or an answer.
 */
import { numberOf, parseHead, type RtspMessage } from './messages.js';

/** What comes out. `buffer[start..end)` is valid only during the call. Handlers must not push. */
export interface FrameHandlers {
  onPacket(channel: number, buffer: Buffer, start: number, end: number): void;
  onMessage(message: RtspMessage): void;
  /** The stream cannot be understood any more; nothing follows. */
  onBroken(reason: string): void;
}

const DOLLAR = 0x24;
const LF = 0x0a;
const CR = 0x0d;
const ANSWER = Buffer.from('RTSP/1.', 'latin1');
const MAX_HEAD_BYTES = 16_384;
const MAX_BODY_BYTES = 65_536;
/** So much without one good unit is no camera stream. */
const MAX_SKIPPED_BYTES = 1_048_576;
const SMALL_CARRY_BYTES = 2048;
/** What a message is topped up by, so that media behind it is not copied through the carry. */
const TEXT_STEP_BYTES = 2048;
const MIN_RTP_BYTES = 12;
const MAX_UNASKED_CHANNEL = 15;
/** Returned by the steps below: the unit at this place goes on beyond the bytes at hand. */
const INCOMPLETE = -1;

/** One per connection. */
export class Framer {
  /** Channels of the SETUP answer. */
  rtpChannel = 0;
  rtcpChannel = 1;
  /** Makes finding back more certain once it is known; -1 accepts any. */
  payloadType = -1;
  /** How often framing was lost, and how many bytes that cost. */
  lossCount = 0;
  skippedBytes = 0;

  private readonly handlers: FrameHandlers;
  private carry: Buffer = Buffer.alloc(0);
  private held = 0;
  private isLost = false;
  private isStopped = false;
  private skippedInARow = 0;

  constructor(handlers: FrameHandlers) {
    this.handlers = handlers;
  }

  /** Nothing is handed out any more, not even the rest of the bytes being pushed. */
  stop(): void {
    this.isStopped = true;
    this.carry = Buffer.alloc(0);
    this.held = 0;
  }

  /** Takes `buffer[start..end)` in; when it returns, the buffer may be reused. */
  push(buffer: Buffer, start: number, end: number): void {
    const at = this.held > 0 ? this.finishHeld(buffer, start, end) : start;
    if (at >= end || this.isStopped) return;
    const rest = this.consume(buffer, at, end);
    if (rest < end && !this.isStopped) this.hold(buffer, rest, end);
  }

  /** Completes the unit in the carry with as few bytes as it needs, and returns where the rest begins. */
  private finishHeld(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (this.held > 0 && at < end && !this.isStopped) {
      const take = Math.min(this.missing(), end - at);
      this.hold(buffer, at, at + take);
      at += take;
      const rest = this.consume(this.carry, 0, this.held);
      if (this.isStopped) break;
      if (rest < this.held) this.carry.copyWithin(0, rest, this.held);
      this.held -= rest;
    }
    if (this.held === 0 && this.carry.length > SMALL_CARRY_BYTES) this.carry = Buffer.alloc(0);
    return at;
  }

  private missing(): number {
    if (this.carry[0] !== DOLLAR || this.isLost) return TEXT_STEP_BYTES;
    if (this.held < 5) return 5 - this.held;
    return Math.max(1, 4 + this.carry.readUInt16BE(2) - this.held);
  }

  private hold(buffer: Buffer, start: number, end: number): void {
    const needed = this.held + end - start;
    if (needed > this.carry.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(SMALL_CARRY_BYTES, 2 ** Math.ceil(Math.log2(needed))));
      this.carry.copy(wider, 0, 0, this.held);
      this.carry = wider;
    }
    buffer.copy(this.carry, this.held, start, end);
    this.held = needed;
  }

  /** Hands out every whole unit and returns where the first unfinished one begins. */
  private consume(buffer: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && !this.isStopped) {
      const next = this.isLost
        ? this.seek(buffer, at, end)
        : buffer[at] === DOLLAR
          ? this.packet(buffer, at, end)
          : this.message(buffer, at, end);
      if (next === INCOMPLETE) break;
      at = next;
    }
    return at;
  }

  private packet(buffer: Buffer, at: number, end: number): number {
    if (end - at < 5) return INCOMPLETE;
    const channel = buffer[at + 1] as number;
    const length = ((buffer[at + 2] as number) << 8) | (buffer[at + 3] as number);
    const isKnown = channel === this.rtpChannel || channel === this.rtcpChannel;
    const isVersion2 = (buffer[at + 4] as number) >> 6 === 2;
    const isTiny = length < (channel === this.rtpChannel ? MIN_RTP_BYTES : 4);
    // Packets of a channel nobody asked for are passed over, but only where they look like RTP at least.
    if (isKnown ? !isVersion2 && !isTiny : channel > MAX_UNASKED_CHANNEL || (!isVersion2 && length > 0)) return this.lose(at);
    const stop = at + 4 + length;
    if (stop > end) return INCOMPLETE;
    if (isKnown && !isTiny) {
      this.skippedInARow = 0;
      this.handlers.onPacket(channel, buffer, at + 4, stop);
    }
    return stop;
  }

  private message(buffer: Buffer, at: number, end: number): number {
    const first = buffer[at] as number;
    if (first === CR || first === LF) return at + 1;
    if (!isMessageStart(buffer, at, end)) return this.lose(at);
    const headEnd = findHeadEnd(buffer, at, end);
    if (headEnd === INCOMPLETE) return end - at > MAX_HEAD_BYTES ? this.lose(at) : INCOMPLETE;
    const head = parseHead(buffer.toString('latin1', at, headEnd));
    if (head === undefined) return this.lose(at);
    const bodyBytes = numberOf(head, 'content-length') ?? 0;
    if (bodyBytes > MAX_BODY_BYTES) {
      this.fail('a message is larger than any camera needs');
      return end;
    }
    if (headEnd + bodyBytes > end) return INCOMPLETE;
    this.skippedInARow = 0;
    this.handlers.onMessage({ ...head, body: new Uint8Array(buffer.subarray(headEnd, headEnd + bodyBytes)) });
    return headEnd + bodyBytes;
  }

  private lose(at: number): number {
    this.isLost = true;
    this.lossCount += 1;
    this.skip(1);
    return at + 1;
  }

  /** Moves on to the next certain beginning; INCOMPLETE when that cannot be told from the bytes at hand. */
  private seek(buffer: Buffer, start: number, end: number): number {
    let at = start;
    for (; at < end; at++) {
      const byte = buffer[at];
      if (byte === DOLLAR) {
        if (end - at < 6) break;
        if (this.isCertainPacket(buffer, at)) {
          this.isLost = false;
          break;
        }
      } else if (byte === ANSWER[0]) {
        const length = Math.min(ANSWER.length, end - at);
        if (buffer.compare(ANSWER, 0, length, at, at + length) === 0) {
          this.isLost = length < ANSWER.length;
          break;
        }
      }
    }
    this.skip(at - start);
    return this.isLost && at === start ? INCOMPLETE : at;
  }

  private isCertainPacket(buffer: Buffer, at: number): boolean {
    const channel = buffer[at + 1];
    const length = buffer.readUInt16BE(at + 2);
    const second = buffer[at + 5] as number;
    if ((buffer[at + 4] as number) >> 6 !== 2) return false;
    if (channel === this.rtpChannel) return length >= MIN_RTP_BYTES && (this.payloadType < 0 || (second & 0x7f) === this.payloadType);
    return channel === this.rtcpChannel && length >= 4 && second >= 192 && second <= 223;
  }

  private skip(count: number): void {
    this.skippedBytes += count;
    this.skippedInARow += count;
    if (this.skippedInARow > MAX_SKIPPED_BYTES) this.fail('no packet could be found in what it sends');
  }

  private fail(reason: string): void {
    if (this.isStopped) return;
    this.stop();
    this.handlers.onBroken(reason);
  }
}

/** Whether the bytes can be the first word of a message: `RTSP/1.0` or a method in capitals. A word cut by the end counts. */
function isMessageStart(buffer: Buffer, at: number, end: number): boolean {
  const limit = Math.min(end, at + 24);
  for (let place = at; place < limit; place++) {
    const byte = buffer[place] as number;
    const isCapital = (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
    if (isCapital) continue;
    if (byte === 0x20) return place - at >= 2;
    return byte === 0x2f && place - at === 4 && buffer.toString('latin1', at, place) === 'RTSP';
  }
  return limit - at < 24;
}

/** Where the body begins: behind the first empty line. Lines may end in CR LF or LF. */
function findHeadEnd(buffer: Buffer, at: number, end: number): number {
  const limit = Math.min(end, at + MAX_HEAD_BYTES);
  for (let lineEnd = buffer.indexOf(LF, at); lineEnd >= 0 && lineEnd < limit; lineEnd = buffer.indexOf(LF, lineEnd + 1)) {
    if (lineEnd + 1 < limit && buffer[lineEnd + 1] === LF) return lineEnd + 2;
    if (lineEnd + 2 < limit && buffer[lineEnd + 1] === CR && buffer[lineEnd + 2] === LF) return lineEnd + 3;
  }
  return INCOMPLETE;
}
