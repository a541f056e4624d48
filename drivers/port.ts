/**
 * Every interface between the agent and what hangs on the recorder, and the errors that cross it. Drivers import this file and
 * drivers/digest.ts, never the agent and never each other; the agent imports this file, and only agent/compose.ts the drivers.
 * The files port-*.ts are parts of it, kept apart for their length.
 */
import type { DriverError, Login } from './port-base.js';

export * from './port-base.js';
export * from './port-camera.js';
export * from './port-camera-extras.js';
export * from './port-footage.js';
export * from './port-ptz.js';
export * from './port-serial.js';

// ---------------------------------------------------------------- streams (RTSP)

/** What a DESCRIBE told of the video track. */
export interface VideoTrack {
  readonly codec: 'H264' | 'H265';
  readonly payloadType: number;
  readonly clockRate: number;
  /** Six hex digits of the H.264 SPS (profile, constraints, level); undefined when the SDP does not say. */
  readonly profileLevelId: string | undefined;
  /** SPS, PPS (and VPS) as raw NAL units; empty when the SDP does not carry them. */
  readonly parameterSets: readonly Uint8Array[];
}

/**
 * One RTP packet inside the shared read buffer of the process: valid only during the call. Who keeps it copies it.
 */
export type RtpHandler = (buffer: Buffer, start: number, end: number) => void;

/** One stream to pull, where it may be pulled from and who gets the packets. */
export interface StreamRequest {
  /** rtsp:// or rtsps:// without login. */
  readonly uri: string;
  /** Host the URI must point to; anything else is `stream.bad_uri`. */
  readonly allowedHost: string;
  readonly login: Login | undefined;
  /** What the packets must be; a client that can makes it of what the camera sends. Default: whatever comes. */
  readonly codec?: VideoTrack['codec'] | undefined;
  readonly signal: AbortSignal;
  /** The stream is described; called once, before the first packet. */
  readonly onTrack?: ((track: VideoTrack) => void) | undefined;
  readonly onRtp: RtpHandler;
  /** Called once when a playing stream ends without `close()`. */
  readonly onEnd: (reason: DriverError) => void;
}

/** A stream that plays. */
export interface StreamPull {
  readonly track: VideoTrack;
  /** Sends TEARDOWN if it can and ends the connection; resolves when the socket is gone. Idempotent. */
  close(): Promise<void>;
}

/** What a DESCRIBE told of the sound: G.711 (RFC 3551), 8000 samples/s, one channel. */
export interface AudioTrack {
  readonly codec: 'PCMU' | 'PCMA';
  readonly payloadType: number;
  readonly clockRate: 8_000;
}

/** Sound that plays. */
export interface AudioPull {
  readonly track: AudioTrack;
  /** Like `StreamPull.close`. */
  close(): Promise<void>;
}

/** Pulls streams over RTSP. Rejects with camera.*, stream.bad_uri or stream.unsupported. */
export interface StreamClient {
  /** DESCRIBE, SETUP (TCP interleaved), PLAY. Resolves once PLAY is answered; packets may come at once. Deadline 10 s. */
  open(request: StreamRequest): Promise<StreamPull>;
  /** The same for the sound of a stream, in a connection of its own. Rejects with stream.unsupported where there is no G.711. */
  openAudio?(request: Omit<StreamRequest, 'codec' | 'onTrack'>): Promise<AudioPull>;
}

/** A client that makes H.264 of H.265 where H.264 is asked for. Rejects with ffmpeg.busy or ffmpeg.unavailable too. */
export interface ConvertingStreamClient extends StreamClient {
  /** Whether another stream could be converted now; `no`: there is no ffmpeg. */
  room(): 'free' | 'busy' | 'no';
}

// ---------------------------------------------------------------- viewers (WebRTC)

/** How our video arrives at a viewer, about once a second (RFC 3550 6.4.2). */
export interface ViewerReport {
  /** Share of packets that the viewer missed since the report before, 0..1; those that were sent again and came count as missed too. */
  readonly loss: number;
  /** What the viewer thinks its line carries (REMB), bits/s; undefined when it never said. */
  readonly estimateBps: number | undefined;
}

