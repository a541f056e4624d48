import { type CameraDriver, DriverError, type PtzDriver } from '../../drivers/port.js';

/** What is known of a camera whose picture comes by wire. */
export interface AnalogueParts {
  readonly gear: () => PtzDriver | undefined;
  /** Undefined when nothing of it hangs on a bus. */
  readonly state: () => { readonly isOpen: boolean; readonly reason: string } | undefined;
}

/**
 * A camera without ONVIF behind the camera port, so that it is a channel like any other: it lives while its bus is open, has no stream of its own,
 * and is moved over the bus.
 */
export function analogueCamera({ gear, state }: AnalogueParts): CameraDriver {
  const unsupported = (what: string): Promise<never> =>
    Promise.reject(new DriverError('camera.unsupported', `a camera that is connected by wire has no ${what} here`));
  return {
    clockOffsetMs: async () => {
      const bus = state();
      if (bus?.isOpen === false) throw new DriverError('serial.unavailable', bus.reason);
      return 0;
    },
    identify: async () => ({ manufacturer: '', model: '', firmware: '', serial: '' }),
    streams: async () => [],
    streamUri: () => unsupported('stream'),
    encoderOptions: () => unsupported('encoder'),
    setEncoder: () => unsupported('encoder'),
    synchronize: () => unsupported('stream'),
    ptz: async () => gear(),
    close: () => undefined,
  };
}
