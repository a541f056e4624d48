/** Cameras that speak ONVIF: the part of the driver port about streams and discovery. Import it through port.ts. */
import type { CallOptions, Login } from './port-base.js';
import type {
  BackchannelDriver,
  CameraUpkeep,
  CameraUsers,
  DeviceIoDriver,
  EventSource,
  ImagingDriver,
  OverlayDriver,
  RecordingDriver,
} from './port-camera-extras.js';
import type { PtzDriver } from './port-ptz.js';

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

/** What a camera says of itself without being asked. */
export interface CameraGreetings {
  /** It came into the network (or back). */
  onHello(camera: DiscoveredCamera): void;
  /** It left; only the endpoint is known. */
  onBye(endpoint: string): void;
}

/** Finding cameras on the site's network. Where a network has IPv4 and IPv6, cameras answering on both are joined by endpoint. */
export interface CameraDiscovery {
  /** WS-Discovery: sends probes on every interface and collects answers for `listenMs`. Duplicates are joined by endpoint. */
  discover(options: { listenMs: number; signal: AbortSignal }): Promise<readonly DiscoveredCamera[]>;
  /**
   * Asks one host (name, IPv4, IPv6 with or without brackets, with or without `:port`) whether it speaks ONVIF, over its usual ports
   * and without login. Undefined when it does not. Deadline 10 s.
   */
  probe?(host: string, options: CallOptions): Promise<DiscoveredCamera | undefined>;
  /**
   * Asks every address of one IPv4 network, e.g. 192.0.2.0/24, one after another in small groups. Only for a person who asked for
   * it: `camera.refused` for more than 1024 addresses or a network this machine is not in. `onProgress` gets the part done, 0..1.
   */
  scan?(network: string, options: CallOptions & { readonly onProgress?: (part: number) => void }): Promise<readonly DiscoveredCamera[]>;
  /** Listens to Hello and Bye until closed. Rejects with camera.unreachable where the port cannot be had. */
  listen?(greetings: CameraGreetings, options: CallOptions): Promise<{ close(): Promise<void> }>;
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

/** One picture of a camera. */
export interface CameraSnapshot {
  /** `image/jpeg`, or what else the camera sends. */
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** One profile of a camera that has a picture, whether or not it was chosen as main or sub-stream. */
export type CameraProfile = Omit<CameraStream, 'kind'>;

/** One lens of a multi-lens camera, one channel of a recorder that speaks ONVIF; most cameras have one. */
export interface CameraSource {
  /** Video source token; empty when the camera names none. */
  readonly token: string;
  /** Tokens of its source configurations: some events name the picture by them. */
  readonly configurations?: readonly string[];
  /** From its profiles; may be empty. */
  readonly name: string;
  /** Its main stream and, if there is one, its sub-stream. */
  readonly streams: readonly CameraStream[];
  /** All its profiles with a picture, in the camera's order. */
  readonly profiles: readonly CameraProfile[];
}

/** What a camera has beyond streams; each is undefined when it has not. `ptz`, `imaging` and `overlays` are those of the one video source. */
export interface CameraCapabilities {
  readonly ptz: PtzDriver | undefined;
  readonly imaging: ImagingDriver | undefined;
  readonly events: EventSource | undefined;
  readonly recordings: RecordingDriver | undefined;
  readonly io: DeviceIoDriver | undefined;
  readonly overlays: OverlayDriver | undefined;
  readonly users: CameraUsers | undefined;
  readonly upkeep: CameraUpkeep | undefined;
  readonly backchannel?: BackchannelDriver | undefined;
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
  /**
   * Every video source, in the camera's order. A connection shows one of them (`sourceToken` of `connect`, else the first):
   * `streams`, `ptz` and picture settings are those of that one.
   */
  sources?(options: CallOptions): Promise<readonly CameraSource[]>;
  /**
   * One picture now, at most `maxBytes` (8 MiB unless said otherwise); `camera.unsupported` where there is none to be had, `camera.bad_answer` with
   * `limitBytes` in its detail where it is larger.
   */
  snapshot?(profileToken: string, options: CallOptions & { readonly maxBytes?: number }): Promise<CameraSnapshot>;
  /** Asked once, then remembered for the connection; cheap for whoever comes later. */
  capabilities?(options: CallOptions): Promise<CameraCapabilities>;
  close(): void;
}

/** Which camera, and which of its video sources. */
export interface CameraTarget {
  readonly deviceUri: string;
  readonly login: Login | undefined;
  /** Video source to show; absent or unknown to the camera: its first. */
  readonly sourceToken?: string | undefined;
}

/** Makes a driver for one camera and sends nothing yet; throws camera.unreachable for an address that is none. */
export interface CameraConnector {
  connect(target: CameraTarget): CameraDriver;
}
