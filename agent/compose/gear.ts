import { drivers } from '../../drivers/index.js';
import type { SerialGearFactory } from '../../drivers/port.js';
import type { SiteFile } from '../contract/site-file.js';
import type { GearNote, GearPorts, GearView, PowerView } from '../gear/ports.js';
import { GearService } from '../gear/service.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import type { OperationLog } from '../operation-log/ports.js';
import type { SerialEar } from './serial-ear.js';

/** A clock that is so far from satellite time is told, once an hour. */
const APART_MS = 5_000;
const AGAIN_MS = 3_600_000;

/** Small serial gear, as the rest of the agent sees it. */
export interface GearSide {
  readonly service: Service;
  readonly view: () => readonly GearView[];
  readonly power: () => PowerView;
}

/** What the gear of the site needs. `onPower`: something about the power is news. */
export interface GearSideParts {
  readonly site: SiteFile;
  readonly operationLog: Pick<OperationLog, 'append'>;
  /** Where those who watch a port ask. */
  readonly ear: Pick<SerialEar, 'also'>;
  readonly onPower: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Small serial gear of the site; without any configured, nothing of it is loaded. */
export async function openGear({ site, operationLog, ear, onPower, clock, log: parentLog }: GearSideParts): Promise<GearSide> {
  const log = parentLog.area('gear');
  const { gear } = site;
  if (gear === undefined) {
    const service = { name: 'gear', start: async () => undefined, stop: async () => undefined };
    return { service, view: () => [], power: () => undefined };
  }
  const ports = portsOf(gear, await drivers.gear({ clock, log }));
  const note = ({ action, object, channel, detail }: GearNote): Promise<unknown> =>
    operationLog.append({ action, object, channel, phase: 'result', result: 'ok', source: 'serial', actor: 'system', after: detail });
  const service = new GearService({ ports, note, sighted: comparer(clock, log), onPower, clock, log });
  ear.also((path, onTraffic) => service.watch(path, onTraffic));
  return { service, view: () => service.view(), power: () => service.power() };
}

function portsOf({ ups, gps, alarms, receipts = [] }: NonNullable<SiteFile['gear']>, factory: SerialGearFactory): GearPorts {
  return {
    ups: ups && { path: ups.path, open: () => factory.ups(ups) },
    gps: gps && { path: gps.path, open: (onFix) => factory.gps(gps, onFix) },
    alarms: alarms && { path: alarms.path, open: (onAlarm) => factory.alarms(alarms, onAlarm) },
    receipts: receipts.map(({ channel, ...port }) => ({ channel, path: port.path, open: (onLine) => factory.receipts(port, onLine) })),
  };
}

/** Satellite time is unsigned: anybody with a transmitter can tell it. It is compared, and never believed over what the owner signed. */
function comparer(clock: Clock, log: Log): (at: number) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  return (at) => {
    const apartMs = Math.round(clock.now() - at);
    if (Math.abs(apartMs) < APART_MS || clock.monotonicMs() - toldMs < AGAIN_MS) return;
    toldMs = clock.monotonicMs();
    log.warn('the clock is apart from satellite time', { apartMs });
  };
}
