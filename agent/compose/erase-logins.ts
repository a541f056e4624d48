import type { Cameras } from '../cameras/ports.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { StateStore } from '../store/state-store.js';

/** Where logins of cameras are: sealed in the store, and in use in the registry. */
export interface LoginParts {
  readonly stores: { readonly state: Pick<StateStore, 'keys' | 'delete'> };
  readonly cameras: Pick<Cameras, 'list' | 'setLogin'>;
  readonly clock: Clock;
  readonly log: Log;
}

const PREFIX = 'camera-login.';
/** A camera that does not answer must not hold up the rest. */
const CAMERAS_MS = 5_000;

/**
 * Forgets every login that people gave for cameras; tells how many. The cameras stay, and are asked again with what the site file offers.
 * Rejects when the store does.
 */
export async function eraseLogins({ stores, cameras, clock, log }: LoginParts): Promise<number> {
  const keys = await stores.state.keys(PREFIX);
  for (const key of keys) await stores.state.delete(key);
  const forgotten = cameras.list().map(({ id }) => cameras.setLogin(id, undefined));
  const noted = Promise.allSettled(forgotten).then((all) => {
    for (const one of all) if (one.status === 'rejected') log.warn('a camera could not be asked anew', { error: one.reason });
  });
  await new Promise<void>((resolve) => {
    const timer = clock.after(CAMERAS_MS, resolve, true);
    void noted.then(() => {
      timer.cancel();
      resolve();
    });
  });
  return keys.length;
}