/** One viewer's offer and what is to be told of the connection. */
export interface ViewerPeerRequest {
  /** The viewer's offer: one H.264 video section, candidates included; exactly one sha-256 fingerprint. */
  readonly offerSdp: string;
  readonly video: { readonly codec: 'H264' | 'H265'; readonly profileLevelId: string | undefined };
  /** Sound may go with the picture if the offer has a section for it. Default: no. */
  readonly mayHear?: boolean | undefined;
  /** stun:host:port, turn:user:pass@host:port; empty means none, and then nothing is asked of anyone. */
  readonly iceServers: readonly string[];
  /** Bind ICE sockets to this address only; undefined for all. */
  readonly bindAddress: string | undefined;
  /** DTLS is up and the certificate matched: media may flow. */
  readonly onConnected: () => void;
  /** The viewer asks for an intra picture (RTCP PLI or FIR). */
  readonly onPictureLoss: () => void;
  /** Told of every report of the viewer about our video. */
  readonly onReport?: ((report: ViewerReport) => void) | undefined;
  /** Asked before packets that the viewer missed go out once more, with their size; nothing goes on false. Default: they may. */
  readonly onResend?: ((bytes: number) => boolean) | undefined;
  /** The viewer's data channel can be written to. Only the first one the viewer makes is used. */
  readonly onDataOpen?: (() => void) | undefined;
  /** A short text of the viewer; anything else is dropped. */
  readonly onDataMessage?: ((text: string) => void) | undefined;
  /** What was waiting to be sent on the data channel has fallen below 256 KiB. */
  readonly onDataLow?: (() => void) | undefined;
  /** Called once: the viewer went away, failed or never came. */
  readonly onClosed: (reason: 'closed' | 'failed') => void;
}

/** Our end of one WebRTC connection that only sends. */
export interface ViewerPeer {
  readonly answerSdp: string;
  /** Of our own DTLS certificate, `sha-256 AB:CD:...`. */
  readonly fingerprint: string;
  /** RTP payload type the viewer expects. */
  readonly payloadType: number;
  readonly ssrc: number;
  /** Hands one complete RTP packet over; false when it could not be sent. Never throws. The bytes are copied before it returns. */
  sendRtp(packet: Buffer): boolean;
  /** Where sound goes; undefined when the offer has no place for it or none was wanted. */
  readonly audio?: { readonly ssrc: number; readonly payloadTypes: ReadonlyMap<AudioTrack['codec'], number> } | undefined;
  /** Like `sendRtp`, for one packet of sound. */
  sendAudio?(packet: Buffer): boolean;
  /** Hands one message to the data channel; false when there is none that is open. Never throws. The bytes are copied before it returns. */
  sendData(message: string | Buffer): boolean;
  /** What waits to be sent on the data channel. */
  dataBufferedBytes(): number;
  /** Ends at once; nothing is sent after it returns. Idempotent. */
  close(): void;
}

/** Makes ends for viewers. Rejects with viewer.bad_offer or viewer.failed. */
export interface ViewerPeerFactory {
  /** Deadline 10 s for gathering and answering. */
  answer(request: ViewerPeerRequest): Promise<ViewerPeer>;
  /** Loads the native part and runs it once, so that the first viewer does not wait for it. */
  warm(): Promise<void>;
}

// ---------------------------------------------------------------- the machine

/** What the machine is; a maker’s placeholder ("to be filled") counts as not told and is empty. */
export interface HostInventory {
  readonly manufacturer: string;
  readonly model: string;
  readonly os: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

/** Undefined means: this machine does not tell. Ratios are 0..1. */
export interface HostSample {
  readonly cpuUtilization: number | undefined;
  readonly memoryTotalBytes: number;
  readonly memoryAvailableBytes: number;
  readonly diskTotalBytes: number;
  readonly diskFreeBytes: number;
  readonly temperatureCelsius: number | undefined;
  readonly uptimeS: number;
  readonly processRssBytes: number;
}

/** The machine under the agent. Rejects with host.unavailable for what it cannot tell at all. */
export interface Host {
  /** Static facts; systeminformation may start processes for it, so ask once per boot. */
  inventory(): Promise<HostInventory>;
  /** Starts no process. `diskPath` names the volume to measure. */
  sample(diskPath: string): Promise<HostSample>;
}
