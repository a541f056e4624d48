/** What some cameras have beyond pictures and movement: parts of the driver port. Import it through port.ts. */
import type { CallOptions, DriverError, Login } from './port-base.js';

// ---------------------------------------------------------------- picture

/** How a camera's picture is set; each value 0..1 of the camera's own range. Undefined: the camera does not tell or have it. */
export interface ImagingSettings {
  readonly brightness: number | undefined;
  readonly contrast: number | undefined;
  readonly saturation: number | undefined;
  readonly sharpness: number | undefined;
  /** Infrared cut filter: `on` by day, `off` by night. */
  readonly irCut: 'auto' | 'on' | 'off' | undefined;
  readonly isWideDynamicRange: boolean | undefined;
}

/** What may be changed; absent means: as it is. */
export type ImagingChange = Partial<ImagingSettings>;

/** Which of the settings a camera takes. */
export interface ImagingOptions {
  /** Names of the settings that may be changed. */
  readonly adjustable: readonly (keyof ImagingSettings)[];
  readonly irCut: readonly ('auto' | 'on' | 'off')[];
  readonly canFocus: boolean;
}

/** Picture settings and focus of one video source. */
export interface ImagingDriver {
  options(options: CallOptions): Promise<ImagingOptions>;
  read(options: CallOptions): Promise<ImagingSettings>;
  /** Sets and reads back. `camera.refused`, `camera.unsupported`. */
  write(change: ImagingChange, options: CallOptions): Promise<ImagingSettings>;
  /** Speed -1 (near) to 1 (far); 'stop' ends the movement. */
  focus(move: number | 'stop', options: CallOptions): Promise<void>;
}

// ---------------------------------------------------------------- events

/** Something a camera noticed. */
export interface CameraEvent {
  readonly kind: 'motion' | 'tamper' | 'video-loss' | 'digital-input' | 'relay' | 'hardware-failure';
  readonly isOn: boolean;
  /** Token of the video source, input, relay or part it is about; may be empty. */
  readonly source: string;
  /** The camera's own time of it corrected to ours, ms since 1970; null when it does not say. */
  readonly atMs: number | null;
  /** It was so already when listening began. */
  readonly isInitial: boolean;
}

/** Who hears of a camera's events. */
export interface CameraEventHandlers {
  onEvent(event: CameraEvent): void;
  /** The camera has just answered, with or without news: nobody need ask it whether it lives. */
  onAlive?(): void;
  /** Called once when listening ended for good without `close()`; what can be mended (a reboot, a lost subscription) is mended first. */
  onEnd(reason: DriverError): void;
}

/** Events of one camera. */
export interface EventSource {
  /**
   * Kinds that the camera can tell of, by its own list of topics (GetEventProperties); none it names is one of ours: an empty list. Undefined: it
   * does not tell, which says nothing about what it does. A camera may name a kind and never report it because the detection is switched off.
   */
  kinds?(options: CallOptions): Promise<readonly CameraEvent['kind'][] | undefined>;
  /** Resolves once events are listened to. `signal` firing ends it like `close()`. */
  open(handlers: CameraEventHandlers, options: CallOptions): Promise<{ close(): Promise<void> }>;
}

// ---------------------------------------------------------------- recordings inside the camera

