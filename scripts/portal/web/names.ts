import { tr } from './recorder-texts.js';

/** Anything with a camera's id and name. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

/** The camera's name, or `Camera 3` when its name is not known (or not allowed to be). */
export function cameraNameOf(cameras: readonly Named[], id: string): string {
  return cameras.find((camera) => camera.id === id)?.name ?? tr.camUnnamed(id);
}
