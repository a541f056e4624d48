import { drivers } from '../../drivers/index.js';
import type { NetworkPtz, PtzDriver, SerialBus } from '../../drivers/port.js';
import type { SiteFile } from '../contract/site-file.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import { SerialEar } from './serial-ear.js';

/** PTZ gear on serial buses, by the channel it belongs to. */
export interface SerialSide {
  readonly ptz: (channel: string) => PtzDriver | undefined;
  /** Of the bus on which a channel's gear hangs; undefined when it hangs on none. */
  readonly stateOf: (channel: string) => { readonly isOpen: boolean; readonly reason: string } | undefined;
  readonly service: Service;
  /** What goes over the buses, while somebody asks for it. */
  readonly ear: SerialEar;
  readonly ports: () => readonly { readonly path: string; readonly isOpen: boolean; readonly reason: string }[];
  /** Cameras that are moved over the network. */
  readonly heads: () => readonly { readonly host: string; readonly channel: string; readonly isOpen: boolean; readonly reason: string }[];
}

/** Opens the configured buses; with none configured, serialport is never loaded. */
export async function openSerial(site: SiteFile, clock: Clock, log: Log): Promise<SerialSide> {
  const buses: { path: string; bus: SerialBus }[] = [];
  const byChannel = new Map<string, PtzDriver>();
  const busOf = new Map<string, SerialBus | NetworkPtz>();
  const { serial: ports = [], networkPtz: heads = [] } = site;
  const network: { host: string; channel: string; head: NetworkPtz }[] = [];
  if (ports.length > 0 || heads.length > 0) {
    const factory = await drivers.serial({ clock, log: log.area('serial') });
    for (const { protocol, units, stepsPerDegree, ...settings } of ports) {
      const { path } = settings;
      const bus = factory.open(settings);
      buses.push({ path, bus });
      for (const [address, channel] of Object.entries(units)) {
        byChannel.set(channel, bus.ptz(protocol, Number(address), { stepsPerDegree }));
        busOf.set(channel, bus);
      }
    }
    for (const { channel, ...target } of heads) {
      const head = factory.openNetwork(target);
      network.push({ host: target.host, channel, head });
      byChannel.set(channel, head.ptz);
      busOf.set(channel, head);
    }
  }
  const ear = new SerialEar((path, onTraffic) => buses.find((one) => one.path === path)?.bus.watch(onTraffic), clock);
  return {
    ptz: (channel) => byChannel.get(channel),
    stateOf: (channel) => busOf.get(channel)?.state(),
    ear,
    ports: () => buses.map(({ path, bus }) => ({ path, ...bus.state() })),
    heads: () => network.map(({ host, channel, head }) => ({ host, channel, ...head.state() })),
    service: {
      name: 'serial',
      start: () => Promise.resolve(),
      stop: async () => {
        ear.close();
        await Promise.all([...buses.map(({ bus }) => bus), ...network.map(({ head }) => head)].map((one) => one.close()));
      },
    },
  };
}
