import {
  type CallOptions,
  type CameraDriver,
  type CameraStream,
  type DriverClock,
  DriverError,
  type DriverLog,
  type PtzDriver,
  type VideoEncoderSettings,
} from '../port.js';
import { type Reached, rebuildStreamUri } from './address.js';
import { withDeadline } from './deadline.js';
import { askIdentity, readCameraClock, SYSTEM_DATE_AND_TIME } from './device.js';
import { askEncoderOptions, changeEncoder } from './encoder.js';
import { askProfiles, askStreamUri, askSynchronization } from './media.js';
import { askAxes, createPtz } from './ptz.js';
import { type Ask, askServices, SERVICES, type ServiceName, type ServicePaths } from './services.js';
import type { OnvifSession } from './session.js';
import { chooseStreams } from './stream-choice.js';

/** A camera whose clock moved by more than this since it was last asked may have refused the token for that alone. */
const DRIFT_MS = 2_000;

/** Facts of one connection to one camera. */
export interface OnvifDriverParts {
  readonly reached: Reached;
  readonly session: OnvifSession;
  readonly clock: DriverClock;
  readonly log: DriverLog;
}

/** One ONVIF camera behind the CameraDriver port; made by the connector. */
export class OnvifDriver implements CameraDriver {
  readonly #parts: OnvifDriverParts;
  #isClockKnown = false;
  #services: Promise<ServicePaths> | undefined;

  constructor(parts: OnvifDriverParts) {
    this.#parts = parts;
  }

  clockOffsetMs(options: CallOptions): Promise<number> {
    return withDeadline(this.#parts.clock, options.signal, (signal) => this.#askClock(signal));
  }

  identify(options: CallOptions): ReturnType<CameraDriver['identify']> {
    return this.#run(options, askIdentity);
  }

  streams(options: CallOptions): Promise<readonly CameraStream[]> {
    return this.#run(options, async (ask) => chooseStreams(await askProfiles(ask)));
  }

  streamUri(profileToken: string, options: CallOptions): Promise<string> {
    return this.#run(options, async (ask) => rebuildStreamUri(await askStreamUri(ask, profileToken), this.#parts.reached));
  }

  encoderOptions(stream: CameraStream, options: CallOptions): ReturnType<CameraDriver['encoderOptions']> {
    return this.#run(options, (ask) => askEncoderOptions(ask, stream));
  }

  setEncoder(stream: CameraStream, wanted: VideoEncoderSettings, options: CallOptions): Promise<VideoEncoderSettings> {
    return this.#run(options, (ask) => changeEncoder(ask, stream, wanted));
  }

  synchronize(profileToken: string, options: CallOptions): Promise<void> {
    return this.#run(options, (ask) => askSynchronization(ask, profileToken));
  }

  ptz(options: CallOptions): Promise<PtzDriver | undefined> {
    return this.#run(options, async (ask, services) => {
      if (!services.has('ptz')) return undefined;
      const profiles = await askProfiles(ask);
      const main = chooseStreams(profiles)[0]?.profileToken;
      const profile = profiles.find((candidate) => candidate.token === main);
      if (profile === undefined || profile.ptzNodeToken === '') return undefined;
      const axes = await askAxes(ask, profile.ptzNodeToken);
      return createPtz((moveOptions, work) => this.#run(moveOptions, work), profile.token, axes);
    });
  }

  close(): void {
    this.#parts.session.close();
  }

  /** One public call: deadline over everything, clock and services known before the first authorized request. */
  #run<T>(options: CallOptions, work: (ask: Ask, services: ServicePaths) => Promise<T>): Promise<T> {
    return withDeadline(this.#parts.clock, options.signal, async (signal) => {
      if (!this.#isClockKnown) await this.#askClock(signal);
      const services = await this.#askServices(signal);
      return work((service, name, body) => this.#ask(services, service, name, body, signal), services);
    });
  }

  async #ask(services: ServicePaths, service: ServiceName, name: string, body: string, signal: AbortSignal): Promise<unknown> {
    // The device service is asked where it was found; only the others are looked up.
    const path = service === 'device' ? this.#parts.reached.path : services.get(service);
    if (path === undefined) throw new DriverError('camera.unsupported', `the camera has no ${service} service`, { detail: { service } });
    const call = { path, service: SERVICES[service], name, body };
    try {
      return await this.#parts.session.call(call, signal);
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'camera.unauthorized' || !(await this.#hasDrifted(signal))) throw error;
      return this.#parts.session.call(call, signal);
    }
  }

  async #hasDrifted(signal: AbortSignal): Promise<boolean> {
    const { session } = this.#parts;
    const before = session.offsetMs;
    if (!session.hasLogin) return false;
    try {
      await this.#askClock(signal);
    } catch {
      // The refusal is what the caller must hear of, not this.
      return false;
    }
    return Math.abs(session.offsetMs - before) > DRIFT_MS;
  }

  /** The camera's clock, asked openly; a camera that refuses even that is asked again with the login and its HTTP date as clock. */
  async #askClock(signal: AbortSignal): Promise<number> {
    const { session, clock, reached, log } = this.#parts;
    const call = { path: reached.path, service: SERVICES.device, name: 'GetSystemDateAndTime', body: SYSTEM_DATE_AND_TIME };
    const sentAt = clock.now();
    const open = await session.callOpenly(call, signal);
    const middleAt = (sentAt + clock.now()) / 2;
    let cameraAt = open.refusal === undefined ? readCameraClock(open.content) : undefined;
    if (open.refusal !== undefined) {
      if (!session.hasLogin) throw open.refusal;
      session.offsetMs = open.dateAt === undefined ? session.offsetMs : open.dateAt - middleAt;
      cameraAt = readCameraClock(await session.call(call, signal));
    }
    cameraAt ??= open.dateAt;
    if (cameraAt !== undefined) session.offsetMs = Math.round(cameraAt - middleAt);
    if (!this.#isClockKnown) log.debug('camera clock', { camera: reached.key, offsetMs: session.offsetMs });
    this.#isClockKnown = true;
    return session.offsetMs;
  }

  #askServices(signal: AbortSignal): Promise<ServicePaths> {
    const none: ServicePaths = new Map();
    // Not shared while under way: the first caller's deadline or abort must not fail the others.
    if (this.#services !== undefined) return this.#services;
    return askServices((service, name, body) => this.#ask(none, service, name, body, signal)).then((paths) => {
      this.#services = Promise.resolve(paths);
      return paths;
    });
  }
}
