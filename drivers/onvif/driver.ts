import {
  type CallOptions,
  type CameraCapabilities,
  type CameraDriver,
  type CameraSnapshot,
  type CameraSource,
  type CameraStream,
  type DriverClock,
  DriverError,
  type DriverLog,
  type PtzDriver,
  type VideoEncoderSettings,
} from '../port.js';
import { type Reached, rebuildStreamUri, servicePath, streamPort } from './address.js';
import { withDeadline } from './deadline.js';
import { askIdentity, askRtspPort } from './device.js';
import { askEncoderOptions, changeEncoder } from './encoder.js';
import { openExtras } from './extras.js';
import type { LinkCall, LinkRequest, OnvifLink } from './link.js';
import { askProfiles, askStreamUri, askSynchronization } from './media.js';
import { MediaChoice } from './media-choice.js';
import type { MediaProfile } from './media-profile.js';
import { openOverlays } from './overlays.js';
import { createPtz } from './ptz.js';
import { askAbilities } from './ptz-node.js';
import { type AskExtras, askServices, SERVICES, type ServiceName, type ServicePaths } from './services.js';
import type { OnvifSession } from './session.js';
import { takeSnapshot } from './snapshot.js';
import { chooseSources, chooseStreams } from './stream-choice.js';

/** Profiles asked for again within this time are the same ones: streams, PTZ and capabilities are asked for in one breath. */
const PROFILES_FRESH_MS = 2_000;
const RTSP_PORT = 554;

/** Facts of one connection to one camera. */
export interface OnvifDriverParts {
  readonly reached: Reached;
  readonly session: OnvifSession;
  readonly clock: DriverClock;
  readonly log: DriverLog;
  /** Video source to show; the camera's first when undefined or unknown to it. */
  readonly sourceToken: string | undefined;
}

/** What is known of the camera once its services were told. */
interface Known {
  readonly services: ServicePaths;
  readonly media: MediaChoice;
}

/** One call of a public method with all that its work may need. */
interface Call extends LinkCall, Known {}

/** One ONVIF camera behind the CameraDriver port; made by the connector. */
export class OnvifDriver implements CameraDriver {
  readonly #parts: OnvifDriverParts;
  #known: Known | undefined;
  #profiles: { readonly atMs: number; readonly all: readonly MediaProfile[] } | undefined;
  /** Kept as long as profile and node stay: it remembers what moves and how the camera wants to be asked. */
  #ptz: { readonly place: string; readonly driver: PtzDriver } | undefined;
  #capabilities: CameraCapabilities | undefined;

  constructor(parts: OnvifDriverParts) {
    this.#parts = parts;
  }

