import { type CallOptions, DriverError, type PtzDriver, type PtzStatus, type PtzVelocity } from '../port.js';
import {
  VISCA_ZOOM_MAX,
  viscaDrive,
  viscaFocus,
  viscaHome,
  viscaInquiry,
  viscaMemory,
  viscaNumber,
  viscaZoom,
  viscaZoomTo,
} from './visca.js';
import type { ViscaDevice } from './visca-device.js';

const HIGHEST_MEMORY = 127;
const STILL = { pan: 0, tilt: 0 };
const FOCUS = { 'focus-near': 'near', 'focus-far': 'far', 'focus-stop': 'stop', 'focus-auto': 'auto' } as const;

/**
 * A camera that speaks VISCA. Pan and tilt have no range that all models share, so they are driven and remembered, not placed; zoom has. Memories are
 * numbers as on the wire, 0 to 127 (many models have 0 to 5 or 15).
 */
export function viscaPtz(device: ViscaDevice, address: number): PtzDriver {
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
      if (pan !== undefined || tilt !== undefined)
        throw new DriverError('camera.unsupported', 'VISCA cameras share no range for pan and tilt.');
      if (zoom !== undefined) await device.command({ bytes: viscaZoomTo(address, zoom), kind: 'other' }, options);
    },
    status: async (options): Promise<PtzStatus> => {
      const raw = viscaNumber(await device.inquire(viscaInquiry(address, 'zoom'), options), 0);
      const zoom = raw === undefined || raw < 0 ? undefined : Math.min(1, raw / VISCA_ZOOM_MAX);
      return { position: { pan: undefined, tilt: undefined, zoom }, isMoving: undefined, error: '' };
    },
    auxiliaries: Object.keys(FOCUS),
    auxiliary: async (command, options) => {
      const act = Object.hasOwn(FOCUS, command) ? FOCUS[command as keyof typeof FOCUS] : undefined;
      if (act === undefined) throw new DriverError('camera.unsupported', `This gear has no "${command}".`);
      await device.command({ bytes: viscaFocus(address, act), kind: 'other' }, options);
    },
  };
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
