import type { Clock } from '../kernel/clock.js';
import { HeldPackets } from './held-packets.js';
import { NAL_IDR, type NalSyntax } from './nal-syntax.js';
import { type Outlet, PacketWriter } from './packet-writer.js';
import { type RtpView, readRtp } from './rtp.js';
import type { Codec } from './stream-choice.js';
import { syntaxOf } from './syntaxes.js';
import { type GateEvent, type GateState, nextGateState } from './transitions.js';

/** What the gate asks and tells; it knows neither camera nor network. */
export interface GateParts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Asked synchronously before the gate is armed, before held packets go out and at the start of every picture. */
  readonly mayWatch: () => boolean;
  /** Monotonic instant after which nothing may flow, whatever any timer does. */
  readonly deadlineAt: number;
  /** The gate ended by itself: a permission no longer holds, or the time is over. Called once, after the flip. */
  readonly onRefused: (why: 'withdrawn' | 'expired') => void;
  /** The first packet of the first picture was handed out. */
  readonly onFirstPicture: () => void;
  /** Default H.264. */
  readonly codec?: Codec | undefined;
  readonly firstSequence: number;
  readonly firstTimestamp: number;
  readonly holdLimitBytes?: number;
  readonly maxPacketBytes?: number;
}

/** The events after which nothing passes any more. */
export type EndEvent = Extract<GateEvent, 'withdrawn' | 'expired' | 'viewerGone' | 'cameraGone' | 'closed'>;

const HOLD_LIMIT_BYTES = 2 * 1024 * 1024;
/** 1500 of Ethernet less PPPoE, IPv4, UDP and the SRTP tag, rounded down; over IPv6 it still fits 1500. */
const MAX_PACKET_BYTES = 1424;

/**
 * The media egress gate: the only way video leaves the recorder. It takes the camera's packets and hands them to the viewer's
 * transport in one state, `sending`; until then it keeps those since the last intra picture, so that the viewer's first picture
 * does not wait for the next one. Messages and pieces of exported files, which are footage too, leave in `waiting` as well, each asked about
 * anew. After any end event not one packet or message passes.
 */
