import type { CallOptions } from '../port.js';
import type { QueuedFrame } from './command-queue.js';

/** A frame that one camera's driver wants on the wire. */
export type BusFrame = Omit<QueuedFrame, 'lane' | 'settle'>;

/** The bus as one camera's driver sees it. */
export interface BusSide {
  /** Resolves when it is written and, where a reply is awaited, answered. `serial.unavailable`, `serial.timeout`, `driver.aborted`. */
  send(frame: BusFrame, options: CallOptions): Promise<void>;
  /** Time that bytes take on the wire, in whole ms. */
  wireMs(bytes: number): number;
}
