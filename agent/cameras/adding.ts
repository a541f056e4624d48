import type { CameraAdded, NewCamera } from '../contract/camera-views.js';
import { AgentError } from '../kernel/errors.js';
import { Secret } from '../kernel/secret.js';
import type { Cameras } from './ports.js';

/**
 * Adds cameras by their addresses, all at once: one that does not answer holds no other up. Never rejects for one of them; what became of each
 * stands in its line. One that does not answer is added all the same and asked again by itself.
 */
export function addCameras(cameras: Pick<Cameras, 'add' | 'rename'>, wishes: readonly NewCamera[]): Promise<CameraAdded[]> {
  return Promise.all(wishes.map((wish) => addOne(cameras, wish)));
}

async function addOne(cameras: Pick<Cameras, 'add' | 'rename'>, { address, login, name }: NewCamera): Promise<CameraAdded> {
  try {
    const secret = login && { user: login.user, password: new Secret(login.password) };
    const added = await cameras.add(address, secret);
    const { id, state, reason } = name === undefined ? added : await cameras.rename(added.id, name);
    return { address, id, state, reason: reason === undefined ? null : { code: reason.code, say: reason.say, fix: reason.fix } };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { address, id: null, state: null, reason: { code: error.code, say: error.say, fix: error.fix } };
  }
}
