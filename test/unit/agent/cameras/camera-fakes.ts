/** Cameras, discovery and memory at the level of the ports, on a clock moved by hand. */

import type { CameraRegistryParts, ChannelDocument, ChannelStore } from '../../../../agent/cameras/ports.js';
import { CameraRegistry } from '../../../../agent/cameras/registry.js';
import { createLog } from '../../../../agent/kernel/log.js';
import { Secret } from '../../../../agent/kernel/secret.js';
import {
  type CallOptions,
  type CameraDriver,
  type CameraEvent,
  type CameraEventHandlers,
  type CameraGreetings,
  type CameraSource,
  type CameraStream,
  type CameraTarget,
  type DiscoveredCamera,
  DriverError,
  type DriverErrorCode,
  type EventSource,
  type Login,
  type PtzDriver,
  type RecordingDriver,
  type VideoEncoderOptions,
} from '../../../../drivers/port.js';
import { HandClock } from '../kernel/hand-clock.js';

export const login = (user: string, password = 'pw'): Login => ({ user, password: new Secret(password) });

/** Lets every promise that can settle without time settle. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** One event as a camera tells it. */
export const news = (kind: CameraEvent['kind'], isOn: boolean, source = ''): CameraEvent => ({
  ...{ kind, isOn, source, atMs: null, isInitial: false },
});

export const stream = (kind: 'main' | 'sub', width: number, height: number): CameraStream => ({
  kind,
  profileToken: `p-${kind}`,
  encoderToken: `e-${kind}`,
  name: kind,
  video: { codec: 'H264', width, height, frameRate: 25, bitrateKbps: 2048, gopLength: 100 },
});

export const OFFERS: VideoEncoderOptions = {
  resolutions: [
    { width: 640, height: 360 },
    { width: 320, height: 180 },
  ],
  frameRate: { min: 1, max: 25 },
  bitrateKbps: { min: 64, max: 4096 },
  gopLength: undefined,
};

const failsWith = (code: DriverErrorCode | undefined) => (): never => {
  throw new DriverError(code ?? 'camera.unsupported', 'as told');
};

/** Nothing asks it: whoever works with it brings the work. */
const RECORDINGS = {} as RecordingDriver;
const NO_EXTRAS = { imaging: undefined, io: undefined, overlays: undefined, users: undefined, upkeep: undefined };

/** One camera; the test changes its fields while it runs. */
export class FakeCamera {
  /** Fails every call with this. */
  fails: DriverErrorCode | undefined;
  /** Never answers until the signal fires. */
  isHanging = false;
  /** Accepted user; undefined accepts anyone. */
  user: string | undefined = 'admin';
  uriFails: DriverError | undefined;
  setFails: DriverError | undefined;
  /** Its stills fail with this; undefined for a camera without stills. */
  snapshotFails: DriverErrorCode | undefined;
  /** Whether it keeps recordings of its own. */
  hasRecordings = false;
  hasPtz = true;
  streams: CameraStream[] = [stream('main', 1280, 720), stream('sub', 640, 360)];
  /** Several lenses; empty for a camera whose driver knows nothing of sources. */
  sources: CameraSource[] = [];
  /** Whether it tells events, and who listens now. */
  hasEvents = false;
  /** What it says it can tell of; undefined when it does not say. */
  kinds: readonly CameraEvent['kind'][] | undefined;
  eventsFail: DriverErrorCode | undefined;
  listeners: CameraEventHandlers[] = [];
  offsetMs = 0;
  serial = 'S';
  readonly calls: string[] = [];
  /** Users that came with a login, in order of authorized calls. */
  readonly users: string[] = [];
  /** For every connection with a login, whether the device may be told the password itself. */
  readonly mayTell: boolean[] = [];
  open = 0;

  count(name: string): number {
    return this.calls.filter((call) => call === name).length;
  }

  #events(): EventSource {
    return { kinds: async () => this.kinds, open: async (handlers, options) => this.#listen(handlers, options) };
  }

  #listen(handlers: CameraEventHandlers, { signal }: CallOptions): { close(): Promise<void> } {
    this.calls.push('events');
    const fails = this.eventsFail ?? this.fails;
    if (fails !== undefined) throw new DriverError(fails, 'as told');
    this.listeners.push(handlers);
    const close = async (): Promise<void> => {
      this.listeners = this.listeners.filter((each) => each !== handlers);
    };
    signal.addEventListener('abort', () => void close());
    return { close };
  }

  connect(deviceUri: string, who: Login | undefined, sourceToken?: string): CameraDriver {
    this.open += 1;
    const closing = new AbortController();
    const ask = async <T>(name: string, options: CallOptions, isOpen: boolean, value: () => T): Promise<T> => {
      this.calls.push(name);
      if (options.signal.aborted) throw new DriverError('driver.aborted', 'gone');
      if (this.isHanging) {
        await new Promise((_, reject) => {
          options.signal.addEventListener('abort', () => reject(new DriverError('driver.aborted', 'gone')));
          closing.signal.addEventListener('abort', () => reject(new DriverError('camera.unreachable', 'connection closed')));
        });
      }
      await Promise.resolve();
      if (this.fails !== undefined) throw new DriverError(this.fails, 'as told');
      if (!isOpen && who !== undefined) this.users.push(who.user);
      if (!isOpen && this.user !== undefined && who?.user !== this.user)
        throw new DriverError('camera.unauthorized', 'no', { detail: { triesLeft: 2 } });
      return value();
    };
    const ptz: PtzDriver = {
      move: (_, options) => ask('move', options, false, () => undefined),
      stop: (options) => ask('stop', options, false, () => undefined),
    };
    const own = (): CameraSource | undefined => this.sources.find(({ token }) => token === sourceToken) ?? this.sources[0];
    const events = this.#events();
    const extras = { ...NO_EXTRAS, recordings: this.hasRecordings ? RECORDINGS : undefined };
    return {
      ...(this.sources.length > 0 ? { sources: (options) => ask('sources', options, false, () => this.sources) } : {}),
      ...(this.hasEvents
        ? {
            capabilities: (options) =>
              ask('capabilities', options, false, () => ({ ...extras, ptz: this.hasPtz ? ptz : undefined, events })),
          }
        : {}),
      clockOffsetMs: (options) => ask('clock', options, true, () => this.offsetMs),
      identify: (options) =>
        ask('identify', options, false, () => ({ manufacturer: 'Acme', model: 'Dome', firmware: '1', serial: this.serial })),
      streams: (options) => ask('streams', options, false, () => own()?.streams ?? this.streams),
      streamUri: (token, options) =>
        ask('streamUri', options, false, () => {
          if (this.uriFails !== undefined) throw this.uriFails;
          return `rtsp://${new URL(deviceUri).hostname}:554/${token}`;
        }),
      encoderOptions: (_, options) => ask('encoderOptions', options, false, () => OFFERS),
      setEncoder: (which, wanted, options) =>
        ask('setEncoder', options, false, () => {
          if (this.setFails !== undefined) throw this.setFails;
          this.streams = this.streams.map((each) => (each.kind === which.kind ? { ...each, video: wanted } : each));
          return wanted;
        }),
      snapshot: (_, options) => ask('snapshot', options, false, failsWith(this.snapshotFails)),
      synchronize: (_, options) => ask('synchronize', options, false, () => undefined),
      ptz: (options) => ask('ptz', options, false, () => (this.hasPtz ? ptz : undefined)),
      close: () => {
        closing.abort();
        this.open -= 1;
      },
    };
  }
}

