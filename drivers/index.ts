import type {
  CameraConnector,
  CameraDiscovery,
  ConvertingStreamClient,
  DriverClock,
  DriverLog,
  Host,
  ReplayClient,
  SegmentFolder,
  SegmentStore,
  SerialBusFactory,
  SerialGearFactory,
  SerialTools,
  StreamClient,
  ViewerPeerFactory,
} from './port.js';

/** What every driver is given. */
export interface DriverParts {
  readonly clock: DriverClock;
  readonly log: DriverLog;
}

/** One loader per driver: a driver that is not configured is never read from the disk and costs no memory. */
export const drivers = {
  /** ONVIF cameras (node-onvif as message builder and parser behind our own transport). */
  cameras: async (parts: DriverParts): Promise<CameraConnector> => (await import('./onvif/connector.js')).createOnvifConnector(parts),
  /** WS-Discovery. */
  discovery: async (parts: DriverParts & { readonly onlyFrom: readonly string[] | undefined }): Promise<CameraDiscovery> =>
    (await import('./onvif/discovery.js')).createDiscovery(parts),
  /** RTSP client. */
  streams: async (parts: DriverParts): Promise<StreamClient> => (await import('./rtsp/client.js')).createStreamClient(parts),
  /** Recordings in folders of this machine. */
  segments: async (folder: SegmentFolder, parts: DriverParts): Promise<SegmentStore> =>
    (await import('./segments/store.js')).createSegmentStore(folder, parts),
  /** Recordings on cameras, over RTSP. */
  replay: async (parts: DriverParts): Promise<ReplayClient> => (await import('./rtsp/replay.js')).createReplayClient(parts),
  /** Makes H.264 of H.265 where a viewer needs it (ffmpeg, started with the first such viewer). */
  converting: async (parts: DriverParts, client: StreamClient): Promise<ConvertingStreamClient> =>
    (await import('./ffmpeg/converting-streams.js')).createConvertingStreams(parts, client),
  /** WebRTC answers (node-datachannel, loaded with the first viewer). */
  viewers: async (parts: DriverParts): Promise<ViewerPeerFactory> => (await import('./webrtc/factory.js')).createViewerPeerFactory(parts),
  /** Serial buses (serialport). */
  serial: async (parts: DriverParts): Promise<SerialBusFactory> => (await import('./serial/bus.js')).createSerialBusFactory(parts),
  /** Small gear on serial ports of its own. */
  gear: async (parts: DriverParts): Promise<SerialGearFactory> => (await import('./serial/gear.js')).createSerialGearFactory(parts),
  /** What an installer finds serial gear with. */
  serialTools: async (parts: DriverParts): Promise<SerialTools> => (await import('./serial/tools.js')).createSerialTools(parts),
  /** The machine itself. */
  host: async (parts: DriverParts): Promise<Host> => (await import('./host/host.js')).createHost(parts),
} as const;
