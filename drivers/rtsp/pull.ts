/** A stream that plays: packets out, receiver reports and keep-alives in, and the end in either direction. */
import { randomBytes } from 'node:crypto';
import { type DriverClock, DriverError, type DriverLog, type StreamRequest } from '../port.js';
import type { Connection } from './connection.js';
import { type Credentials, exchange } from './exchange.js';
import { headerOf } from './messages.js';
import { Reception } from './rtcp.js';
import type { UdpPair } from './udp.js';

/** Whatever is pulled counts time by a clock. */
export interface ClockedTrack {
  readonly clockRate: number;
}

/** What SETUP has established. */
export interface PullParts<Track extends ClockedTrack> {
  readonly clock: DriverClock;
  readonly log: DriverLog;
  readonly connection: Connection;
  readonly credentials: Credentials;
  readonly request: StreamRequest;
  readonly track: Track;
  /** Address of PLAY, keep-alive and TEARDOWN. */
  readonly controlUri: string;
  readonly isSecure: boolean;
  readonly sessionId: string | undefined;
  readonly sessionTimeoutMs: number;
  /** Undefined where the media come in the connection itself. */
  readonly udp: UdpPair | undefined;
}

const IDLE_MS = 10_000;
const REPORT_MS = 5_000;
const TEARDOWN_MS = 300;
const MAX_KEEP_ALIVE_MS = 30_000;

/** See the head of the file. Made before PLAY, so that the very first packet finds it. */
export class Pull<Track extends ClockedTrack = ClockedTrack> {
  readonly track: Track;
  private readonly parts: PullParts<Track>;
  private readonly reception: Reception;
  private readonly source = randomBytes(4).readUInt32BE(0);
  private readonly timers = new Map<string, { cancel(): void }>();
  private lastPacketAtMs: number;
  /** Until the camera has told what it understands, OPTIONS both asks and keeps alive. */
  private keepAliveMethod = 'OPTIONS';
  private isEnding = false;
  private closing: Promise<void> | undefined;

  constructor(parts: PullParts<Track>) {
    this.parts = parts;
    this.track = parts.track;
    this.reception = new Reception(parts.track.clockRate);
    this.lastPacketAtMs = parts.clock.monotonicMs();
  }

  /** Takes one interleaved packet. */
  onPacket(channel: number, buffer: Buffer, start: number, end: number): void {
    if (this.isEnding) return;
    const { connection, request } = this.parts;
    const nowMs = connection.readAtMs;
    if (channel === connection.framer.rtpChannel) {
      this.lastPacketAtMs = nowMs;
      this.reception.note(buffer, start, nowMs);
      request.onRtp(buffer, start, end);
    } else this.reception.noteRtcp(buffer, start, end, nowMs);
  }

  /** PLAY is answered: from now on the end is reported through `onEnd`. */
  start(): void {
    const { connection, request, clock, sessionTimeoutMs } = this.parts;
    connection.isPlaying = true;
    this.lastPacketAtMs = clock.monotonicMs();
    request.signal.addEventListener('abort', this.abort, { once: true });
    this.arm('report', REPORT_MS, () => this.sendReport());
    this.arm('keep-alive', Math.max(1000, Math.min(sessionTimeoutMs / 2, MAX_KEEP_ALIVE_MS)), () => this.keepAlive());
    this.watchIdle(IDLE_MS);
    connection.whenDown((reason) => {
      this.cancelTimers();
      if (this.isEnding) return;
      this.isEnding = true;
      request.onEnd(reason);
    });
  }

  close(): Promise<void> {
    this.closing ??= this.teardown();
    return this.closing;
  }

  private readonly abort = (): void => {
    this.parts.connection.destroy(new DriverError('driver.aborted', 'The stream was ended by the recorder.'));
  };

  private async teardown(): Promise<void> {
    const { connection, clock } = this.parts;
    this.isEnding = true;
    this.cancelTimers();
    if (connection.reason === undefined) {
      const late = clock.after(TEARDOWN_MS, this.abort);
      await this.send('TEARDOWN').catch(() => undefined);
      late.cancel();
    }
    this.abort();
    await connection.closed;
  }

  private send(method: string): ReturnType<typeof exchange> {
    const { connection, credentials, controlUri, isSecure, sessionId } = this.parts;
    return exchange(connection, credentials, { method, uri: controlUri, isSecure, fields: { Session: sessionId } });
  }

  private sendReport(): void {
    const { connection, clock, udp } = this.parts;
    const report = this.reception.report(connection.framer.rtcpChannel, this.source, clock.monotonicMs());
    if (report === undefined) return;
    // Over UDP there is no interleaved header in front.
    if (udp === undefined) connection.send(report);
    else udp.send(report.subarray(4));
  }

  /** A keep-alive that fails changes nothing by itself: if the camera means it, packets stop, and that is watched. */
  private keepAlive(): void {
    this.send(this.keepAliveMethod).then(
      (response) => {
        const known = headerOf(response, 'public')
          ?.toUpperCase()
          .split(/[\s,]+/);
        if (known !== undefined) this.keepAliveMethod = known.includes('GET_PARAMETER') ? 'GET_PARAMETER' : 'OPTIONS';
        if (response.status >= 300) this.parts.log.debug('the camera refuses a keep-alive', { status: response.status });
      },
      (cause) => this.parts.log.debug('a keep-alive failed', { cause }),
    );
  }

  private watchIdle(delayMs: number): void {
    const act = (): void => {
      const leftMs = IDLE_MS - (this.parts.clock.monotonicMs() - this.lastPacketAtMs);
      if (leftMs > 0) this.watchIdle(leftMs);
      else this.parts.connection.destroy(new DriverError('stream.ended', `The camera has sent no picture for ${IDLE_MS / 1000} seconds.`));
    };
    this.timers.set('idle', this.parts.clock.after(delayMs, act, true));
  }

  private arm(name: string, periodMs: number, act: () => void): void {
    const tick = (): void => {
      this.arm(name, periodMs, act);
      act();
    };
    this.timers.set(name, this.parts.clock.after(periodMs, tick, true));
  }

  private cancelTimers(): void {
    for (const timer of this.timers.values()) timer.cancel();
    this.timers.clear();
    this.parts.request.signal.removeEventListener('abort', this.abort);
  }
}
