import { trust } from './words/en-trust.js';

/** Texts about ownership, in a piece of their own: the first view does not need them. Another language is another object of this shape. */
export const tt: typeof trust = trust;
