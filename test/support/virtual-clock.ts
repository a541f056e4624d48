/** Time that a test moves by hand; the name under which journeys and rigs ask for it. */
export { ManualClock as VirtualClock, settle } from './manual-clock.js';
