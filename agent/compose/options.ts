import type { SiteFile } from '../contract/site-file.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

/** What an agent is started with. */
export interface AgentOptions {
  readonly stateFolder: string;
  readonly site: SiteFile;
  /** Folder of the installed firmware hooks. */
  readonly hooksFolder: string;
  readonly clock: Clock;
  readonly log: Log;
}
