import './first-view.js';

/** Delivering what an owner ordered while nobody answered, loaded when there is something to deliver. */
export { deliverWaiting } from './state/deliver-waiting.js';
