import { join } from 'node:path';
import type { Signer } from '../contract/jws.js';
import type { SiteFile } from '../contract/site-file.js';
import type { NamePlate } from '../contract/stored.js';
import { newId } from '../contract/text.js';
import { HookRunner } from '../firmware/hook-runner.js';
import { readDeviceIdentity } from '../firmware/identity.js';
import { type DeviceKeys, loadDeviceKeys } from '../identity/keys.js';
import { loadNamePlate } from '../identity/serial.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { AgentOptions } from './options.js';
import { flooredClock, openStores, type Stores } from './stores.js';

/** What every service stands on: who this recorder is, what it remembers, and what time it is. */
export interface Base {
  readonly stateFolder: string;
  readonly site: SiteFile;
  readonly keys: DeviceKeys;
  /** Signs with `keys.sign`. */
  readonly signer: Signer;
  readonly stores: Stores;
  readonly plate: NamePlate;
  /** As on the name plate. */
  readonly serial: string;
  /** Of the cloud this recorder was made for, as on its label. */
  readonly region: string;
  /** The challenge of this start: commands must name it. */
  readonly boot: string;
  /** Instant of this start, ms since 1970. */
  readonly startedAt: number;
  /** Never runs backward, over restarts too. */
  readonly clock: Clock;
  /** Begins to remember the time; gives back how to end it. */
  readonly watchFloor: () => { cancel(): void };
  readonly log: Log;
}

/** Loads keys, stores, clock and name plate. The state folder must be prepared and locked. */
export async function openBase(options: AgentOptions): Promise<Base> {
  const { stateFolder, site, log } = options;
  const keys = await loadDeviceKeys(join(stateFolder, 'keys'));
  const stores = await openStores(stateFolder, options.clock);
  const { clock, watch } = await flooredClock(options.clock, stores.state);
  const hooks = new HookRunner({ folder: options.hooksFolder, clock, log: log.area('hooks') });
  const plate = await loadNamePlate(stateFolder, (await readDeviceIdentity(hooks)) ?? {});
  const signer = { kid: keys.sign.kid, privateKey: keys.sign.privateKey };
  return {
    stateFolder,
    site,
    keys,
    signer,
    stores,
    plate,
    serial: plate.serial,
    region: site.region ?? 'EU',
    boot: newId(),
    startedAt: clock.now(),
    clock,
    watchFloor: () => watch(log),
    log,
  };
}
