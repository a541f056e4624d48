import { drivers } from '../../drivers/index.js';
import { CameraRegistry } from '../cameras/registry.js';
import { Sampler } from '../health/sampler.js';
import type { PowerNow } from '../health/types.js';
import { Secret } from '../kernel/secret.js';
import type { OperationLog } from '../operation-log/ports.js';
import type { Base } from './base.js';
import { cameraRows } from './camera-rows.js';
import type { SerialSide } from './serial.js';
import { alertStore, channelStore, healthPort } from './stores.js';

/** The cameras of the site: ONVIF, those by wire, movement over serial where a unit is named for the channel, discovery unless it is off. */
export async function openCameras(
  { site, stores, clock, log }: Base,
  serial: SerialSide,
  operationLog: Pick<OperationLog, 'append'>,
): Promise<CameraRegistry> {
  const discovers = site.cameras?.discovery !== false;
  return new CameraRegistry({
    connector: await drivers.cameras({ clock, log: log.area('onvif') }),
    discovery: discovers
      ? await drivers.discovery({ clock, log: log.area('discovery'), onlyFrom: site.cameras?.discoveryAddresses })
      : undefined,
    store: channelStore(stores.state, stores.secrets),
    serialPtz: serial.ptz,
    serialState: serial.stateOf,
    analogue: site.cameras?.analogue,
    streams: await drivers.streams({ clock, log: log.area('rtsp') }),
    groupLogins: (site.cameras?.logins ?? []).map(({ user, password }) => ({ user, password: new Secret(password) })),
    note: cameraRows(operationLog, log.area('cameras')),
    clock,
    log: log.area('cameras'),
  });
}

/** Health of the machine, of the volume that holds the state folder, of the cameras, and of the power. */
export async function openHealth({ stateFolder, stores, clock, log }: Base, cameras: CameraRegistry, power: PowerNow): Promise<Sampler> {
  return new Sampler({
    host: await drivers.host({ clock, log: log.area('host') }),
    diskPath: stateFolder,
    camerasUp: () =>
      cameras
        .list()
        .map(({ id, name, state, lastSeenAt, alarms }) => ({ id, name, isUp: state === 'online', lastSeenAt: lastSeenAt ?? null, alarms })),
    power,
    store: healthPort(stores.health),
    alertStore: alertStore(stores.state),
    clock,
    log,
  });
}