export class MediaGate {
  readonly #parts: GateParts;
  readonly #syntax: NalSyntax;
  readonly #writer: PacketWriter;
  readonly #held: HeldPackets;
  readonly #view: RtpView = { marker: false, sequence: 0, timestamp: 0, start: 0, end: 0 };
  #state: GateState = 'shut';
  /** Timestamp of the picture the last camera packet belonged to; -1 before the first. */
  #picture = -1;
  /** Index in the held packets at which the current picture begins. */
  #pictureAt = 0;
  #hasPlayed = false;
  #outlet: Outlet | undefined;
  #lastSentAt = Number.NEGATIVE_INFINITY;
  #lastCameraAt = Number.NEGATIVE_INFINITY;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#held = new HeldPackets(parts.holdLimitBytes ?? HOLD_LIMIT_BYTES);
    this.#syntax = syntaxOf(parts.codec ?? 'H264');
    this.#writer = new PacketWriter({ ...parts, syntax: this.#syntax, maxPacketBytes: parts.maxPacketBytes ?? MAX_PACKET_BYTES });
  }

  get state(): GateState {
    return this.#state;
  }

  get packets(): number {
    return this.#writer.packets;
  }

  get bytes(): number {
    return this.#writer.bytes;
  }

  /** Monotonic; -Infinity when nothing was sent. */
  get lastSentAt(): number {
    return this.#lastSentAt;
  }

  /** Asks the authorizer in this tick and arms. False, and ended, when it says no. */
  arm(): boolean {
    if (this.#mayStillFlow(true)) this.#step('granted');
    return this.#state !== 'ended';
  }

  /** The viewer's transport is up: DTLS done and the certificate the one of the offer. */
  connect(outlet: Outlet): void {
    if (this.#state === 'ended') return;
    this.#outlet = outlet;
    this.#writer.attach({
      ...outlet,
      send: (packet) => {
        // The last word before every single packet, whatever led here.
        if (this.#state !== 'sending') return false;
        const wasSent = outlet.send(packet);
        if (wasSent) this.#sent();
        return wasSent;
      },
    });
    if (this.#state === 'holding') this.#flush('dtlsUp');
    else this.#step('dtlsUp');
  }

  /** Parameter sets of the camera's description, for cameras that do not repeat them in the stream. */
  describe(parameterSets: readonly Uint8Array[]): void {
    this.#writer.describe(this.#syntax.setsOf(parameterSets));
  }

  /** One RTP packet of the camera, valid only during the call. */
  push(bytes: Uint8Array, start: number, end: number): void {
    if (this.#state === 'ended' || this.#state === 'shut') return;
    const view = this.#view;
    if (!readRtp(bytes, start, end, view)) return;
    this.#lastCameraAt = this.#parts.clock.monotonicMs();
    const isNewPicture = view.timestamp !== this.#picture;
    this.#picture = view.timestamp;
    if (this.#state === 'sending') {
      if (this.#mayStillFlow(isNewPicture)) this.#writer.write(bytes, view, this.#writer.observe(bytes, view), this.#lastCameraAt);
    } else this.#hold(bytes, start, end, isNewPicture);
  }

  /** Whether a packet of sound may leave beside the picture; it is counted like any other. Who may hear is asked by whoever asks this. */
  passSound(bytes: number): boolean {
    return this.resend(bytes);
  }

  /** Whether packets of `bytes` that the viewer missed may go out once more; they are counted like any other. */
  resend(bytes: number): boolean {
    if (this.#state !== 'sending' || !this.#mayStillFlow(false)) return false;
    this.#writer.packets += 1;
    this.#writer.bytes += bytes;
    this.#sent();
    return true;
  }

  /**
   * One message beside the picture, or a piece of a file in its place; asked about like the start of a picture. False when it may not leave or
   * nobody takes it.
   */
  sendData(message: string | Buffer): boolean {
    const isUp = this.#state === 'waiting' || this.#state === 'sending';
    if (!isUp || !this.#mayStillFlow(true) || this.#outlet?.sendData?.(message) !== true) return false;
    this.#writer.packets += 1;
    this.#writer.bytes += typeof message === 'string' ? Buffer.byteLength(message) : message.length;
    this.#lastSentAt = this.#parts.clock.monotonicMs();
    return true;
  }

  /**
   * The camera's stream begins again: what is held is no whole picture any more, and nothing is sent before the next intra picture,
   * because pictures of the new stream cannot be decoded after those of the old one.
   */
  restart(): void {
    this.#held.clear();
    this.#picture = -1;
    this.#pictureAt = 0;
    this.#writer.restart();
    this.#step('lost');
  }

  /** Shuts for good. When it returns nothing leaves any more. */
  end(event: EndEvent): void {
    this.#step(event);
  }

  #hold(bytes: Uint8Array, start: number, end: number, isNewPicture: boolean): void {
    const bits = this.#writer.observe(bytes, this.#view);
    if (isNewPicture) {
      // Before an intra picture only the current picture is kept: it may turn out to be one (its parameter sets come first).
      if (this.#state !== 'holding') this.#held.dropFirst(this.#held.count);
      this.#pictureAt = this.#held.count;
    }
    if (!this.#held.append(bytes, start, end)) {
      this.#held.clear();
      this.#pictureAt = 0;
      this.#step('lost');
      return;
    }
    if ((bits & NAL_IDR) === 0) return;
    // A later intra picture makes everything before it needless; of one picture only the first slice counts.
    this.#held.dropFirst(this.#pictureAt);
    this.#pictureAt = 0;
    if (this.#state === 'waiting') this.#flush('idr');
    else this.#step('idr');
  }

  #flush(event: 'idr' | 'dtlsUp'): void {
    if (!this.#mayStillFlow(true)) return;
    this.#step(event);
    const view = this.#view;
    const now = this.#parts.clock.monotonicMs();
    this.#held.each((bytes, start, end) => {
      if (readRtp(bytes, start, end, view)) this.#writer.write(bytes, view, this.#writer.observe(bytes, view), now);
      return this.#state === 'sending';
    });
    this.#held.clear();
  }

  #mayStillFlow(isAskedAnew: boolean): boolean {
    if (this.#parts.clock.monotonicMs() >= this.#parts.deadlineAt) return this.#refuse('expired');
    return !isAskedAnew || this.#parts.mayWatch() || this.#refuse('withdrawn');
  }

  #refuse(why: 'withdrawn' | 'expired'): false {
    if (this.#state !== 'ended') {
      this.#step(why);
      this.#parts.onRefused(why);
    }
    return false;
  }

  #sent(): void {
    this.#lastSentAt = this.#parts.clock.monotonicMs();
    if (this.#hasPlayed) return;
    this.#hasPlayed = true;
    this.#parts.onFirstPicture();
  }

  #step(event: GateEvent): void {
    this.#state = nextGateState(this.#state, event);
    if (this.#state === 'ended') this.#held.clear();
  }
}
