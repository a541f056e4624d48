import { drivers } from '../../drivers/index.js';
import type { PtzDriver, SerialBus } from '../../drivers/port.js';
import type { SiteFile } from '../contract/site-file.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';

/** PTZ gear on serial buses, by the channel it belongs to. */
export interface SerialSide {
  readonly ptz: (channel: string) => PtzDriver | undefined;
  readonly service: Service;
  readonly ports: () => readonly { readonly path: string; readonly isOpen: boolean; readonly reason: string }[];
}

/** Opens the configured buses; with none configured, serialport is never loaded. */
export async function openSerial(site: SiteFile, clock: Clock, log: Log): Promise<SerialSide> {
  const buses: { path: string; bus: SerialBus }[] = [];
  const byChannel = new Map<string, PtzDriver>();
  const ports = site.serial ?? [];
  if (ports.length > 0) {
    const factory = await drivers.serial({ clock, log: log.area('serial') });
    for (const { path, baudRate, parity, protocol, units } of ports) {
      const bus = factory.open({ path, baudRate, parity });
      buses.push({ path, bus });
      for (const [address, channel] of Object.entries(units)) byChannel.set(channel, bus.ptz(protocol, Number(address)));
    }
  }
  return {
    ptz: (channel) => byChannel.get(channel),
    ports: () => buses.map(({ path, bus }) => ({ path, ...bus.state() })),
    service: {
      name: 'serial',
      start: () => Promise.resolve(),
      stop: async () => void (await Promise.all(buses.map(({ bus }) => bus.close()))),
    },
  };
}
