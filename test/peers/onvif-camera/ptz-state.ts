/** Where the camera looks, as a function of time: continuous motion with a time limit, moves to a target, presets. Pure. */

/** Pan and tilt -1..1, zoom 0..1. */
export interface PtzPosition {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

/** Each -1..1 as a part of full speed. */
export type PtzVelocity = PtzPosition;

export interface PtzPreset {
  readonly token: string;
  readonly name: string;
  readonly position: PtzPosition;
}

export const MAX_PRESETS = 16;
const UNITS_PER_SECOND = 0.25;
/** Moves to a target go at this speed on every axis. */
const SEEK_UNITS_PER_SECOND = 2;

interface Axis {
  from: number;
  startedAt: number;
  speed: number;
  until: number;
}

const REST: Axis = { from: 0, startedAt: 0, speed: 0, until: 0 };
const LIMITS = { pan: [-1, 1], tilt: [-1, 1], zoom: [0, 1] } as const;
type AxisName = keyof typeof LIMITS;
const NAMES: readonly AxisName[] = ['pan', 'tilt', 'zoom'];

/** A camera that looks straight ahead, zoomed out, until it is moved. All times are ms since 1970. */
export class PtzState {
  readonly #axes: Record<AxisName, Axis> = { pan: { ...REST }, tilt: { ...REST }, zoom: { ...REST } };
  readonly #presets = new Map<string, PtzPreset>();
  #home: PtzPosition = { pan: 0, tilt: 0, zoom: 0 };

  get home(): PtzPosition {
    return this.#home;
  }

  get presets(): readonly PtzPreset[] {
    return [...this.#presets.values()];
  }

  position(now: number): PtzPosition {
    return { pan: this.#valueAt('pan', now), tilt: this.#valueAt('tilt', now), zoom: this.#valueAt('zoom', now) };
  }

  /** Pan/tilt and zoom separately: whether they move at that time. */
  isMoving(now: number): { readonly panTilt: boolean; readonly zoom: boolean } {
    return { panTilt: this.#isAxisMoving('pan', now) || this.#isAxisMoving('tilt', now), zoom: this.#isAxisMoving('zoom', now) };
  }

  /** Speeds are -1..1, full speed is a quarter of the unit range each second. An axis that is not given keeps its motion. */
  move(velocity: { panTilt?: { x: number; y: number }; zoom?: number }, timeoutMs: number, now: number): void {
    const { panTilt, zoom } = velocity;
    if (panTilt !== undefined) {
      this.#drive('pan', panTilt.x * UNITS_PER_SECOND, now + timeoutMs, now);
      this.#drive('tilt', panTilt.y * UNITS_PER_SECOND, now + timeoutMs, now);
    }
    if (zoom !== undefined) this.#drive('zoom', zoom * UNITS_PER_SECOND, now + timeoutMs, now);
  }

  stop(axes: { panTilt: boolean; zoom: boolean }, now: number): void {
    const stopped = [...(axes.panTilt ? (['pan', 'tilt'] as const) : []), ...(axes.zoom ? (['zoom'] as const) : [])];
    for (const name of stopped) this.#drive(name, 0, now, now);
  }

  goTo(target: PtzPosition, now: number): void {
    for (const name of NAMES) {
      const way = target[name] - this.#valueAt(name, now);
      this.#drive(name, Math.sign(way) * SEEK_UNITS_PER_SECOND, now + (Math.abs(way) / SEEK_UNITS_PER_SECOND) * 1000, now);
    }
  }

  /** Makes or overwrites a preset at the present position; undefined when all places are taken or the token is unknown. */
  setPreset(token: string | undefined, name: string | undefined, now: number): string | undefined {
    if (token !== undefined && !this.#presets.has(token)) return undefined;
    let made = token;
    for (let number = 1; made === undefined && number <= MAX_PRESETS; number += 1) {
      if (!this.#presets.has(String(number))) made = String(number);
    }
    if (made === undefined) return undefined;
    const label = name ?? this.#presets.get(made)?.name ?? `Preset ${made}`;
    this.#presets.set(made, { token: made, name: label, position: this.position(now) });
    return made;
  }

  removePreset(token: string): void {
    this.#presets.delete(token);
  }

  setHome(now: number): void {
    this.#home = this.position(now);
  }

  #valueAt(name: AxisName, now: number): number {
    const { from, startedAt, speed, until } = this.#axes[name];
    const [min, max] = LIMITS[name];
    const seconds = Math.max(0, Math.min(now, until) - startedAt) / 1000;
    return Math.min(max, Math.max(min, from + speed * seconds));
  }

  #isAxisMoving(name: AxisName, now: number): boolean {
    const { speed, until } = this.#axes[name];
    const [min, max] = LIMITS[name];
    const at = this.#valueAt(name, now);
    return now < until && ((speed > 0 && at < max) || (speed < 0 && at > min));
  }

  #drive(name: AxisName, speed: number, until: number, now: number): void {
    this.#axes[name] = { from: this.#valueAt(name, now), startedAt: now, speed, until };
  }
}
