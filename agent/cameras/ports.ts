import type {
  CameraConnector,
  CameraDiscovery,
  CameraEvent,
  CameraStream,
  Login,
  PtzDriver,
  StreamClient,
  VideoEncoderOptions,
  VideoEncoderSettings,
} from '../../drivers/port.js';
import type { SearchWish, TestStep } from '../contract/camera-views.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Picture } from './take-picture.js';

/**
 * What the cameras feature needs from the rest of the house, and what it offers to it. Compose hands the first part in
 * (CameraRegistryParts); live, config, health and the router use the second part (Cameras).
 */

// ---------------------------------------------------------------- needed

/** One channel as it is kept over restarts. Plain JSON. */
export interface StoredChannel {
  /** `cam-1`, `cam-2`, ... given in the order found; never given again to another camera. */
  readonly id: string;
  /** WS-Discovery endpoint reference, or the device address when it was added by address and not discovered yet. */
  readonly endpoint: string;
  /** Device service address, http or https. */
  readonly deviceUri: string;
  /** Name given by a person; empty means: the camera's own name. */
  readonly name: string;
  /** The camera's own name, model and so on when last seen, so that a list is useful while the camera is off. */
  readonly known: CameraFacts;
  /** Which video source of a device that has several; missing for the only one. */
  readonly source?: string | undefined;
  /** Host and port for which a person set the channel's own login; empty or another: it has moved since, and is not told the password itself. */
  readonly loginAt?: string | undefined;
}

/** The whole document of channels. */
export interface ChannelDocument {
  readonly version: 1;
  /** Number of the next channel. */
  readonly nextNumber: number;
  readonly channels: readonly StoredChannel[];
  /** Endpoints, addresses and `endpoint#source` a person removed: discovery does not bring them back. */
  readonly removed: readonly string[];
}

/** Durable memory of the channels. Logins go through their own pair so that the implementation can seal them. */
export interface ChannelStore {
  /** Undefined on the very first start. */
  load(): Promise<ChannelDocument | undefined>;
  /** Resolves when it is durable. */
  save(document: ChannelDocument): Promise<void>;
  /** The login a person set for this channel, or undefined. */
  loadLogin(channelId: string): Promise<Login | undefined>;
  /** Undefined removes it. */
  saveLogin(channelId: string, login: Login | undefined): Promise<void>;
}

/** PTZ gear on a serial bus that belongs to this channel; undefined when there is none. It wins over the camera's own PTZ. */
export type SerialPtz = (channelId: string) => PtzDriver | undefined;

/** Whether the bus on which this channel's gear hangs is open, and why not; undefined when nothing of it hangs on a bus. */
export type SerialState = (channelId: string) => { readonly isOpen: boolean; readonly reason: string } | undefined;

/** A camera whose picture comes by wire: it has no address in the network, only a place on a serial bus. */
export interface AnalogueChannel {
  readonly channel: string;
  readonly name: string;
}

/** Times of the registry's work in ms. */
export interface CameraTiming {
  /** Between two signs of life of one camera. */
  readonly probeMs: number;
  /** Between the first tries after a failure. */
  readonly retryMs: number;
  /** After this long an online camera is asked for everything again (password, streams). */
  readonly inspectMs: number;
  /** Between two discoveries while no camera is known. */
  readonly discoverWithoutCameraMs: number;
  /** Between two discoveries otherwise. */
  readonly discoverMs: number;
  /** How long answers to one discovery are collected. */
  readonly listenMs: number;
  /** After a camera went missing: it may have got another address. */
  readonly missedMs: number;
  /** Before listening to a camera's events is tried again; doubled each time, up to ten times this. */
  readonly eventsRetryMs: number;
}

