import { drivers } from '../../drivers/index.js';
import type { SerialGearFactory } from '../../drivers/port.js';
import type { SiteFile } from '../contract/site-file.js';
import type { GearNote, GearPorts } from '../gear/ports.js';
import { GearService } from '../gear/service.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import type { OperationLog } from '../operation-log/ports.js';

/** A clock that is so far from satellite time is told, once an hour. */
const APART_MS = 5_000;
const AGAIN_MS = 3_600_000;

/** Small serial gear of the site; without any configured, nothing of it is loaded. */
export async function openGear(site: SiteFile, operationLog: Pick<OperationLog, 'append'>, clock: Clock, parentLog: Log): Promise<Service> {
  const log = parentLog.area('gear');
  const { gear } = site;
  if (gear === undefined) return { name: 'gear', start: async () => undefined, stop: async () => undefined };
  const ports = portsOf(gear, await drivers.gear({ clock, log }));
  const note = ({ action, object, channel, detail }: GearNote): Promise<unknown> =>
    operationLog.append({ action, object, channel, phase: 'result', result: 'ok', source: 'serial', actor: 'system', after: detail });
  return new GearService({ ports, note, sighted: comparer(clock, log), clock, log });
}

function portsOf({ ups, gps, alarms, receipts = [] }: NonNullable<SiteFile['gear']>, factory: SerialGearFactory): GearPorts {
  return {
    ups: ups === undefined ? undefined : () => factory.ups(ups),
    gps: gps === undefined ? undefined : (onFix) => factory.gps(gps, onFix),
    alarms: alarms === undefined ? undefined : (onAlarm) => factory.alarms(alarms, onAlarm),
    receipts: receipts.map(({ channel, ...port }) => ({ channel, open: (onLine) => factory.receipts(port, onLine) })),
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
