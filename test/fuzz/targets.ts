/** Everything that is fuzzed. */
import type { FuzzTarget } from './engine.js';
import { contract } from './targets/contract.js';
import { gear } from './targets/gear.js';
import { onvifTarget } from './targets/onvif.js';
import { rtsp } from './targets/rtsp.js';
import { pelco, visca } from './targets/serial.js';

/** In the order of their names on the command line. */
export async function targets(): Promise<readonly FuzzTarget[]> {
  return [await onvifTarget(), pelco, visca, gear, rtsp, contract];
}
