import { common } from './words/en-common.js';
import { installer } from './words/en-installer.js';
import { owner } from './words/en-owner.js';

/**
 * The texts of the app; those that the first view does not need are in log-texts, recorder-texts, camera-texts and trust-words. Another language is another object of the type `Words`: a missing or differently shaped entry does not
 * compile. Owner texts use a shop owner's words; installer texts are exact and short.
 */
export const english = { ...common, ...owner, ...installer };

/** The shape of a language. */
export type Words = typeof english;

/** The language in use. */
export const t: Words = english;
/** BCP 47 tag for dates and numbers. */
export const locale = 'en-GB';
