import type { Cameras } from '../cameras/ports.js';
import type { SiteFile } from '../contract/site-file.js';
import type { Log } from '../kernel/log.js';
import { Secret } from '../kernel/secret.js';
import type { Service } from '../kernel/service.js';

/** Cameras that the site file names: added in the background, so that one that is off holds nobody up. */
export function addSiteCameras(site: SiteFile, cameras: Cameras, log: Log): Service {
  const wanted = site.cameras?.add ?? [];
  // All at once: one that hangs must not keep the others waiting. Channels are numbered in the order of the file all the same.
  const addAll = (): Promise<unknown> =>
    Promise.all(
      wanted.map(({ address, login }) => {
        const secret = login && { user: login.user, password: new Secret(login.password) };
        return cameras
          .add(address, secret)
          .catch((error: unknown) => log.warn('a camera of the site file cannot be used yet', { address, error }));
      }),
    );
  return {
    name: 'site-cameras',
    start: async () => {
      if (wanted.length > 0) void addAll();
    },
    stop: () => Promise.resolve(),
  };
}
