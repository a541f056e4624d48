/**
 * Every interface between the agent and what hangs on the recorder, and the errors that cross it. Drivers import this file and
 * drivers/digest.ts, never the agent and never each other; the agent imports this file, and only agent/compose.ts the drivers.
 * The files port-*.ts are parts of it, kept apart for their length.
 */
import type { DriverError, Login } from './port-base.js';

export * from './port-base.js';
export * from './port-camera.js';
export * from './port-camera-extras.js';
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
  readonly signal: AbortSignal;
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

/** Pulls streams over RTSP. Rejects with camera.*, stream.bad_uri or stream.unsupported. */
export interface StreamClient {
  /** DESCRIBE, SETUP (TCP interleaved), PLAY. Resolves once PLAY is answered; packets may come at once. Deadline 10 s. */
  open(request: StreamRequest): Promise<StreamPull>;
}

// ---------------------------------------------------------------- viewers (WebRTC)

/** One viewer's offer and what is to be told of the connection. */
export interface ViewerPeerRequest {
  /** The viewer's offer: one H.264 video section, candidates included; exactly one sha-256 fingerprint. */
  readonly offerSdp: string;
  readonly video: { readonly codec: 'H264' | 'H265'; readonly profileLevelId: string | undefined };
  /** stun:host:port, turn:user:pass@host:port; empty means none, and then nothing is asked of anyone. */
  readonly iceServers: readonly string[];
  /** Bind ICE sockets to this address only; undefined for all. */
  readonly bindAddress: string | undefined;
  /** DTLS is up and the certificate matched: media may flow. */
  readonly onConnected: () => void;
  /** The viewer asks for an intra picture (RTCP PLI or FIR). */
  readonly onPictureLoss: () => void;
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
