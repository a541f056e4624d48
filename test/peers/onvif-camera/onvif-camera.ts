/** A complete test camera: ONVIF device of profiles S, T and G, RTSP server, WS-Discovery. Used by `npm start` and by the tests. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { createDevice, type Device } from './camera-device.js';
import type { CameraCounters, CameraOptions, OnvifCamera, SwitchChanges } from './camera-options.js';
import { CLIP_FOLDER } from './clip-folder.js';
import { ConnectionQuirks } from './connection-quirks.js';
import { cameraScopes } from './device-service.js';
import { type DiscoveryResponder, startDiscovery } from './discovery.js';
import { DigestVerifier } from './http-digest.js';
import { startWebServer, type WebContext, type WebServer } from './http-server.js';
import { LoginGate } from './login-gate.js';
import type { Call } from './operation.js';
import type { StreamKind } from './rtsp-context.js';
import { type RtspServer, startRtspServer } from './rtsp-server.js';
import type { SoapRequest } from './soap.js';
import { openTlsDoors, type TlsDoors } from './tls-doors.js';
import { CLOCK_WINDOW_MS, createTokenVerifier } from './wsse.js';

export type { CameraCounters, CameraOptions, CameraSwitches, OnvifCamera } from './camera-options.js';

const DEFAULT_REBOOT_MS = 300;
/** The answer to SystemReboot leaves before the camera does. */
const BEFORE_REBOOT_MS = 20;

let snapshot: Uint8Array | undefined;

/** One picture, read when it is first asked for. */
function readSnapshot(): Uint8Array {
  snapshot ??= readFileSync(join(CLIP_FOLDER, 'snapshot.jpg'));
  return snapshot;
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

function makeGate(device: Device, options: CameraOptions): LoginGate {
  const { switches, counters, now } = device;
  const accounts = () => device.accounts.list();
  return new LoginGate({
    quirks: () => switches.quirks,
    accounts,
    digest: new DigestVerifier({
      realm: 'camera',
      algorithms: options.httpDigest ?? ['MD5', 'SHA-256'],
      hasQop: true,
      accounts,
      now: Date.now,
    }),
    tokens: createTokenVerifier({
      accounts,
      now,
      windowMs: () => switches.quirks.clockDrift?.windowMs ?? CLOCK_WINDOW_MS,
      burnsNonces: () => switches.quirks.burnsNonces,
    }),
    now: () => performance.now(),
    counters,
    basicOnly: options.basicOnly ?? false,
  });
}

/** Where streams are played from; no RTSPS without TLS. */
interface StreamPorts {
  readonly rtsp: number;
  readonly rtsps: number;
}

/** Where a request reached the camera and what it tells of its own addresses, wrong ones included. */
function makeCall(device: Device, options: CameraOptions, ports: StreamPorts, request: IncomingMessage, soap: SoapRequest): Call {
  const { switches } = device;
  const { wrongAddress, rtspOnHttpPort } = switches.quirks;
  const own = bracketed(`${request.socket.localAddress ?? '127.0.0.1'}`.replace('::ffff:', ''));
  const host = switches.streamHost === '' ? own : switches.streamHost;
  const mediaHost = wrongAddress === '' ? host : (wrongAddress.split(':')[0] ?? host);
  // Who comes over TLS gets streams over TLS.
  const isTls = request.socket instanceof TLSSocket;
  const mediaPort = rtspOnHttpPort ? request.socket.localPort : isTls ? ports.rtsps : ports.rtsp;
  const scheme = isTls && switches.streamScheme === 'rtsp' ? 'rtsps' : switches.streamScheme;
  const stream = (path: string): string => `${scheme}://${mediaHost}:${mediaPort}/${path}`;
  return {
    baseUri: `http${isTls ? 's' : ''}://${wrongAddress === '' ? `${host}:${request.socket.localPort}` : wrongAddress}`,
    streamUri: (kind) => options.externalRtsp?.(kind) ?? stream(kind),
    replayUri: (recording) => stream(`replay/${recording}`),
    now: device.now(),
    path: request.url ?? '',
    header: soap.header,
    onGone: (act) => request.socket.once('close', act),
  };
}

interface Surroundings {
  readonly streamPorts: () => StreamPorts;
  readonly isGone: () => boolean;
  readonly counters: () => CameraCounters;
  readonly onFirmware: (sizeBytes: number) => void;
}

/** What the camera's web servers answer by: the same for every door. */
function webContext(device: Device, options: CameraOptions, connections: ConnectionQuirks, around: Surroundings): WebContext {
  const { switches, counters } = device;
  return {
    services: device.services,
    snapshot: readSnapshot,
    gate: makeGate(device, options),
    connections,
    quirks: () => switches.quirks,
    call: (request, soap) => makeCall(device, options, around.streamPorts(), request, soap),
    counters: around.counters,
    onOperation: (name, isFault) => {
      counters.soapRequests += 1;
      if (isFault) counters.soapFaults += 1;
      if (/^[A-Za-z0-9]{1,60}$/.test(name)) counters.operations[name] = (counters.operations[name] ?? 0) + 1;
    },
    onUnknownPath: () => {
      counters.unknownPaths += 1;
    },
    onFirmware: around.onFirmware,
    now: device.now,
    slowMs: () => switches.slowMs,
    isGone: around.isGone,
    hangs: () => switches.hangs,
  };
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
          accounts: () => device.accounts.list(),
          now: Date.now,
        });
  const sub = device.encoders.streams.get('sub');
  const context = {
    streams: device.encoders.streams,
    counters: device.counters,
    now: Date.now,
    auth: () => auth,
    slowMs: () => device.switches.slowMs,
    hangs: () => device.switches.hangs,
    replay: sub === undefined ? undefined : { clip: () => sub.clip, spans: () => device.spans, counters: device.counters.replay },
    idrAtPlay: options.idrAtPlay ?? false,
    sessionTimeoutS: options.sessionTimeoutS ?? 60,
  };
  return startRtspServer(context, options.host ?? '127.0.0.1', options.rtspPort ?? 0);
}