/** A stretch of time that is recorded, ms since 1970. */
export interface RecordingSpan {
  /** Recording token, for `replayUri`. */
  readonly recording: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** All that a camera has recorded; the times are undefined when it has nothing. */
export interface RecordingSummary {
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly count: number;
}

/** Recordings on the camera's own storage (Profile G). */
export interface RecordingDriver {
  summary(options: CallOptions): Promise<RecordingSummary>;
  /** Recorded stretches that touch the time asked for, in order. */
  find(between: { readonly fromMs: number; readonly toMs: number }, options: CallOptions): Promise<readonly RecordingSpan[]>;
  /** rtsp:// address on the reached host, without login. */
  replayUri(recording: string, options: CallOptions): Promise<string>;
  /** Camera's clock minus ours in ms, now; undefined where it does not tell its time or contradicts itself. The times above are by its clock. */
  clockOffsetMs(options: CallOptions): Promise<number | undefined>;
}

// ---------------------------------------------------------------- inputs and outputs

/** A relay output. */
export interface CameraRelay {
  readonly token: string;
  /** Undefined: the camera does not tell. */
  readonly isOn: boolean | undefined;
  /** It falls back by itself after a time. */
  readonly isMomentary: boolean;
}

/** A digital input. */
export interface CameraInput {
  readonly token: string;
  /** Undefined: the camera does not tell. */
  readonly isOn: boolean | undefined;
}

/** Relays and digital inputs. */
export interface DeviceIoDriver {
  relays(options: CallOptions): Promise<readonly CameraRelay[]>;
  setRelay(token: string, isOn: boolean, options: CallOptions): Promise<void>;
  inputs(options: CallOptions): Promise<readonly CameraInput[]>;
}

// ---------------------------------------------------------------- speaking through the camera

/** What a camera takes to be heard on site. */
export interface AudioBackchannel {
  /** Tokens of its audio outputs. */
  readonly outputs: readonly string[];
  /** Empty: the camera does not say; most of those take G711. */
  readonly codecs: readonly ('AAC' | 'G711' | 'G726')[];
  /** Profiles that carry the way back: asked for with the header below, their stream has an audio section with `sendonly`. */
  readonly profiles: readonly string[];
}

/** The way back for sound (RTSP with `Require: www.onvif.org/ver20/backchannel`). */
export interface BackchannelDriver {
  /** Undefined when the camera has no output. */
  describe(options: CallOptions): Promise<AudioBackchannel | undefined>;
  /**
   * Makes a profile carry the way back: adds the camera's output and its decoder where they are missing. Resolves at once where they are there.
   * `camera.unsupported`, `camera.refused` (many cameras keep their profiles as they are).
   */
  bind?(profileToken: string, options: CallOptions): Promise<void>;
}

// ---------------------------------------------------------------- text in the picture

/** One text or other mark that the camera draws into its picture. */
export interface CameraOverlay {
  readonly token: string;
  readonly kind: 'text' | 'other';
  /** Plain text; empty for a date, a clock or a picture. */
  readonly text: string;
}

/** Where a new text goes. */
export type OverlayPlace = 'upper-left' | 'upper-right' | 'lower-left' | 'lower-right';

/** Texts in the picture of one video source (OSD). */
export interface OverlayDriver {
  list(options: CallOptions): Promise<readonly CameraOverlay[]>;
  /** Resolves with the token. */
  create(text: string, place: OverlayPlace, options: CallOptions): Promise<string>;
  /** `camera.unsupported` for what is no plain text. */
  setText(token: string, text: string, options: CallOptions): Promise<void>;
  remove(token: string, options: CallOptions): Promise<void>;
}

// ---------------------------------------------------------------- users and upkeep

/** What a user of the camera may do. */
export type CameraUserLevel = 'administrator' | 'operator' | 'user' | 'anonymous';

/** One user of the camera. */
export interface CameraUser {
  readonly name: string;
  readonly level: CameraUserLevel;
}

/** Users of the camera itself. */
export interface CameraUsers {
  list(options: CallOptions): Promise<readonly CameraUser[]>;
  create(login: Login, level: CameraUserLevel, options: CallOptions): Promise<void>;
  /** The level stays as it is. */
  setPassword(login: Login, options: CallOptions): Promise<void>;
  remove(name: string, options: CallOptions): Promise<void>;
}

/** The camera's clock. */
export interface CameraTime {
  /** ms since 1970; undefined when it does not tell. */
  readonly atMs: number | undefined;
  /** POSIX TZ such as CET-1CEST,M3.5.0,M10.5.0/3; may be empty. */
  readonly zone: string;
  readonly isNtp: boolean;
  /** Names or addresses of its time servers. */
  readonly servers: readonly string[];
}

/** How the camera's clock is to be set. */
export interface CameraTimeChange {
  /** Wall clock ms now; undefined leaves the clock to its time servers. */
  readonly atMs: number | undefined;
  /** POSIX TZ; undefined leaves it as it is. */
  readonly zone: string | undefined;
  /** Time servers to use; undefined leaves them as they are, an empty list turns NTP off. */
  readonly ntp: readonly string[] | undefined;
}

/** An image for the camera. */
export interface CameraFirmware {
  readonly sizeBytes: number;
  /**
   * All the bytes from the first on, read no faster than the camera takes them. Called twice where a camera wants a login only when
   * the image comes.
   */
  read(): AsyncIterable<Uint8Array>;
}

/** Time, restart and firmware of the camera. */
export interface CameraUpkeep {
  time(options: CallOptions): Promise<CameraTime>;
  setTime(change: CameraTimeChange, options: CallOptions): Promise<void>;
  /** Resolves with the camera's own words about it once it agreed to restart. */
  reboot(options: CallOptions): Promise<string>;
  /**
   * Sends the image; resolves with the time in ms the camera expects to be away. `progress` gets the part sent, 0..1. Once
   * the image is on its way `signal` counts no more, for half an image may be the end of a camera; it fails after a minute without
   * progress, or five minutes without an answer to the whole. One at a time: `camera.refused`.
   */
  upgradeFirmware(source: CameraFirmware, progress: (part: number) => void, options: CallOptions): Promise<number>;
}
