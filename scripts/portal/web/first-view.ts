/**
 * What the first view is made of. Every piece that is loaded later names it, so that the bundler sees that it is always there and makes one file of it:
 * otherwise each part that some pieces share and others do not becomes a file of its own, and a dozen small files pack worse than one.
 */
import '../../../agent/contract/door.js';
import '../../../agent/contract/seal.js';
import '../../../agent/contract/statements.js';
import '../client/keyring.js';
import '../client/recorder-client.js';
import '../client/u8-transport.js';
import './pages/own-home.js';
import './pages/start.js';
import './parts/lazy.js';
import './parts/shell.js';
import './router.js';
import './state/app-state.js';
