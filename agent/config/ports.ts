import type { Login, VideoEncoderOptions, VideoEncoderSettings } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { ConfigDocument } from './document.js';

/** What the configuration feature needs from the rest of the house. The cameras feature fits ConfigCameras as it is. */

export type StreamKind = 'main' | 'sub';

/** One stream as the camera said last. */
export interface ConfigStream extends VideoEncoderSettings {
  readonly kind: StreamKind;
}

/** One camera as far as its configuration goes. */
export interface ConfigCamera {
  /** `cam-1`, ... */
  readonly id: string;
  /** Given by a person, else the camera's own: then of any length, and any characters. */
  readonly name: string;
  /** Only an `online` camera can be asked and set. */
  readonly state: 'unknown' | 'reachable' | 'unauthorized' | 'online' | 'fault';
  /** Why it is not online. */
  readonly reason: { readonly code: string; readonly say: string; readonly fix: string } | undefined;
  /** Empty until the camera was asked. */
  readonly streams: readonly ConfigStream[];
  /** Whether a login of its own is stored. */
  readonly hasLogin: boolean;
}

/** What may be changed at an encoder; absent means: as it is. */
export type EncoderPatch = Partial<Pick<VideoEncoderSettings, 'width' | 'height' | 'frameRate' | 'bitrateKbps' | 'gopLength'>>;

/** The cameras of this recorder. Every promise rejects with AgentError `cameras.*`; deadlines are the driver's (10 s per call). */
export interface ConfigCameras {
  /** In the order of their numbers. */
  list(): readonly ConfigCamera[];
  find(id: string): ConfigCamera | undefined;
  encoderOptions(id: string, kind: StreamKind, signal?: AbortSignal): Promise<VideoEncoderOptions>;
  /** Sets and reads back: `after` is what the camera says then. */
  setEncoder(
    id: string,
    kind: StreamKind,
    patch: EncoderPatch,
    signal?: AbortSignal,
  ): Promise<{ readonly before: VideoEncoderSettings; readonly after: VideoEncoderSettings }>;
  /** An empty text gives the camera's own name back. */
  rename(id: string, name: string): Promise<ConfigCamera>;
  /** Stores the login (undefined removes it) and asks the camera with it; resolves with the state after that. */
  setLogin(id: string, login: Login | undefined): Promise<ConfigCamera>;
  /** The login the camera is used with now; undefined when it has none or all were refused. */
  loginInUse(id: string): Login | undefined;
  /** Asks the camera everything anew; resolves with its state after that, whatever it is. */
  check(id: string): Promise<ConfigCamera>;
  /** Called after every change of any view. Returns the way to stop listening. */
  onChange(listener: () => void): () => void;
}

/** Durable memory of the configuration. */
export interface ConfigStore {
  /** Undefined before the first save. Checked against the schema ConfigDocument. */
  load(): Promise<ConfigDocument | undefined>;
  /** Resolves when it survives a power cut. */
  save(document: ConfigDocument): Promise<void>;
}

/** What the service is made of. */
export interface ConfigParts {
  readonly cameras: ConfigCameras;
  readonly store: ConfigStore;
  /** Name of the recorder until a person gives it one; 1 to 80 characters. */
  readonly recorderName: string;
  readonly clock: Clock;
  readonly log: Log;
}
