import { drivers } from '../../drivers/index.js';
import type { SerialTools } from '../../drivers/port.js';
import { systemClock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

/** What an installer finds serial gear with, without an agent: ports are opened with a lock, so none that an agent uses is disturbed. */
export function openSerialTools(log: Log): Promise<SerialTools> {
  return drivers.serialTools({ clock: systemClock, log: log.area('serial') });
}
