import '../first-view.js';

/** The pages about whose a recorder is, as one piece: they share most of what they are made of, and each piece that is fetched has its price. */
export { DevicesPage } from './devices.js';
export { HandOverPage } from './hand-over.js';
export { JoinPage } from './join.js';
export { PairPage } from './pair.js';
export { TakePage } from './take.js';
