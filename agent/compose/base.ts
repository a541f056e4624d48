import { join } from 'node:path';
import type { Signer } from '../contract/jws.js';
import type { SiteFile } from '../contract/site-file.js';
import type { Operator } from '../contract/statements.js';
import type { NamePlate } from '../contract/stored.js';
import { newId } from '../contract/text.js';
import { HookRunner } from '../firmware/hook-runner.js';
import { readDeviceIdentity } from '../firmware/identity.js';
import { openRecorderKeys, type RecorderKeys } from '../identity/keystore.js';
import { loadNamePlate } from '../identity/serial.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import { type FlooredClock, flooredClock } from './floored-clock.js';
import { operatorOf, regionOf } from './operator.js';
import type { AgentOptions } from './options.js';
import { openStores, type Stores } from './stores.js';

/** What every service stands on: who this recorder is, what it remembers, and what time it is. */
export interface Base {
  readonly stateFolder: string;
  readonly site: SiteFile;
  readonly keys: RecorderKeys;
  /** Signs with `keys.sign`. */
  readonly signer: Signer;
  readonly stores: Stores;
  /** Runs the firmware's hooks. */
  readonly hooks: HookRunner;
  readonly plate: NamePlate;
  /** As on the name plate. */
  readonly serial: string;
  /** Of the cloud this recorder was made for, as on its label. */
  readonly region: string;
  /** With whom the site file makes the recorder speak; null: no cloud. */
  readonly operator: Operator | null;
  /** The challenge of this start: commands must name it. */
  readonly boot: string;
  /** Instant of this start, ms since 1970. */
  readonly startedAt: number;
  /** Milliseconds since this start, whole: commands say by it when they were made. */
  readonly up: () => number;
  /** Never runs backward, over restarts too. */
  readonly clock: Clock;
  /** How far the time may be believed, and who else told it. */
  readonly time: Pick<FlooredClock, 'sighted' | 'surelyAt' | 'quality' | 'isTimeKnown'>;
  /** Begins to remember the time; gives back how to end it. */
  readonly watchFloor: () => { cancel(): void };
  readonly log: Log;
}

/** Loads keys, stores, clock and name plate. The state folder must be prepared and locked. */
export async function openBase(options: AgentOptions): Promise<Base> {
  const { stateFolder, site, log } = options;
  const stores = await openStores(stateFolder, options.clock);
  const time = await flooredClock(options.clock, stores.state);
  const { clock } = time;
  const hooks = new HookRunner({ folder: options.hooksFolder, clock, log: log.area('hooks') });
  const keys = await openRecorderKeys(join(stateFolder, 'keys'), hooks);
  const plate = await loadNamePlate(stateFolder, (await readDeviceIdentity(hooks)) ?? {});
  const startedMs = clock.monotonicMs();
  return {
    stateFolder,
    site,
    keys,
    signer: keys.sign,
    stores,
    hooks,
    plate,
    serial: plate.serial,
    region: regionOf(site),
    operator: operatorOf(site),
    boot: newId(),
    startedAt: clock.now(),
    up: () => Math.floor(clock.monotonicMs() - startedMs),
    clock,
    time,
    watchFloor: () => time.watch(log, () => stores.health.flush()),
    log,
  };
}
