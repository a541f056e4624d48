import type { RecorderClient } from './recorder-client.js';

/** Somewhere to put a question to a recorder: all that the acts in this folder need of it. */
export type RecorderCall = Pick<RecorderClient, 'call'>;
