import { log } from './words/en-log.js';

/** Texts of the activity page, in a piece of their own: the first view does not need them. Another language is another object of this shape. */
export const tl: typeof log = log;
