import type { CameraIdentity, DiscoveredCamera, Login } from '../../drivers/port.js';
import { isLasting } from './address.js';
import type { StoredChannel } from './ports.js';
import { NO_FACTS } from './view.js';

/** What is written down of a channel when something is learnt of its camera. Pure; each gives only what changes. */

/** Discovery told of it: its own name, its lasting endpoint when it was added by address, and its address when it may follow it there. */
export function retold(stored: StoredChannel, camera: DiscoveredCamera, mayMove: boolean): Partial<StoredChannel> {
  return {
    endpoint: isLasting(stored.endpoint) ? stored.endpoint : camera.endpoint,
    known: camera.name === '' ? stored.known : { ...stored.known, name: camera.name },
    ...(mayMove ? { deviceUri: camera.deviceUri } : {}),
  };
}

/** It was read with its login. A serial number that it once told is kept: by it another camera in its place is known. */
export function identified({ known: { name, serial } }: StoredChannel, identity: CameraIdentity): Partial<StoredChannel> {
  return { known: { ...identity, serial: identity.serial || serial, name } };
}

/** Another camera took its place with a person's consent: nothing of the one before counts but what it is called. */
export function forgotten({ deviceUri, known: { name } }: StoredChannel): Partial<StoredChannel> {
  return { endpoint: deviceUri, known: { ...NO_FACTS, name } };
}

/** Host and port of a device address: what a login is set for. */
const placeOf = (deviceUri: string): string => (URL.canParse(deviceUri) ? new URL(deviceUri).host : deviceUri);

/** A person set a login, for the address that the camera has now; one that comes from elsewhere and may not be told stays so. */
export function loginSet({ deviceUri }: StoredChannel, login: Login | undefined): Partial<StoredChannel> {
  return { loginAt: login === undefined || login.mayBasic === false ? '' : placeOf(deviceUri) };
}

/**
 * A login as a device may be given it. The password itself is for the very address that a person set it for: anybody in the network can answer a
 * search, or in the place of a camera that is silent, and ask for it. `holder`: the channel that has the login of the device.
 */
export function asGiven(
  login: Login | undefined,
  holder: { readonly ownLogin: Login | undefined; readonly stored: StoredChannel },
  deviceUri: string,
): Login | undefined {
  if (login === undefined) return undefined;
  const { user, password } = login;
  return { user, password, mayBasic: login === holder.ownLogin && holder.stored.loginAt === placeOf(deviceUri) };
}
