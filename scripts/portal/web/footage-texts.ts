import { footage } from './words/en-footage.js';

/** The texts about recordings, in the language in use; another language is another object of the same shape. */
export const tf: typeof footage = footage;
