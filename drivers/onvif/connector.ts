import type { CameraConnector, DriverClock, DriverLog } from '../port.js';
import { CameraAccess } from './access.js';
import { parseReached } from './address.js';
import { OnvifDriver } from './driver.js';
import { OnvifSession } from './session.js';
import { createTransport } from './transport.js';

/**
 * Connects to ONVIF cameras. What must outlive one connection (certificate pin, way of authentication, refusals) is kept here by
 * `host:port` until the process ends. `connect` throws `camera.unreachable` for an address that is none; it sends nothing.
 */
export function createOnvifConnector(parts: { readonly clock: DriverClock; readonly log: DriverLog }): CameraConnector {
  const known = new Map<string, CameraAccess>();
  return {
    connect({ deviceUri, login }) {
      const reached = parseReached(deviceUri);
      const access = known.get(reached.key) ?? new CameraAccess(parts.clock);
      known.set(reached.key, access);
      const transport = createTransport(reached, access.pin);
      const session = new OnvifSession({ clock: parts.clock, reached, login, access, transport });
      return new OnvifDriver({ reached, session, clock: parts.clock, log: parts.log });
    },
  };
}
