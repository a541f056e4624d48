import './first-view.js';

/** Pairing, loaded when somebody pairs: the curve arithmetic is needed once in a recorder's life. */
export { pair } from '../client/pair.js';
