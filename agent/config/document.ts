import { type CameraWish, ConfigDocument } from '../contract/stored.js';

export { ConfigDocument };

/** Before anyone wanted anything. */
export const EMPTY_DOCUMENT: ConfigDocument = { v: 1, recorderName: null, cameras: {} };

/** The wish for a camera of which nothing was wanted yet. */
export const NO_WISH: CameraWish = { name: null, main: null, sub: null };