/** Goes away for a while and comes back; one at a time. */
class Reboot {
  isAway = false;
  readonly #device: Device;
  readonly #awayMs: number;
  readonly #applyGone: () => void;
  readonly #discovery: () => DiscoveryResponder | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(device: Device, awayMs: number, applyGone: () => void, discovery: () => DiscoveryResponder | undefined) {
    this.#device = device;
    this.#awayMs = awayMs;
    this.#applyGone = applyGone;
    this.#discovery = discovery;
  }

  soon(): void {
    this.#timer = setTimeout(() => void this.run(), BEFORE_REBOOT_MS);
  }

  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Nothing of it happens any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    this.#device.counters.reboots += 1;
    this.isAway = true;
    if (this.#device.switches.quirks.rebootForgets) this.#device.events.points.clear();
    this.#applyGone();
    await this.#discovery()?.bye();
    await new Promise<void>((resolve) => {
      this.#timer = setTimeout(resolve, this.#awayMs);
    });
    this.isAway = false;
    this.#applyGone();
    await this.#discovery()?.hello();
  }
}

/** What runs of one camera; filled while it starts. */
interface Running {
  web?: WebServer;
  doors?: TlsDoors;
  rtsp?: RtspServer;
  discovery?: DiscoveryResponder;
  reboot?: Reboot;
}

/** The camera's ways to be found, with the addresses it gives for itself. */
function discoverable(device: Device, httpPort: number, isGone: () => boolean) {
  const { switches } = device;
  const toldHost = (own: string): string => bracketed(switches.streamHost === '' ? own : switches.streamHost);
  return {
    endpoint: device.endpoint,
    scopes: cameraScopes(device.identity),
    deviceUri: (own: string) => `http://${switches.quirks.wrongAddress || `${toldHost(own)}:${httpPort}`}/onvif/device_service`,
    secondUri: () => {
      const { secondInterface } = switches.quirks;
      return secondInterface === '' ? '' : `http://${secondInterface}:${httpPort}/onvif/device_service`;
    },
    isGone,
  };
}

