import { type CallOptions, DriverError, type PtzDriver, type PtzPosition, type PtzStatus, type PtzVelocity } from '../port.js';
import {
  VISCA_ZOOM_MAX,
  viscaDrive,
  viscaFocus,
  viscaHome,
  viscaInquiry,
  viscaMemory,
  viscaNumber,
  viscaPosition,
  viscaZoom,
  viscaZoomTo,
} from './visca.js';
import type { ViscaDevice } from './visca-device.js';
import { placeOf, readViscaSteps, stepsOf, type ViscaScale, type ViscaSteps, viscaScale } from './visca-place.js';

const HIGHEST_MEMORY = 127;
const STILL = { pan: 0, tilt: 0 };
const FOCUS = { 'focus-near': 'near', 'focus-far': 'far', 'focus-stop': 'stop', 'focus-auto': 'auto' } as const;

/**
 * A camera that speaks VISCA. How many steps its motors have in a degree is known by its model or told by whoever installed it (`stepsPerDegree`): without
 * either, pan and tilt are driven and remembered, not placed. Memories are numbers as on the wire, 0 to 127 (many models have 0 to 5 or 15).
 */
export function viscaPtz(device: ViscaDevice, address: number, stepsPerDegree?: number): PtzDriver {
  const places = new Places(device, address, stepsPerDegree);
  const motion = new Motion(device, address);
  const memory = async (act: 'set' | 'clear' | 'goto', token: string, options: CallOptions): Promise<void> => {
    const number = /^\d{1,3}$/.test(token) ? Number(token) : Number.NaN;
    if (!(number <= HIGHEST_MEMORY)) throw refused(token);
    await device.command({ bytes: viscaMemory(address, act, number), kind: 'other' }, options);
  };
  return {
    move: (velocity, options) => motion.move(velocity, options),
    stop: (options) => motion.stop(options),
    goto: (token, options) => memory('goto', token, options),
    setPreset: async (name, options) => {
      const token = options.token ?? name.match(/\d+/)?.[0] ?? name;
      await memory('set', token, options);
      return String(Number(token));
    },
    removePreset: (token, options) => memory('clear', token, options),
    home: (options) => device.command({ bytes: viscaHome(address), kind: 'other' }, options),
    absolute: async ({ pan, tilt, zoom }, options) => {
      if (pan !== undefined || tilt !== undefined) await places.lookAt({ pan, tilt }, options);
      if (zoom !== undefined) await device.command({ bytes: viscaZoomTo(address, zoom), kind: 'other' }, options);
    },
    relative: async ({ pan, tilt, zoom }, options) => {
      if (pan !== 0 || tilt !== 0) await places.turnBy({ pan, tilt }, options);
      if (zoom === 0) return;
      const now = (await places.zoom(options)) ?? 0;
      await device.command({ bytes: viscaZoomTo(address, now + zoom), kind: 'other' }, options);
    },
    status: async (options): Promise<PtzStatus> => {
      const zoom = await places.zoom(options);
      const { pan, tilt } = (await places.now(options)) ?? { pan: undefined, tilt: undefined };
      return { position: { pan, tilt, zoom }, isMoving: undefined, error: '' };
    },
    auxiliaries: Object.keys(FOCUS),
    auxiliary: async (command, options) => {
      const act = Object.hasOwn(FOCUS, command) ? FOCUS[command as keyof typeof FOCUS] : undefined;
      if (act === undefined) throw new DriverError('camera.unsupported', `This gear has no "${command}".`);
      await device.command({ bytes: viscaFocus(address, act), kind: 'other' }, options);
    },
  };
}

/** Where the camera looks. */
class Places {
  readonly #device: ViscaDevice;
  readonly #address: number;
  /** Undefined until the camera was asked for its model; null when that tells nothing. */
  #scale: ViscaScale | null | undefined;

  constructor(device: ViscaDevice, address: number, stepsPerDegree: number | undefined) {
    this.#device = device;
    this.#address = address;
    this.#scale = stepsPerDegree === undefined ? undefined : { pan: stepsPerDegree, tilt: stepsPerDegree };
  }

