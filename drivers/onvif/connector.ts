import type { CameraConnector, DriverClock, DriverLog } from '../port.js';
import { CameraAccess } from './access.js';
import { parseReached } from './address.js';
import { OnvifDriver } from './driver.js';
import { OnvifSession } from './session.js';
import { createTransport } from './transport.js';
import { createXmlReader } from './xml-reader.js';

/** What the connector is made with. */
export interface ConnectorParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
}

/**
 * Connects to ONVIF cameras. What must outlive one connection (certificate pin, way of authentication, refusals) is kept here by
 * `host:port` until the process ends. `connect` throws `camera.unreachable` for an address that is none; it sends nothing.
 */
export function createOnvifConnector({ clock, log }: ConnectorParts): CameraConnector {
  const known = new Map<string, CameraAccess>();
  const reader = createXmlReader(clock);
  return {
    connect({ deviceUri, login, sourceToken }) {
      const reached = parseReached(deviceUri);
      const access = known.get(reached.key) ?? new CameraAccess(clock);
      known.set(reached.key, access);
      const transport = createTransport(reached, access.pin, (news, fingerprint) => {
        const facts = { camera: reached.key, fingerprint };
        if (news === 'first') log.info('the certificate of a camera is remembered', facts);
        else log.warn('a camera shows another certificate than before', { ...facts, expected: access.pin.fingerprint });
      });
      const session = new OnvifSession({ clock, reached, login, access, transport, reader });
      return new OnvifDriver({ reached, session, clock, log, sourceToken });
    },
  };
}