/** What compose hands to the registry. */
export interface CameraRegistryParts {
  readonly connector: CameraConnector;
  /** Undefined turns discovery off: cameras are then only added by address. */
  readonly discovery: CameraDiscovery | undefined;
  /** Told of what stands in the operation log although nobody asked for it. Must not throw. */
  readonly note?: ((note: CameraNote) => void) | undefined;
  readonly store: ChannelStore;
  readonly serialPtz: SerialPtz;
  readonly serialState?: SerialState | undefined;
  /** Channels that exist whether or not anything answers in the network. */
  readonly analogue?: readonly AnalogueChannel[] | undefined;
  /** Pulls a camera's stream while it is tested; without it a test ends before the stream. */
  readonly streams?: StreamClient | undefined;
  /**
   * Logins tried in turn at cameras that have none of their own; each at most once per camera until something changes, and only the
   * first three: more wrong ones would lock the camera's account.
   */
  readonly groupLogins: readonly Login[];
  readonly clock: Clock;
  readonly log: Log;
  /** [0, 1); spreads the probes. Default Math.random. */
  readonly random?: () => number;
  /** Defaults: 30 s, 5 s, 5 min, 5 min, 15 min, 3 s, 15 s, 30 s. */
  readonly timing?: Partial<CameraTiming>;
}

// ---------------------------------------------------------------- offered

/** `unknown` not asked yet; `reachable` it answers, inspection under way; `online` usable; the other two carry a reason. */
export type CameraState = 'unknown' | 'reachable' | 'unauthorized' | 'online' | 'fault';

/** Why a camera is not usable, for a person. */
export interface CameraReason {
  /** `cameras.*`, stable. */
  readonly code: string;
  readonly say: string;
  readonly fix: string;
}

/** `main` is the largest picture of a camera, `sub` the next smaller one. */
export type StreamKind = CameraStream['kind'];

/** One stream as the camera is set now. */
export interface StreamView extends VideoEncoderSettings {
  readonly kind: StreamKind;
}

/** What the camera says of itself; empty texts when it never did. */
export interface CameraFacts {
  readonly name: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
  readonly serial: string;
}

/** One channel as everyone else sees it. Plain JSON, no secret inside. */
export interface CameraView {
  readonly id: string;
  /** Given by a person, else the camera's own, else its model, else its address. */
  readonly name: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly firmware: string;
  readonly serial: string;
  /** Host of the camera's address. */
  readonly host: string;
  readonly state: CameraState;
  readonly reason: CameraReason | undefined;
  readonly streams: readonly StreamView[];
  readonly ptz: 'onvif' | 'serial' | undefined;
  /** Wall clock ms of the last answer since the agent started; undefined when it has not answered yet. */
  readonly lastSeenAt: number | undefined;
  readonly hasLogin: boolean;
  /** What the camera itself complains of now. */
  readonly alarms: readonly CameraAlarm[];
}

/** Complaints of a camera about itself. Motion and inputs are no complaints: they are told as events only, and stand in no list. */
export type CameraAlarm = Extract<CameraEvent['kind'], 'tamper' | 'video-loss' | 'hardware-failure'>;

/**
 * Something about a camera that nobody asked for and that the owner will want to find again. `appeared` and `moved`: a search did it by itself.
 * `input`: a contact at the camera. Motion is not among them: who walks by is no act on this recorder.
 */
export type CameraNote =
  | { readonly kind: 'appeared'; readonly channel: string }
  | { readonly kind: 'moved'; readonly channel: string; readonly fromHost: string; readonly toHost: string }
  | { readonly kind: 'alarm'; readonly channel: string; readonly alarm: CameraAlarm; readonly isOn: boolean }
  | { readonly kind: 'input'; readonly channel: string; readonly input: string; readonly isOn: boolean };

/** What a search came to. */
export interface SearchResult {
  /** Channels that are new. */
  readonly found: readonly string[];
  /** Channels whose camera answered and was known. */
  readonly known: readonly string[];
  /** Cameras that answered and that a person removed: they come back only by being added. */
  readonly removed: number;
}

/** All that is needed to pull one stream. */
export interface ResolvedStream {
  readonly uri: string;
  readonly allowedHost: string;
  readonly login: Login | undefined;
  readonly profileToken: string;
}