export class FakeStore implements ChannelStore {
  document: ChannelDocument | undefined;
  readonly logins = new Map<string, Login>();
  saves = 0;

  load(): Promise<ChannelDocument | undefined> {
    return Promise.resolve(this.document);
  }

  save(document: ChannelDocument): Promise<void> {
    this.document = JSON.parse(JSON.stringify(document)) as ChannelDocument;
    this.saves += 1;
    return Promise.resolve();
  }

  loadLogin(id: string): Promise<Login | undefined> {
    return Promise.resolve(this.logins.get(id));
  }

  saveLogin(id: string, who: Login | undefined): Promise<void> {
    if (who === undefined) this.logins.delete(id);
    else this.logins.set(id, who);
    return Promise.resolve();
  }
}

export const found = (number: number, host = `192.0.2.${number}`): DiscoveredCamera => ({
  endpoint: `urn:uuid:${number}`,
  deviceUri: `http://${host}/onvif/device_service`,
  name: `Camera ${number}`,
  hardware: 'Dome',
});

export class Site {
  readonly clock = new HandClock();
  readonly store = new FakeStore();
  /** By host. */
  readonly cameras = new Map<string, FakeCamera>();
  /** What the next discovery finds. */
  visible: DiscoveredCamera[] = [];
  searches = 0;
  /** By host: who answers when one is asked alone. */
  readonly hosts = new Map<string, DiscoveredCamera>();
  /** Networks that were asked address by address; each answers with what is visible. */
  readonly scanned: string[] = [];
  /** Who listens to greetings now. */
  greetings: CameraGreetings[] = [];
  readonly lines: string[] = [];

  camera(number: number): FakeCamera {
    const made = new FakeCamera();
    this.cameras.set(`192.0.2.${number}`, made);
    return made;
  }

  registry(more: Partial<CameraRegistryParts> = {}): CameraRegistry {
    return new CameraRegistry({
      connector: {
        connect: ({ deviceUri, login: who, sourceToken }: CameraTarget) => {
          const camera = this.cameras.get(new URL(deviceUri).hostname) ?? Object.assign(new FakeCamera(), { fails: 'camera.unreachable' });
          if (who !== undefined) camera.mayTell.push(who.mayBasic === true);
          return camera.connect(deviceUri, who, sourceToken);
        },
      },
      discovery: {
        discover: () => {
          this.searches += 1;
          return Promise.resolve(this.visible);
        },
        probe: async (host) => this.hosts.get(host),
        scan: async (network) => {
          this.scanned.push(network);
          return this.visible;
        },
        listen: async (greetings) => {
          this.greetings.push(greetings);
          const close = async (): Promise<void> => {
            this.greetings = this.greetings.filter((each) => each !== greetings);
          };
          return { close };
        },
      },
      store: this.store,
      serialPtz: () => undefined,
      groupLogins: [login('admin')],
      clock: this.clock,
      log: createLog({ level: 'debug', clock: this.clock, format: 'text', write: (line) => this.lines.push(line) }),
      random: () => 0.5,
      ...more,
    });
  }

  /** Moves time and lets everything that becomes due happen. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
  }
}

/** Runs `work` with a started registry, stops it, and checks that no timer and no connection is left. */
export async function withSite(
  work: (site: Site, start: (more?: Partial<CameraRegistryParts>) => Promise<CameraRegistry>) => Promise<void>,
): Promise<void> {
  const site = new Site();
  const started: CameraRegistry[] = [];
  await work(site, async (more) => {
    const registry = site.registry(more);
    started.push(registry);
    await registry.start();
    await site.pass(0);
    await site.pass(1_000);
    return registry;
  });
  for (const registry of started) await registry.stop();
  if (site.greetings.length !== 0) throw new RangeError('somebody still listens to greetings');
  for (const camera of site.cameras.values()) if (camera.open !== 0) throw new RangeError(`${camera.open} connections left open`);
  if (site.clock.pending !== 0) throw new RangeError(`${site.clock.pending} timers left`);
}
