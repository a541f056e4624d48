import { recorder } from './words/en-recorder.js';

/** Texts of the pages of a recorder, in a piece of their own: the first view does not need them. Another language is another object of this shape. */
export const tr: typeof recorder = recorder;
