import type { PeerConnection, RtcpSrReporter, RtpPacketizationConfig, Track } from 'node-datachannel';
import type { DriverClock, DriverLog, ViewerPeer, ViewerPeerRequest } from '../port.js';
import { DriverError } from '../port.js';
import { ViewerData } from './data-channel.js';
import type { NativeIceServer } from './ice.js';
import { NativeAudio } from './native-audio.js';
import { Resends } from './resends.js';
import { readFeedback } from './rtcp.js';
import type { ViewerOffer } from './sdp.js';

/** The module, as a type: it is loaded late. */
export type NativeLibrary = typeof import('node-datachannel');

/** What goes into one UDP datagram on Ethernet; RTP packets may then have 1440 bytes (1500 - IP, UDP, SRTP). */
const MTU_BYTES = 1500;
/** A viewer that is sent pictures reports about every second; one that is silent this long is gone. */
const SILENCE_MS = 12_000;
const SILENCE_CHECK_MS = 1_500;

interface NativePeerParts {
  readonly library: NativeLibrary;
  readonly clock: DriverClock;
  readonly log: DriverLog;
  readonly request: ViewerPeerRequest;
  readonly offer: ViewerOffer;
  readonly ssrc: number;
  readonly iceServers: readonly NativeIceServer[];
}

/** Closed peers stay referenced until the library says so: their native side still runs on its own threads. */
const closing = new Set<NativePeer>();

/**
 * One native peer connection with one send-only video track. Every call into the library is guarded: it throws on closed
 * tracks, and an exception thrown into its callbacks would end the process.
 */
export class NativePeer implements ViewerPeer {
  answerSdp = '';
  fingerprint = '';
  readonly payloadType: number;
  readonly ssrc: number;
  readonly audio: ViewerPeer['audio'];
  readonly #parts: NativePeerParts;
  readonly #pc: PeerConnection;
  // Held because the library lets go of what JavaScript has let go of.
  readonly #track: Track;
  readonly #reporter: RtcpSrReporter;
  readonly #timing: RtpPacketizationConfig;
  /** Resent by us, not by the library: nothing may go out that the egress gate does not see. */
  readonly #resends = new Resends();
  #estimateBps: number | undefined;
  readonly #data: ViewerData;
  readonly #sound: NativeAudio | undefined;
  #isDataTold = false;
  #state: 'new' | 'open' | 'closed' = 'new';
  #lastTimestamp = -1;
  #lastHeardAt = 0;
  #lastSentAt = 0;
  #watch: { cancel(): void } | undefined;
  #gathered: (() => void) | undefined;
  #failed: ((error: DriverError) => void) | undefined;