  /** An axis that is undefined stays as it is. */
  async lookAt({ pan, tilt }: Pick<PtzPosition, 'pan' | 'tilt'>, options: CallOptions): Promise<void> {
    const scale = await this.#known(options);
    const wanted = stepsOf({ pan: pan ?? 0, tilt: tilt ?? 0 }, scale);
    const now = pan === undefined || tilt === undefined ? await this.#steps(options) : wanted;
    await this.#drive(
      'absolute',
      { pan: pan === undefined ? now.pan : wanted.pan, tilt: tilt === undefined ? now.tilt : wanted.tilt },
      options,
    );
  }

  async turnBy(step: ViscaSteps, options: CallOptions): Promise<void> {
    await this.#drive('relative', stepsOf(step, await this.#known(options)), options);
  }

  /** 0..1; undefined when the answer is none. */
  async zoom(options: CallOptions): Promise<number | undefined> {
    const raw = viscaNumber(await this.#device.inquire(viscaInquiry(this.#address, 'zoom'), options), 0);
    return raw === undefined || raw < 0 ? undefined : Math.min(1, raw / VISCA_ZOOM_MAX);
  }

  /** Undefined for a camera whose steps are not known. To be asked behind something that it answered: then silence means that it does not know. */
  async now(options: CallOptions): Promise<Pick<PtzPosition, 'pan' | 'tilt'> | undefined> {
    const scale = await this.#scaleOf(options).catch((error: unknown) => {
      if (!(error instanceof DriverError) || error.code !== 'serial.timeout') throw error;
      this.#scale = null;
      return null;
    });
    return scale === null ? undefined : placeOf(await this.#steps(options), scale);
  }

  async #drive(kind: 'absolute' | 'relative', steps: ViscaSteps, options: CallOptions): Promise<void> {
    try {
      await this.#device.command({ bytes: viscaPosition(this.#address, kind, steps), kind: 'other' }, options);
    } catch (error) {
      // Cameras call a place beyond their range a mistake in the message.
      if (!(error instanceof DriverError) || error.code !== 'camera.unsupported') throw error;
      throw new DriverError('camera.refused', 'The camera cannot look there.', { cause: error, detail: { ...steps } });
    }
  }

  async #steps(options: CallOptions): Promise<ViscaSteps> {
    const steps = readViscaSteps(await this.#device.inquire(viscaInquiry(this.#address, 'position'), options));
    if (steps === undefined) throw new DriverError('camera.unsupported', 'The camera tells where it looks in a form that is not known.');
    return steps;
  }

  async #known(options: CallOptions): Promise<ViscaScale> {
    const scale = await this.#scaleOf(options);
    if (scale !== null) return scale;
    const message =
      'How many steps this camera has in a degree is not known by its model; name them (stepsPerDegree) where the camera is set up.';
    throw new DriverError('camera.unsupported', message);
  }

  /** Asked once; silence is no answer, and asked again. */
  async #scaleOf(options: CallOptions): Promise<ViscaScale | null> {
    if (this.#scale !== undefined) return this.#scale;
    try {
      this.#scale = viscaScale(await this.#device.inquire(viscaInquiry(this.#address, 'version'), options)) ?? null;
    } catch (error) {
      const isRefusal = error instanceof DriverError && (error.code === 'camera.unsupported' || error.code === 'camera.refused');
      if (!isRefusal) throw error;
      this.#scale = null;
    }
    return this.#scale;
  }
}

/** Pan and tilt, and zoom, are two commands; what did not move and is not to move is left alone. */
class Motion {
  readonly #device: ViscaDevice;
  readonly #address: number;
  /** Whatever may be turning from before we came is stopped by the first stop. */
  #isDriving = false;
  #isZooming = false;

  constructor(device: ViscaDevice, address: number) {
    this.#device = device;
    this.#address = address;
  }

  async move(velocity: PtzVelocity, options: CallOptions): Promise<void> {
    const drive = viscaDrive(this.#address, velocity);
    const zoom = viscaZoom(this.#address, velocity.zoom);
    const wasDriving = this.#isDriving;
    const wasZooming = this.#isZooming;
    this.#isDriving = !drive.equals(this.#stops[0]);
    this.#isZooming = !zoom.equals(this.#stops[1]);
    if (!this.#isDriving && !this.#isZooming) return this.stop(options);
    const undo = Buffer.concat(this.#stops);
    await Promise.all([
      this.#isDriving || wasDriving ? this.#device.command({ bytes: drive, kind: 'move', part: 'drive', undo }, options) : undefined,
      this.#isZooming || wasZooming ? this.#device.command({ bytes: zoom, kind: 'move', part: 'zoom', undo }, options) : undefined,
    ]);
  }

  async stop(options: CallOptions): Promise<void> {
    const [drive, zoom] = this.#stops;
    await Promise.all([
      this.#device.command({ bytes: drive, kind: 'stop', part: 'drive' }, options),
      this.#device.command({ bytes: zoom, kind: 'stop', part: 'zoom' }, options),
    ]);
    this.#isDriving = false;
    this.#isZooming = false;
  }

  get #stops(): readonly [Buffer, Buffer] {
    return [viscaDrive(this.#address, STILL), viscaZoom(this.#address, 0)];
  }
}

function refused(token: string): DriverError {
  return new DriverError('camera.refused', `This camera knows presets by number, 0 to ${HIGHEST_MEMORY}; "${token}" is none.`);
}
