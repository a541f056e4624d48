/** What moves: the part of the driver port that ONVIF cameras and serial gear share. Import it through port.ts. */
import type { CallOptions } from './port-base.js';

/** Speed of a movement, each axis -1..1; positive is right, up, tele. */
export interface PtzVelocity {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

/**
 * A place in the gear's own range: pan and tilt -1..1, zoom 0 (wide) to 1 (tele). An axis that is undefined stays as it is. Serial gear counts in
 * degrees: there 1 is 180 degrees of pan (clockwise from its zero) and 90 degrees of tilt (upward from the horizon).
 */
export interface PtzPosition {
  readonly pan: number | undefined;
  readonly tilt: number | undefined;
  readonly zoom: number | undefined;
}

/** A stored place. */
export interface PtzPreset {
  /** Gear's own name of the place, for `goto` and `removePreset`. */
  readonly token: string;
  /** For people; may be empty. */
  readonly name: string;
}

/** Where it looks now. What the gear does not tell is undefined. */
export interface PtzStatus {
  readonly position: PtzPosition;
  readonly isMoving: boolean | undefined;
  /** The gear's own words about a failure of its drive; empty when there is none. */
  readonly error: string;
}

/** A round along presets that the gear drives by itself. */
export interface PtzTour {
  readonly token: string;
  readonly name: string;
  readonly state: 'idle' | 'touring' | 'paused' | 'unknown';
}

/** Tours of the gear. */
export interface PtzTours {
  list(options: CallOptions): Promise<readonly PtzTour[]>;
  operate(token: string, act: 'start' | 'stop' | 'pause', options: CallOptions): Promise<void>;
}

/** The two movements that everything that moves can do. */
export interface PtzMotion {
  move(velocity: PtzVelocity, options: CallOptions): Promise<void>;
  stop(options: CallOptions): Promise<void>;
}

/**
 * What moves: an ONVIF camera's own PTZ service or gear on a serial bus. An optional member that is missing and one that rejects
 * `camera.unsupported` mean the same: the gear cannot do it.
 */
export interface PtzDriver extends PtzMotion {
  /** Drives to a preset. `camera.refused` for one that is not there. */
  goto?(presetToken: string, options: CallOptions): Promise<void>;
  presets?(options: CallOptions): Promise<readonly PtzPreset[]>;
  /** Stores where it looks now; with `token` in place of that preset. Resolves with the preset's token. */
  setPreset?(name: string, options: CallOptions & { readonly token?: string }): Promise<string>;
  removePreset?(presetToken: string, options: CallOptions): Promise<void>;
  home?(options: CallOptions): Promise<void>;
  /** Makes where it looks now its home. */
  setHome?(options: CallOptions): Promise<void>;
  /** One step from here, each axis -1..1 of the gear's whole range. */
  relative?(step: PtzVelocity, options: CallOptions): Promise<void>;
  absolute?(position: PtzPosition, options: CallOptions): Promise<void>;
  status?(options: CallOptions): Promise<PtzStatus>;
  /** Commands such as `tt:Wiper|On` (ONVIF) or `aux:3|on` (serial), as `auxiliaries` lists them. */
  auxiliary?(command: string, options: CallOptions): Promise<void>;
  /** What `auxiliary` takes; empty for none. */
  readonly auxiliaries?: readonly string[];
  readonly tours?: PtzTours;
}