  clockOffsetMs(options: CallOptions): Promise<number> {
    return withDeadline(this.#parts.clock, options.signal, (signal) => this.#parts.session.askTime(signal));
  }

  identify(options: CallOptions): ReturnType<CameraDriver['identify']> {
    return this.#run(options, ({ ask }) => askIdentity(ask));
  }

  streams(options: CallOptions): Promise<readonly CameraStream[]> {
    return this.#run(options, async (call) => chooseStreams(await this.#askProfiles(call), this.#parts.sourceToken));
  }

  sources(options: CallOptions): Promise<readonly CameraSource[]> {
    return this.#run(options, async (call) => chooseSources(await this.#askProfiles(call)));
  }

  streamUri(profileToken: string, options: CallOptions): Promise<string> {
    return this.#run(options, async ({ ask, media }) => {
      const { reached } = this.#parts;
      const uri = await askStreamUri(ask, media, profileToken);
      const port = streamPort(uri);
      // Some cameras write their HTTP port into it; where RTSP listens they tell elsewhere.
      const isHttpPort = /^rtsp:/i.test(uri) && port !== undefined && (port === 80 || port === reached.port);
      return rebuildStreamUri(uri, reached, isHttpPort ? ((await askRtspPort(ask)) ?? RTSP_PORT) : port);
    });
  }

  encoderOptions(stream: CameraStream, options: CallOptions): ReturnType<CameraDriver['encoderOptions']> {
    return this.#run(options, ({ ask, media }) => askEncoderOptions(ask, media, stream));
  }

  setEncoder(stream: CameraStream, wanted: VideoEncoderSettings, options: CallOptions): Promise<VideoEncoderSettings> {
    this.#profiles = undefined;
    return this.#run(options, ({ ask, media }) => changeEncoder(ask, media, stream, wanted));
  }

  synchronize(profileToken: string, options: CallOptions): Promise<void> {
    return this.#run(options, ({ ask, media }) => askSynchronization(ask, media, profileToken));
  }

  snapshot(profileToken: string, options: CallOptions & { readonly maxBytes?: number }): Promise<CameraSnapshot> {
    return this.#run(options, (call) => takeSnapshot({ fetch: this.#fetch }, call.media, profileToken, call, options.maxBytes));
  }

  ptz(options: CallOptions): Promise<PtzDriver | undefined> {
    return this.#run(options, (call) => this.#openPtz(call));
  }

  async capabilities(options: CallOptions): Promise<CameraCapabilities> {
    if (this.#capabilities !== undefined) return this.#capabilities;
    return this.#run(options, async (call) => {
      const ptz = await this.#openPtz(call);
      const main = await this.#mainProfile(call);
      const link = this.#link(call, main);
      const overlays = main === undefined ? undefined : openOverlays(link, call.media, main.sourceConfiguration);
      this.#capabilities ??= { ptz, overlays, ...openExtras(link) };
      return this.#capabilities;
    });
  }

  close(): void {
    this.#parts.session.close();
  }

  async #openPtz(call: Call): Promise<PtzDriver | undefined> {
    if (!call.services.has('ptz')) return undefined;
    const profile = await this.#mainProfile(call);
    if (profile === undefined || profile.ptzNodeToken === '') return undefined;
    const place = `${profile.token} ${profile.ptzNodeToken}`;
    if (this.#ptz?.place !== place) {
      const abilities = await askAbilities(call.ask, profile.ptzNodeToken);
      const driver = createPtz((options, work) => this.#run(options, ({ ask }) => work(ask)), profile.token, abilities);
      this.#ptz = { place, driver };
    }
    return this.#ptz.driver;
  }

  async #askProfiles({ ask, media, services }: Call): Promise<readonly MediaProfile[]> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#profiles !== undefined && nowMs - this.#profiles.atMs < PROFILES_FRESH_MS) return this.#profiles.all;
    const all = await askProfiles(ask, media, services.has('ptz'));
    this.#profiles = { atMs: this.#parts.clock.monotonicMs(), all };
    return all;
  }

  async #mainProfile(call: Call): Promise<MediaProfile | undefined> {
    const profiles = await this.#askProfiles(call);
    const main = chooseStreams(profiles, this.#parts.sourceToken)[0]?.profileToken;
    return profiles.find(({ token }) => token === main);
  }

  #link({ services }: Call, main: MediaProfile | undefined): OnvifLink {
    const { clock, log, reached, session } = this.#parts;
    return {
      clock,
      log,
      reached,
      sourceToken: main?.sourceToken ?? '',
      profileToken: main?.token ?? '',
      offsetMs: () => session.time.offsetMs,
      isClockKnown: () => session.time.isKnown,
      has: (service) => service === 'device' || services.has(service),
      run: (options, work, deadlineMs) => this.#run(options, work, deadlineMs),
      fetch: this.#fetch,
    };
  }

  /** One public call: deadline over everything, clock and services known before the first authorized request. */
  #run<T>(options: CallOptions, work: (call: Call) => Promise<T>, deadlineMs?: number): Promise<T> {
    return withDeadline(
      this.#parts.clock,
      options.signal,
      async (signal) => {
        if (!this.#parts.session.time.isFresh) await this.#parts.session.askTime(signal);
        const known = this.#known ?? (await this.#askServices(signal));
        const ask = (service: ServiceName, name: string, body: string, extras?: AskExtras): Promise<unknown> =>
          this.#ask(known.services, service, name, body, signal, extras);
        return work({ ask, signal, ...known });
      },
      deadlineMs,
    );
  }

  async #ask(
    services: ServicePaths,
    service: ServiceName,
    name: string,
    body: string,
    signal: AbortSignal,
    extras: AskExtras = {},
  ): Promise<unknown> {
    // The device service is asked where it was found; only the others are looked up.
    const path = extras.path ?? (service === 'device' ? this.#parts.reached.path : services.get(service));
    if (path === undefined) throw new DriverError('camera.unsupported', `the camera has no ${service} service`, { detail: { service } });
    try {
      return await this.#parts.session.call({ ...extras, path, service: SERVICES[service], name, body }, signal);
    } catch (error) {
      // Another firmware may have its services elsewhere: they are looked up again with the next call.
      if (error instanceof DriverError && error.code === 'camera.not_onvif') this.#known = undefined;
      throw error;
    }
  }

  /** Not shared while under way: the first caller's deadline or abort must not fail the others. */
  async #askServices(signal: AbortSignal): Promise<Known> {
    const none: ServicePaths = new Map();
    const services = await askServices((service, name, body) => this.#ask(none, service, name, body, signal));
    this.#known = { services, media: new MediaChoice((service) => services.has(service)) };
    return this.#known;
  }

  readonly #fetch = (request: LinkRequest, signal: AbortSignal): ReturnType<OnvifLink['fetch']> => {
    const path = servicePath(request.uri);
    if (path === undefined) throw new DriverError('camera.unsupported', 'the camera gave an address that is none of HTTP');
    const headers: Record<string, string> = request.contentType === undefined ? {} : { 'Content-Type': request.contentType };
    const { method, body, bodyBytes, maxAnswerBytes } = request;
    return this.#parts.session.fetch({ method, path, headers, body, bodyBytes, maxAnswerBytes, signal });
  };
}