/** What may be changed at an encoder; absent means: as it is. */
export type EncoderPatch = Partial<Pick<VideoEncoderSettings, 'width' | 'height' | 'frameRate' | 'bitrateKbps' | 'gopLength'>>;

/** A change that was made, from and to. */
export interface EncoderChange {
  readonly before: VideoEncoderSettings;
  /** Read back from the camera. */
  readonly after: VideoEncoderSettings;
}

/**
 * The cameras of this recorder. Every promise rejects with AgentError `cameras.*` and nothing else; all deadlines are the
 * driver's (10 s per call). `signal` aborts with `cameras.cancelled`.
 */
export interface Cameras {
  /** In the order of their numbers. Cheap; the same array until something changes. */
  list(): readonly CameraView[];
  find(id: string): CameraView | undefined;
  /** The login the camera is used with now, for whoever pulls its stream; undefined when it has none or all were refused. */
  loginInUse(id: string): Login | undefined;
  /** `cameras.no_such_camera`, `cameras.no_such_stream`, or the reason the camera is not usable. */
  resolveStream(id: string, kind: StreamKind, signal?: AbortSignal): Promise<ResolvedStream>;
  /**
   * A still picture now, of the sub-stream where there is one: smaller, and enough to see which camera it is. `cameras.no_picture`,
   * `cameras.picture_too_large`, or the reason the camera is not usable.
   */
  picture(id: string, signal?: AbortSignal): Promise<Picture>;
  /** Asks the camera for an intra picture now. */
  synchronize(id: string, kind: StreamKind, signal?: AbortSignal): Promise<void>;
  /**
   * Throws `cameras.no_such_camera` or `cameras.no_ptz`. A movement stops by itself within 1 s unless `move` is called again. Every member is
   * there; what the gear cannot do rejects `cameras.unsupported`.
   */
  ptz(id: string): PtzDriver;
  encoderOptions(id: string, kind: StreamKind, signal?: AbortSignal): Promise<VideoEncoderOptions>;
  /** `cameras.not_offered` names in `detail.offers` what the camera has (VideoEncoderOptions). */
  setEncoder(id: string, kind: StreamKind, patch: EncoderPatch, signal?: AbortSignal): Promise<EncoderChange>;
  /** 1 to 80 characters without control characters; an empty text gives the camera's own name back. `cameras.bad_name`. */
  rename(id: string, name: string): Promise<CameraView>;
  /** Stores the login (undefined removes it), forgets earlier refusals and asks the camera at once; resolves with the state after that. */
  setLogin(id: string, login: Login | undefined): Promise<CameraView>;
  /** `onvif://[user:password@]host[:port][/path]`, http or https; asks at once. `cameras.bad_address`. */
  add(address: string, login: Login | undefined): Promise<CameraView>;
  remove(id: string): Promise<void>;
  /** Asks one camera now, even when its login was refused before. */
  check(id: string): Promise<CameraView>;
  /** Asks everything of one camera from end to end, over a connection of its own; what fails stands in its step. `cameras.no_such_camera`. */
  test(id: string, signal?: AbortSignal): Promise<readonly TestStep[]>;
  /** A stream that was pulled from this address failed: its camera is inspected at once. */
  streamFailed(uri: string): void;
  /** Told of everything that cameras notice. Returns the way to stop listening. */
  onEvent(listener: (id: string, event: CameraEvent) => void): () => void;
  /**
   * Searches now because a person asks for it: everywhere, at one host, or one network address by address. `cameras.discovery_off`,
   * `cameras.nobody_there`, `cameras.bad_network`, `cameras.search_running`.
   */
  discover(wish?: SearchWish, signal?: AbortSignal): Promise<SearchResult>;
  /** Called after every change of any view. Returns the way to stop listening. */
  onChange(listener: (changed: CameraView, kind: 'added' | 'changed' | 'removed') => void): () => void;
}
