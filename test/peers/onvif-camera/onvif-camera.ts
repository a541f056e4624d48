/** A complete test camera: ONVIF Profile S device, RTSP server, WS-Discovery. Used by `npm start` and by the tests. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { CameraOptions, CameraSwitches, OnvifCamera } from './camera-options.js';
import { type Clip, indexClip } from './clip.js';
import { CLIP_FOLDER } from './clip-folder.js';
import { type CameraIdentity, cameraScopes, deviceService } from './device-service.js';
import { type DiscoveryResponder, startDiscovery } from './discovery.js';
import { clipFor, type EncoderSettings, offerOf } from './encoders.js';
import { type Account, DigestVerifier } from './http-digest.js';
import { startWebServer, type WebServer } from './http-server.js';
import { mediaService } from './media-service.js';
import type { Call } from './operation.js';
import { PlayOut } from './play-out.js';
import { ptzService } from './ptz-service.js';
import { PtzState } from './ptz-state.js';
import type { StreamKind } from './rtsp-context.js';
import { type RtspServer, startRtspServer } from './rtsp-server.js';
import { SoapFault, SPACES } from './soap.js';
import { KINDS } from './tokens.js';
import { createTokenVerifier } from './wsse.js';

export type { CameraCounters, CameraOptions, CameraSwitches, OnvifCamera } from './camera-options.js';

/** Reads and indexes all clips; a few milliseconds for 2 MB. */
function readClips(): readonly Clip[] {
  return readdirSync(CLIP_FOLDER).flatMap((name) => {
    const match = /^(\d+)x(\d+)-(\d+)\.h264$/.exec(name);
    if (match === null) return [];
    const [width, height, rate] = match.slice(1).map(Number) as [number, number, number];
    return [indexClip(readFileSync(join(CLIP_FOLDER, name)), { width, height, rate })];
  });
}

