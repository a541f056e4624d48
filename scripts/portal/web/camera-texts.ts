import { cameras } from './words/en-cameras.js';

/** The texts of looking after cameras, in the language in use; another language is another object of the same shape. */
export const tc: typeof cameras = cameras;
