/**
 * Every interface between the agent and what hangs on the recorder, and the errors that cross it. Drivers import this file and
 * drivers/digest.ts, never the agent and never each other; the agent imports this file, and only agent/compose.ts the drivers.
 */

/** Facts come in from the agent structurally: drivers know no agent type. */
export interface DriverClock {
  now(): number;
  monotonicMs(): number;
  after(delayMs: number, act: () => void, background?: boolean): { cancel(): void };
}

/** The agent's log as far as drivers use it; secrets in `facts` are blanked at its sink. */
export interface DriverLog {
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** A login whose password is only taken out where it is used; the agent's Secret has this shape. */
export interface Login {
  readonly user: string;
  readonly password: { reveal(): string };
}

/** The stable words a driver fails with. `retryable` follows from the word, see RETRYABLE. */
export type DriverErrorCode =
  | 'camera.unreachable' // nothing answers at the address, or the connection broke
  | 'camera.timeout' // it answers, but not within the deadline
  | 'camera.unauthorized' // user or password refused
  | 'camera.locked_out' // we stopped trying so that the camera does not lock the account
  | 'camera.not_onvif' // it answers, but not with ONVIF
  | 'camera.bad_answer' // it answers with something that is broken or too large
  | 'camera.unsupported' // it does not have what was asked
  | 'camera.refused' // it has it, but refuses these values
  | 'stream.bad_uri' // the stream address is of another scheme or points to another host
  | 'stream.unsupported' // codec or transport we cannot pass on
  | 'stream.ended' // the camera ended a running stream
  | 'viewer.bad_offer' // the viewer's SDP cannot be answered
  | 'viewer.failed' // no connection to the viewer came about, or it broke
  | 'serial.unavailable' // no such port, in use, or not permitted
  | 'serial.timeout' // the device on the bus did not answer
  | 'host.unavailable' // the machine does not tell this fact
  | 'ffmpeg.unavailable' // ffmpeg is not installed or may not run
  | 'ffmpeg.failed' // ffmpeg ended with an error
  | 'driver.aborted'; // the caller's signal fired

const RETRYABLE: ReadonlySet<DriverErrorCode> = new Set([
  'camera.unreachable',
  'camera.timeout',
  'camera.bad_answer',
  'stream.ended',
  'viewer.failed',
  'serial.unavailable',
  'serial.timeout',
]);

/** What a driver throws, and nothing else. */
export class DriverError extends Error {
  readonly code: DriverErrorCode;
  readonly retryable: boolean;
  /** Facts for the log or the message (numbers, offered values); never secrets. */
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: DriverErrorCode, message: string, options: { cause?: unknown; detail?: Readonly<Record<string, unknown>> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DriverError';
    this.code = code;
    this.retryable = RETRYABLE.has(code);
    this.detail = options.detail ?? {};
  }
}

// ---------------------------------------------------------------- cameras (ONVIF)

/** One answer to WS-Discovery, or an address given by hand. */
export interface DiscoveredCamera {
  /** Endpoint reference (urn:uuid:...) that stays the same when the address changes; the address itself when there is none. */
  readonly endpoint: string;
  /** Device service address, e.g. http://192.0.2.7:80/onvif/device_service */
  readonly deviceUri: string;
  /** From the scopes, URI-decoded; may be empty. */
  readonly name: string;
  readonly hardware: string;
}

/** WS-Discovery on the site's network. */
export interface CameraDiscovery {
  /** Sends probes on every interface and collects answers for `listenMs`. Duplicates are joined by endpoint. */
  discover(options: { listenMs: number; signal: AbortSignal }): Promise<readonly DiscoveredCamera[]>;
}

/** GetDeviceInformation as the camera words it; any of them may be empty. */
export interface CameraIdentity {
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
  readonly serial: string;
}

/** How one encoder is set. */
export interface VideoEncoderSettings {
  readonly codec: 'H264' | 'H265' | 'JPEG' | 'MPEG4';
  readonly width: number;
  readonly height: number;
  /** Frames per second, as the camera limits it. */
  readonly frameRate: number;
  /** kbit/s; 0 when the camera does not say. */
  readonly bitrateKbps: number;
  /** Frames between two intra pictures; 0 when the camera does not say. */
  readonly gopLength: number;
}

/** One of a camera's streams: the first profile of a video source is its main stream, the smaller one its sub-stream. */
export interface CameraStream {
  readonly kind: 'main' | 'sub';
  readonly profileToken: string;
  readonly encoderToken: string;
  readonly name: string;
  readonly video: VideoEncoderSettings;
}

/** What a camera offers for one encoder. */
export interface VideoEncoderOptions {
  readonly resolutions: readonly { readonly width: number; readonly height: number }[];
  readonly frameRate: { readonly min: number; readonly max: number };
  readonly bitrateKbps: { readonly min: number; readonly max: number } | undefined;
  readonly gopLength: { readonly min: number; readonly max: number } | undefined;
}

/** When `signal` fires the call rejects with driver.aborted. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/** Speed of a movement, each axis -1..1; positive is right, up, tele. */
export interface PtzVelocity {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

/** What moves: an ONVIF camera's own PTZ service or gear on a serial bus. */
export interface PtzDriver {
  move(velocity: PtzVelocity, options: CallOptions): Promise<void>;
  stop(options: CallOptions): Promise<void>;
}

/** A camera that answers ONVIF. Every call has the driver's own total deadline (default 10 s) beside the caller's signal. */
export interface CameraDriver {
  /** Offset of the camera's clock to ours in ms (camera minus recorder), asked without authentication; also tells that it lives. */
  clockOffsetMs(options: CallOptions): Promise<number>;
  identify(options: CallOptions): Promise<CameraIdentity>;
  streams(options: CallOptions): Promise<readonly CameraStream[]>;
  /** rtsp:// address of a stream, rebuilt on the host the camera was reached at; without login. */
  streamUri(profileToken: string, options: CallOptions): Promise<string>;
  encoderOptions(stream: CameraStream, options: CallOptions): Promise<VideoEncoderOptions>;
  /** Sets and reads back; resolves with what the camera now says. */
  setEncoder(stream: CameraStream, wanted: VideoEncoderSettings, options: CallOptions): Promise<VideoEncoderSettings>;
  /** Asks for an intra picture now; `camera.unsupported` where it cannot. */
  synchronize(profileToken: string, options: CallOptions): Promise<void>;
  /** Undefined when the camera has no PTZ service on the main profile. */
  ptz(options: CallOptions): Promise<PtzDriver | undefined>;
  close(): void;
}

/** Makes a driver for one camera and sends nothing yet; throws camera.unreachable for an address that is none. */
export interface CameraConnector {
  connect(target: { readonly deviceUri: string; readonly login: Login | undefined }): CameraDriver;
}

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

// ---------------------------------------------------------------- serial gear

/** One port; 8 data bits and 1 stop bit always. `baudRate` in bits per second. */
export interface SerialPortSettings {
  /** Device path, e.g. /dev/ttyUSB0 or /dev/serial/by-id/... */
  readonly path: string;
  readonly baudRate: number;
  readonly parity: 'none' | 'even' | 'odd';
}

/** One port with everything that hangs on it; its writes go out one after another. */
export interface SerialBus {
  /** A PTZ driver for one address on the bus. */
  ptz(protocol: 'pelco-d', address: number): PtzDriver;
  /** Whether the port is open now, and why not. */
  state(): { readonly isOpen: boolean; readonly reason: string };
  close(): Promise<void>;
}

/** Makes buses. */
export interface SerialBusFactory {
  /** Opens in the background and again after unplugging; a dead bus never throws from here. */
  open(settings: SerialPortSettings): SerialBus;
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