function makeUuid(options: CameraOptions, serial: string): string {
  if (options.uuid !== undefined) return options.uuid;
  const hex = createHash('sha256')
    .update(`${serial}/${options.name ?? ''}`)
    .digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The two encoders with their settings, as one piece of state. */
function createEncoders(clips: readonly Clip[], counters: { syncRequests: number }, switches: CameraSwitches) {
  const settings: Record<StreamKind, EncoderSettings> = {
    main: { width: 1280, height: 720, rate: 25, bitrateKbps: 2048, quality: 5 },
    sub: { width: 640, height: 360, rate: 25, bitrateKbps: 512, quality: 4 },
  };
  const start = (kind: StreamKind): PlayOut => {
    const clip = clipFor(settings[kind], clips);
    if (clip === undefined) throw new RangeError(`no clip for ${kind}: run scripts/make-clip.ts`);
    return new PlayOut(clip, Date.now);
  };
  const streams = new Map(KINDS.map((kind) => [kind, start(kind)]));
  return {
    streams,
    settings: (kind: StreamKind): EncoderSettings => settings[kind],
    offer: (kind: StreamKind) => offerOf(kind, clips),
    apply(kind: StreamKind, next: EncoderSettings): void {
      const clip = clipFor(next, clips);
      if (clip === undefined) throw new SoapFault('Receiver', ['ter:Action'], 'No such combination');
      settings[kind] = next;
      streams.get(kind)?.change(clip);
    },
    synchronize(kind: StreamKind): void {
      counters.syncRequests += 1;
      if (!switches.ignoresSync) streams.get(kind)?.synchronize();
    },
  };
}

/** Everything of a camera that needs no socket. */
function createDevice(options: CameraOptions) {
  const serial = options.serial ?? randomBytes(6).toString('hex').toUpperCase();
  const identity: CameraIdentity = {
    name: options.name ?? 'Front door',
    manufacturer: 'Sightline',
    model: options.model ?? 'Test Camera 720',
    firmware: '1.0.0',
    serial,
    hardware: 'TC-720',
    location: 'test bench',
    hasPtz: options.ptz ?? true,
  };
  const switches: CameraSwitches = {
    password: options.password ?? 'camera',
    slowMs: options.slowMs ?? 0,
    goneOffline: options.goneOffline ?? false,
    streamScheme: options.streamScheme ?? 'rtsp',
    streamHost: options.streamHost ?? '',
    clockSkewMs: options.clockSkewMs ?? 0,
    ignoresSync: options.ignoresSync ?? false,
  };
  const endpoint = `urn:uuid:${makeUuid(options, serial)}`;
  const counters = {
    ...{ openConnections: 0, connections: 0, playingSessions: 0, plays: 0, mediaBytes: 0, dropped: 0 },
    ...{ syncRequests: 0, soapRequests: 0, soapFaults: 0 },
    operations: {} as Record<string, number>,
  };
  const encoders = createEncoders(readClips(), counters, switches);
  const ptz = new PtzState();
  const media = { ...encoders, hasPtz: identity.hasPtz };
  const services = new Map([
    ['/onvif/device_service', { space: SPACES.tds, operations: deviceService(identity, endpoint) }],
    ['/onvif/media_service', { space: SPACES.trt, operations: mediaService(media) }],
    ...(identity.hasPtz ? [['/onvif/ptz_service', { space: SPACES.tptz, operations: ptzService(ptz) }] as const] : []),
  ] as const);
  const now = (): number => Date.now() + switches.clockSkewMs;
  const accounts = (): readonly Account[] => [
    { user: options.user ?? 'admin', password: switches.password, level: 'Administrator' },
    ...(options.accounts ?? []),
  ];
  return { identity, switches, endpoint, counters, encoders, ptz, services, now, accounts };
}

type Device = ReturnType<typeof createDevice>;

function startWeb(device: Device, options: CameraOptions, rtspPort: () => number): Promise<WebServer> {
  const { switches, counters, accounts, now } = device;
  const digest = new DigestVerifier({
    realm: 'camera',
    algorithms: options.httpDigest ?? ['MD5', 'SHA-256'],
    hasQop: true,
    accounts,
    now: Date.now,
  });
  const tokens = createTokenVerifier({ accounts, now });
  return startWebServer(
    {
      services: device.services,
      snapshot: readFileSync(join(CLIP_FOLDER, 'snapshot.jpg')),
      digest: () => digest,
      tokens: () => tokens,
      call: (request: IncomingMessage): Call => {
        const own = `${request.socket.localAddress ?? '127.0.0.1'}`.replace('::ffff:', '');
        const host = switches.streamHost === '' ? own : switches.streamHost;
        const streamUri = (kind: StreamKind): string =>
          options.externalRtsp?.(kind) ?? `${switches.streamScheme}://${host}:${rtspPort()}/${kind}`;
        return { baseUri: `http://${host}:${request.socket.localPort}`, streamUri, now: now() };
      },
      counters: () => counters,
      onOperation: (name, isFault) => {
        counters.soapRequests += 1;
        if (isFault) counters.soapFaults += 1;
        if (/^[A-Za-z]{1,60}$/.test(name)) counters.operations[name] = (counters.operations[name] ?? 0) + 1;
      },
      slowMs: () => switches.slowMs,
      isGone: () => switches.goneOffline,
    },
    options.host ?? '127.0.0.1',
    options.port ?? 0,
  );
}

function startRtsp(device: Device, options: CameraOptions): Promise<RtspServer> {
  const algorithm = options.rtspDigest ?? 'MD5';
  const auth =
    algorithm === 'none'
      ? undefined
      : // RFC 7616 wants qop; MD5 is offered without, as most cameras do.
        new DigestVerifier({
          realm: 'camera',
          algorithms: [algorithm],
          hasQop: algorithm !== 'MD5',
          accounts: device.accounts,
          now: Date.now,
        });
  const context = {
    streams: device.encoders.streams,
    counters: device.counters,
    now: Date.now,
    auth: () => auth,
    slowMs: () => device.switches.slowMs,
    idrAtPlay: options.idrAtPlay ?? false,
    sessionTimeoutS: options.sessionTimeoutS ?? 60,
  };
  return startRtspServer(context, options.host ?? '127.0.0.1', options.rtspPort ?? 0);
}

/** Starts a camera and resolves when it can be found, asked and played; rejects when a port is taken. */
export async function startOnvifCamera(options: CameraOptions = {}): Promise<OnvifCamera> {
  const device = createDevice(options);
  const { switches, counters, encoders } = device;
  const host = options.host ?? '127.0.0.1';
  const rtsp = await startRtsp(device, options);
  const web = await startWeb(device, options, () => rtsp.port).catch(async (error: unknown) => {
    await rtsp.stop();
    throw error;
  });
  rtsp.setGone(switches.goneOffline);
  const discoverable = {
    endpoint: device.endpoint,
    scopes: cameraScopes(device.identity),
    deviceUri: (own: string) => `http://${switches.streamHost === '' ? own : switches.streamHost}:${web.port}/onvif/device_service`,
    isGone: () => switches.goneOffline,
  };
  const discovery: DiscoveryResponder | undefined = (options.discovery ?? true) ? await startDiscovery(discoverable, host) : undefined;
  const near = host === '0.0.0.0' ? '127.0.0.1' : host;

  return {
    deviceUri: `http://${near}:${web.port}/onvif/device_service`,
    httpPort: web.port,
    rtspPort: rtsp.port,
    endpoint: device.endpoint,
    rtspUri: (kind) => options.externalRtsp?.(kind) ?? `rtsp://${near}:${rtsp.port}/${kind}`,
    counters: () => ({ ...counters, operations: { ...counters.operations } }),
    set(changes) {
      Object.assign(switches, changes);
      rtsp.setGone(switches.goneOffline);
      if (switches.goneOffline) web.dropConnections();
    },
    settings: encoders.settings,
    frameNumber: (kind) => encoders.streams.get(kind)?.frameNumber() ?? 0,
    position: () => device.ptz.position(device.now()),
    async stop() {
      await Promise.all([discovery?.stop(), web.stop(), rtsp.stop()]);
      for (const stream of encoders.streams.values()) stream.stop();
    },
  };
}
