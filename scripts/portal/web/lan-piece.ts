import './first-view.js';

/** The way of a recorder's own page; the portal never loads it. */
export { LanTransport } from '../client/lan-transport.js';