/** The parts of a camera's handle that only read and change its state. */
function stateHandle(device: Device, applyGone: () => void) {
  const { switches, encoders, events, io, clock, now } = device;
  return {
    set({ quirks, ...changes }: SwitchChanges) {
      Object.assign(switches, changes);
      if (quirks !== undefined) switches.quirks = { ...switches.quirks, ...quirks };
      applyGone();
    },
    settings: encoders.settings,
    frameNumber: (kind: StreamKind) => encoders.streams.get(kind)?.frameNumber() ?? 0,
    position: () => device.ptz.position(now()),
    isMoving: () => device.ptz.isMoving(now()),
    raise: events.raise,
    forgetSubscriptions: () => events.points.clear(),
    imaging: () => device.imaging.values,
    relay: (token: string) => io.relays.find((one) => one.token === token)?.isOn,
    setInput: (token: string, isOn: boolean) => io.setInput(token, isOn),
    users: () => device.accounts.list().map(({ user, level }) => ({ user, level })),
    clock: () => ({ atMs: now(), zone: clock.zone, isNtp: clock.isNtp, servers: clock.servers }),
  };
}

const readCounters = ({ counters, events }: Device, connections: ConnectionQuirks): CameraCounters => ({
  ...counters,
  operations: { ...counters.operations },
  auxiliary: [...counters.auxiliary],
  subscriptions: events.points.count,
  mostSubscriptions: events.points.most,
  freezes: connections.freezes,
});

/** Starts a camera and resolves when it can be found, asked and played; rejects when a port is taken. */
export async function startOnvifCamera(options: CameraOptions = {}): Promise<OnvifCamera> {
  const running: Running = {};
  const ports = () => ({ http: running.web?.port ?? 0, rtsp: running.rtsp?.port ?? 0 });
  const device = createDevice(options, { reboot: () => running.reboot?.soon(), ports });
  const { switches, counters } = device;
  const host = options.host ?? '127.0.0.1';
  const isGone = (): boolean => switches.goneOffline || running.reboot?.isAway === true;
  const connections = new ConnectionQuirks(
    () => switches.quirks,
    () => performance.now(),
  );
  const applyGone = (): void => {
    running.rtsp?.setGone(isGone());
    if (!isGone()) return;
    running.web?.dropConnections();
    running.doors?.dropConnections();
  };
  const reboot = new Reboot(device, options.rebootMs ?? DEFAULT_REBOOT_MS, applyGone, () => running.discovery);
  running.reboot = reboot;
  const onFirmware = (sizeBytes: number): void => {
    counters.firmwareBytes += sizeBytes;
    reboot.soon();
  };
  const rtsp = await startRtsp(device, options);
  running.rtsp = rtsp;
  const streamPorts = (): StreamPorts => ({ rtsp: rtsp.port, rtsps: running.doors?.rtspsPort ?? 0 });
  const around = { streamPorts, isGone, counters: () => readCounters(device, connections), onFirmware };
  const context = webContext(device, options, connections, around);
  const web = await startWebServer(context, host, options.port ?? 0).catch(async (error: unknown) => {
    await rtsp.stop();
    throw error;
  });
  running.web = web;
  if (options.tls === true) running.doors = await openTlsDoors((pair) => startWebServer(context, host, 0, pair), host, rtsp.port);
  applyGone();
  if (options.discovery ?? true) running.discovery = await startDiscovery(discoverable(device, web.port, isGone), host);
  const near = host === '0.0.0.0' ? '127.0.0.1' : bracketed(host);

  return {
    ...stateHandle(device, applyGone),
    deviceUri: `http://${near}:${web.port}/onvif/device_service`,
    secureUri: running.doors === undefined ? '' : `https://${near}:${running.doors.httpsPort}/onvif/device_service`,
    httpPort: web.port,
    rtspPort: rtsp.port,
    endpoint: device.endpoint,
    rtspUri: (kind) => options.externalRtsp?.(kind) ?? `rtsp://${near}:${rtsp.port}/${kind}`,
    counters: around.counters,
    reboot: () => reboot.run(),
    renewCertificate: async () => running.doors?.renew(),
    async stop() {
      reboot.stop();
      device.stop();
      await Promise.all([running.discovery?.stop(), running.doors?.stop(), web.stop(), rtsp.stop()]);
    },
  };
}