  constructor(parts: NativePeerParts) {
    const { library, offer, ssrc, request } = parts;
    this.#parts = parts;
    this.ssrc = ssrc;
    this.payloadType = offer.format.payloadType;
    this.#pc = new library.PeerConnection('viewer', {
      iceServers: [...parts.iceServers],
      disableAutoNegotiation: true,
      mtu: MTU_BYTES,
      ...(request.bindAddress === undefined ? {} : { bindAddress: request.bindAddress }),
    });
    const video = new library.Video(offer.videoMid, 'SendOnly');
    if (offer.format.codec === 'H264') video.addH264Codec(this.payloadType, offer.format.parameters);
    else video.addH265Codec(this.payloadType);
    video.addSSRC(ssrc, 'sightline', 'sightline', 'video');
    this.#track = this.#pc.addTrack(video);
    this.#timing = new library.RtpPacketizationConfig(ssrc, 'sightline', this.payloadType, 90_000);
    this.#reporter = new library.RtcpSrReporter(this.#timing);
    this.#track.setMediaHandler(this.#reporter);
    if (offer.audio !== undefined) {
      // Neighbours: two random numbers could be the same one.
      this.#sound = new NativeAudio(library, this.#pc, offer.audio, (ssrc % 0xffff_fffe) + 1, () => this.#heardSomething());
      this.audio = { ssrc: this.#sound.ssrc, payloadTypes: offer.audio.payloadTypes };
    }
    this.#data = new ViewerData({
      onOpen: () => this.#tellData(),
      onMessage: (text) => {
        if (this.#state === 'open') request.onDataMessage?.(text);
      },
      onLow: () => request.onDataLow?.(),
    });
    this.#listen();
  }

  #listen(): void {
    this.#track.onOpen(() => this.#guard(() => this.#opened()));
    this.#track.onMessage((packet) => this.#guard(() => this.#heard(packet)));
    this.#track.onClosed(() => this.#guard(() => this.#ended('closed')));
    this.#pc.onStateChange((state) =>
      this.#guard(() => {
        if (state === 'closed') closing.delete(this);
        if (state === 'failed' || state === 'disconnected') this.#ended('failed');
        else if (state === 'closed') this.#ended('closed');
      }),
    );
    this.#pc.onGatheringStateChange((state) => {
      if (state === 'complete') this.#gathered?.();
    });
    this.#pc.onDataChannel((channel) => this.#guard(() => this.#data.adopt(channel, (act) => this.#guard(act))));
  }

  /**
   * Gives the offer to the library and resolves with its answer, host candidates included. A STUN or TURN server that does not answer (the
   * library asks for 40 s) is waited for until `enoughMs`, then the answer goes without what it would have said.
   */
  gather(enoughMs: number, deadlineMs: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const { clock } = this.#parts;
      const timers = [
        clock.after(enoughMs, () => {
          if (/^a=candidate:/m.test(this.#pc.localDescription()?.sdp ?? '')) this.#gathered?.();
        }),
        clock.after(deadlineMs, () => {
          reject(new DriverError('viewer.failed', `no network address was found within ${deadlineMs / 1000} s`));
        }),
      ];
      const settle = (): void => {
        for (const timer of timers) timer.cancel();
      };
      this.#gathered = () => {
        settle();
        const local = this.#pc.localDescription();
        if (local === null) reject(new DriverError('viewer.failed', 'the WebRTC library gave no answer'));
        else resolve(local.sdp);
      };
      this.#failed = (error) => {
        settle();
        reject(error);
      };
      try {
        this.#pc.setRemoteDescription(this.#parts.offer.nativeSdp, 'offer');
        this.#pc.setLocalDescription('answer');
        if (this.#pc.gatheringState() === 'complete') this.#gathered();
      } catch (cause) {
        this.#failed(new DriverError('viewer.bad_offer', 'the WebRTC library refused the offer', { cause }));
      }
    });
  }

  answered(answerSdp: string, fingerprint: string): this {
    this.answerSdp = answerSdp;
    this.fingerprint = fingerprint;
    return this;
  }

  sendRtp(packet: Buffer): boolean {
    if (this.#state !== 'open') return false;
    try {
      const timestamp = packet.readUInt32BE(4);
      if (timestamp !== this.#lastTimestamp) {
        // Sender reports pair this with the time of sending; once per picture is enough.
        this.#lastTimestamp = timestamp;
        this.#timing.timestamp = timestamp;
        this.#lastSentAt = this.#parts.clock.monotonicMs();
      }
      const isSent = this.#track.sendMessageBinary(packet);
      if (isSent) this.#resends.keep(packet);
      return isSent;
    } catch {
      return false;
    }
  }

  sendData(message: string | Buffer): boolean {
    if (this.#state !== 'open') return false;
    try {
      return this.#data.send(message);
    } catch {
      return false;
    }
  }

  dataBufferedBytes(): number {
    try {
      return this.#state === 'open' ? this.#data.bufferedBytes : 0;
    } catch {
      return 0;
    }
  }

  sendAudio(packet: Buffer): boolean {
    if (this.#state !== 'open') return false;
    try {
      return this.#sound?.send(packet) ?? false;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#watch?.cancel();
    this.#failed?.(new DriverError('viewer.failed', 'the viewer connection was closed'));
    closing.add(this);
    // The track first: it stops resends at once, while the connection ends on the library's own thread.
    for (const end of [() => this.#track.close(), () => this.#sound?.close(), () => this.#data.close(), () => this.#pc.close()])
      this.#guard(end);
    this.#parts.clock.after(5_000, () => closing.delete(this), true);
  }

  #opened(): void {
    if (this.#state !== 'new') return;
    // The library compared it already; this is the same question asked once more, of the certificate that really came.
    const shown = this.#pc.remoteFingerprint();
    if (`${shown.algorithm} ${shown.value}`.toUpperCase() !== this.#parts.offer.fingerprint.toUpperCase()) {
      this.#parts.log.warn('a viewer showed another certificate than its offer names');
      this.#ended('failed');
      return;
    }
    this.#state = 'open';
    this.#lastHeardAt = this.#parts.clock.monotonicMs();
    this.#watchSilence();
    this.#parts.request.onConnected();
    this.#tellData();
  }

  /** The channel counts once the certificate was looked at, whichever comes first. */
  #tellData(): void {
    if (this.#state !== 'open' || this.#isDataTold || !this.#data.isOpen) return;
    this.#isDataTold = true;
    this.#parts.request.onDataOpen?.();
  }

  #heard(packet: Buffer): void {
    if (this.#state !== 'open') return;
    const now = this.#heardSomething();
    const { request } = this.#parts;
    const { missing, wantsPicture, loss, estimateBps } = readFeedback(packet, this.ssrc);
    this.#estimateBps = estimateBps ?? this.#estimateBps;
    if (missing.length > 0) this.#resends.answer(missing, now, (again) => this.#resend(again));
    if (wantsPicture) request.onPictureLoss();
    // What was sent again and came is no loss to the report; the line lost it all the same.
    if (loss !== undefined) request.onReport?.({ loss: Math.max(loss, this.#resends.takeAskedShare()), estimateBps: this.#estimateBps });
  }

  #heardSomething(): number {
    this.#lastHeardAt = this.#parts.clock.monotonicMs();
    return this.#lastHeardAt;
  }

  #resend(packet: Buffer): boolean {
    if (this.#state !== 'open' || this.#parts.request.onResend?.(packet.length) === false) return false;
    return this.#track.sendMessageBinary(packet);
  }

  #watchSilence(): void {
    this.#watch = this.#parts.clock.after(
      SILENCE_CHECK_MS,
      () => {
        // Only while pictures flow: without any, a viewer has nothing to report, and ICE consent (30 s) watches over it.
        if (this.#lastSentAt - this.#lastHeardAt > SILENCE_MS) this.#ended('failed');
        else if (this.#state === 'open') this.#watchSilence();
      },
      true,
    );
  }

  #ended(reason: 'closed' | 'failed'): void {
    if (this.#state === 'closed') return;
    this.close();
    this.#parts.request.onClosed(reason);
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#parts.log.warn('the WebRTC library failed in a call', { error });
    }
  }
}
