/** Which services a camera has, and the operations of each over its state. */
import type { Accounts, ClockState } from './camera-clock.js';
import type { CameraOptions, CameraSwitches } from './camera-options.js';
import { deviceIoService, type InOut, relayOperations } from './device-io.js';
import { type CameraIdentity, deviceService } from './device-service.js';
import { deviceUpkeep } from './device-upkeep.js';
import { type EventServiceState, eventService, SUBSCRIPTION_PATH } from './event-service.js';
import type { ServiceFace } from './http-server.js';
import { imagingService } from './imaging-service.js';
import type { ImagingState } from './imaging-state.js';
import { mediaService } from './media-service.js';
import { type MediaState, sourceTokens } from './media-state.js';
import { media2Service } from './media2-service.js';
import type { Service } from './operation.js';
import { ptzService } from './ptz-service.js';
import type { PtzState } from './ptz-state.js';
import type { PtzTours } from './ptz-tours.js';
import { recordingService, replayService, searchService } from './recording-services.js';
import type { RecordedSpan } from './recordings.js';
import { pathOf, type ServicePrefix } from './service-list.js';
import { SPACES } from './soap.js';

/** What the device asks of its surroundings, which exist only once it listens. */
export interface DeviceSurroundings {
  reboot(): void;
  ports(): { readonly http: number; readonly rtsp: number };
}

/** All state that services read and change. */
export interface DeviceState {
  readonly identity: CameraIdentity;
  readonly endpoint: string;
  readonly switches: CameraSwitches;
  readonly clock: ClockState;
  readonly accounts: Accounts;
  readonly media: MediaState;
  readonly ptz: PtzState;
  readonly tours: PtzTours;
  readonly imaging: ImagingState;
  readonly io: InOut;
  readonly events: Pick<EventServiceState, 'points' | 'properties' | 'kinds'>;
  readonly spans: readonly RecordedSpan[];
  onAuxiliary(command: string): void;
}

function servicesOf(options: CameraOptions, hasPtz: boolean): readonly ServicePrefix[] {
  const storage = options.storage ?? true;
  const all: readonly (readonly [ServicePrefix, boolean])[] = [
    ['tds', true],
    ['trt', true],
    ['tr2', options.media2 ?? true],
    ['tptz', hasPtz],
    ['timg', options.imaging ?? true],
    ['tev', options.events !== 'none'],
    ['tmd', options.deviceIo ?? true],
    ['tse', storage],
    ['trc', storage],
    ['trp', storage],
  ];
  return all.flatMap(([prefix, isThere]) => (isThere ? [prefix] : []));
}

const face = (prefix: keyof typeof SPACES, operations: Service): ServiceFace => ({ space: SPACES[prefix], operations });

/** What stands at each service's own address; events are made beside because they stand at two. */
function facesOf(state: DeviceState, around: DeviceSurroundings, has: readonly ServicePrefix[]) {
  const { identity, endpoint, switches, clock, accounts, media, io } = state;
  const quirks = () => switches.quirks;
  const storage = { spans: () => state.spans, quirks };
  const made: Readonly<Record<Exclude<ServicePrefix, 'tev'>, () => readonly ServiceFace[]>> = {
    tds: () => {
      const upkeep = deviceUpkeep({ clock, accounts, quirks, reboot: around.reboot, ports: around.ports });
      const relays = has.includes('tmd') ? relayOperations(io) : {};
      return [face('tds', { ...deviceService(identity, endpoint, has), ...upkeep, ...relays })];
    },
    trt: () => [face('trt', mediaService(media))],
    tr2: () => [face('tr2', media2Service(media))],
    tptz: () => [face('tptz', ptzService({ ...state, quirks, onAuxiliary: (command) => state.onAuxiliary(command) }))],
    timg: () => [
      face(
        'timg',
        imagingService(state.imaging, () => sourceTokens(switches.quirks.sources)),
      ),
    ],
    tmd: () => [face('tmd', deviceIoService(io, media.backchannel.isThere)), face('tds', relayOperations(io))],
    tse: () => [face('tse', searchService(storage))],
    trc: () => [face('trc', recordingService(storage))],
    trp: () => [face('trp', replayService(storage))],
  };
  return made;
}

/** By path, without query. */
export function cameraServices(
  options: CameraOptions,
  state: DeviceState,
  around: DeviceSurroundings,
): ReadonlyMap<string, readonly ServiceFace[]> {
  const has = servicesOf(options, state.identity.hasPtz);
  const made = facesOf(state, around, has);
  const services = new Map(has.flatMap((prefix) => (prefix === 'tev' ? [] : [[pathOf(prefix), made[prefix]()] as const])));
  const kind = options.events ?? 'pull';
  if (kind === 'none') return services;
  const { switches, events } = state;
  const faces = eventService({ kind, ...events, quirks: () => switches.quirks, limits: switches });
  services.set(pathOf('tev'), [face('tev', faces.tev), face('wsnt', faces.wsnt)]);
  services.set(SUBSCRIPTION_PATH, [face('tev', faces.managerTev), face('wsnt', faces.managerWsnt)]);
  return services;
}
