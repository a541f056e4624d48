import type { DiscoveredCamera, Login, PtzDriver, VideoEncoderOptions } from '../../drivers/port.js';
import type { Timer } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import type { Service } from '../kernel/service.js';
import { SingleFlight } from '../kernel/single-flight.js';
import { hostPortOf, parseCameraAddress } from './address.js';
import { Channel, type ChannelParts } from './channel.js';
import { planEncoder } from './encoder-plan.js';
import type {
  CameraRegistryParts,
  Cameras,
  CameraView,
  ChannelDocument,
  EncoderChange,
  EncoderPatch,
  ResolvedStream,
  StoredChannel,
  StreamKind,
} from './ports.js';
import { MotionGuard } from './ptz.js';
import { cameraError, noPtz, noSuchCamera, notOffered } from './reasons.js';
import { cameraTiming } from './timing.js';
import { NO_FACTS } from './view.js';

/** A flood of made-up answers must not become a flood of channels; no recorder we know has more. */
const MAX_CHANNELS = 128;
const MAX_REMOVED = 256;
const START_SPREAD_MS = 20;
/** A camera in motion is stopped before we leave, if it lets us within this time. */
const STOP_MOTION_MS = 1_000;
const NAME = /^[^\p{Cc}\p{Zl}\p{Zp}]{1,80}$/u;

type Listener = (changed: CameraView, kind: 'added' | 'changed' | 'removed') => void;

/** The cameras of this recorder: finds them, keeps them, knows how each one is. See Cameras for what it offers. */
export class CameraRegistry implements Cameras, Service {
  readonly name = 'cameras';
  readonly #parts: CameraRegistryParts;
  readonly #channelParts: ChannelParts;
  readonly #channels = new Map<string, Channel>();
  readonly #guards = new Map<string, MotionGuard>();
  readonly #listeners = new Set<Listener>();
  readonly #announced = new Map<string, string>();
  readonly #saving = new KeyedQueue();
  readonly #searching = new SingleFlight<readonly string[]>();
  readonly #life = new AbortController();
  #views: readonly CameraView[] | undefined;
  #nextNumber = 1;
  #removed: readonly string[] = [];
  #timer: Timer | undefined;

  constructor(parts: CameraRegistryParts) {
    this.#parts = parts;
    const { connector, serialPtz, groupLogins, clock, log, random = Math.random } = parts;
    const onChange = (channel: Channel, isStored: boolean): void => this.#changed(channel, isStored);
    this.#channelParts = { connector, serialPtz, groupLogins, clock, log, random, timing: cameraTiming(parts.timing), onChange };
  }

  /** Resolves when the known channels are loaded; asking them and searching for others goes on by itself. */
  async start(): Promise<void> {
    const document = await this.#parts.store.load();
    this.#nextNumber = document?.nextNumber ?? 1;
    this.#removed = document?.removed ?? [];
    for (const [index, stored] of (document?.channels ?? []).entries()) {
      const channel = new Channel(this.#channelParts, stored, await this.#parts.store.loadLogin(stored.id));
      this.#channels.set(stored.id, channel);
      channel.start(index * START_SPREAD_MS);
    }
    this.#planSearch(0);
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#life.abort();
    const giveUp = new AbortController();
    const timer = this.#parts.clock.after(STOP_MOTION_MS, () => giveUp.abort(), true);
    const moving = [...this.#guards.values()].filter((guard) => guard.isMoving);
    await Promise.allSettled(moving.map((guard) => guard.stop({ signal: giveUp.signal })));
    timer.cancel();
    await Promise.all([...this.#channels.values()].map((channel) => channel.stop()));
    await this.#saving.run('document', () => Promise.resolve());
  }

  list(): readonly CameraView[] {
    this.#views ??= [...this.#channels.values()].map((channel) => channel.view());
    return this.#views;
  }

  find(id: string): CameraView | undefined {
    return this.list().find((view) => view.id === id);
  }

  loginInUse(id: string): Login | undefined {
    return this.#channels.get(id)?.login;
  }

  async resolveStream(id: string, kind: StreamKind, signal?: AbortSignal): Promise<ResolvedStream> {
    const channel = this.#channel(id);
    const { profileToken } = await channel.stream(kind);
    const known = channel.knownUri(profileToken);
    const uri = known ?? (await channel.use(signal, (driver, both) => driver.streamUri(profileToken, { signal: both })));
    return { uri, allowedHost: channel.context.host, login: channel.login, profileToken };
  }

  async synchronize(id: string, kind: StreamKind, signal?: AbortSignal): Promise<void> {
    const channel = this.#channel(id);
    const { profileToken } = await channel.stream(kind);
    await channel.use(signal, (driver, both) => driver.synchronize(profileToken, { signal: both }));
  }

  ptz(id: string): PtzDriver {
    const channel = this.#channel(id);
    const driver = (): PtzDriver => {
      const found = this.#parts.serialPtz(id) ?? channel.onvifPtz;
      if (found === undefined) throw noPtz(id);
      return found;
    };
    driver();
    const known = this.#guards.get(id);
    const guard = known ?? new MotionGuard({ driver, clock: this.#parts.clock, log: this.#parts.log });
    this.#guards.set(id, guard);
    const told = async (act: Promise<void>): Promise<void> => {
      try {
        await act;
      } catch (error) {
        throw cameraError(error, channel.context);
      }
    };
    return { move: (velocity, options) => told(guard.move(velocity, options)), stop: (options) => told(guard.stop(options)) };
  }

  async encoderOptions(id: string, kind: StreamKind, signal?: AbortSignal): Promise<VideoEncoderOptions> {
    const channel = this.#channel(id);
    const stream = await channel.stream(kind);
    return channel.use(signal, (driver, both) => driver.encoderOptions(stream, { signal: both }));
  }

  async setEncoder(id: string, kind: StreamKind, patch: EncoderPatch, signal?: AbortSignal): Promise<EncoderChange> {
    const channel = this.#channel(id);
    const stream = await channel.stream(kind);
    return channel.use(signal, async (driver, both) => {
      const offers = await driver.encoderOptions(stream, { signal: both });
      const plan = planEncoder(stream.video, patch, offers);
      if (plan.wanted === undefined) throw notOffered(plan.refused, offers);
      const after = await driver.setEncoder(stream, plan.wanted, { signal: both });
      await channel.check(true);
      return { before: stream.video, after };
    });
  }

  async rename(id: string, name: string): Promise<CameraView> {
    const channel = this.#channel(id);
    const trimmed = name.trim();
    if (trimmed !== '' && !NAME.test(trimmed)) {
      throw new AgentError({ code: 'cameras.bad_name', say: 'This is not a usable name.', fix: 'Use 1 to 80 visible characters.' });
    }
    channel.rename(trimmed);
    await this.#save();
    return channel.view();
  }

  async setLogin(id: string, login: Login | undefined): Promise<CameraView> {
    const channel = this.#channel(id);
    await this.#parts.store.saveLogin(id, login);
    channel.setLogin(login);
    await channel.check(true);
    return channel.view();
  }

  async add(address: string, login: Login | undefined): Promise<CameraView> {
    const { deviceUri, login: inAddress } = parseCameraAddress(address);
    const wanted = login ?? inAddress;
    const place = hostPortOf(deviceUri);
    this.#removed = this.#removed.filter((entry) => entry !== place);
    const known = [...this.#channels.values()].find((channel) => hostPortOf(channel.stored.deviceUri) === place);
    if (known !== undefined && wanted !== undefined) return this.setLogin(known.id, wanted);
    const channel = known ?? this.#create({ endpoint: deviceUri, deviceUri, name: '', hardware: '' }, wanted);
    if (known === undefined && wanted !== undefined) await this.#parts.store.saveLogin(channel.id, wanted);
    await this.#save();
    await channel.check();
    return channel.view();
  }

  async remove(id: string): Promise<void> {
    const channel = this.#channel(id);
    const view = channel.view();
    const { endpoint, deviceUri } = channel.stored;
    this.#channels.delete(id);
    this.#guards.delete(id);
    this.#announced.delete(id);
    this.#views = undefined;
    this.#removed = [...new Set([...this.#removed, endpoint, hostPortOf(deviceUri)])].slice(-MAX_REMOVED);
    await channel.stop();
    await this.#parts.store.saveLogin(id, undefined);
    await this.#save();
    this.#tell(view, 'removed');
  }

  async check(id: string): Promise<CameraView> {
    const channel = this.#channel(id);
    await channel.check(true);
    return channel.view();
  }

  discover(): Promise<readonly string[]> {
    return this.#searching.run('search', async () => {
      try {
        return await this.#search();
      } finally {
        const { discoverMs, discoverWithoutCameraMs } = this.#channelParts.timing;
        this.#planSearch(this.#channels.size === 0 ? discoverWithoutCameraMs : discoverMs);
      }
    });
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #search(): Promise<readonly string[]> {
    const { discovery, log } = this.#parts;
    if (discovery === undefined) return [];
    let found: readonly DiscoveredCamera[];
    try {
      found = await discovery.discover({ listenMs: this.#channelParts.timing.listenMs, signal: this.#life.signal });
    } catch (error) {
      if (this.#life.signal.aborted) return [];
      throw cameraError(error, { host: '', login: undefined });
    }
    const fresh = found.flatMap((camera) => this.#meet(camera) ?? []);
    if (fresh.length > 0) {
      log.info('new cameras', { count: fresh.length });
      await this.#save();
      for (const [index, channel] of fresh.entries()) channel.start(index * START_SPREAD_MS);
    }
    return fresh.map((channel) => channel.id);
  }

  /** The channel made for a camera that is new; undefined for one that is known or was removed by a person. */
  #meet(camera: DiscoveredCamera): Channel | undefined {
    const place = hostPortOf(camera.deviceUri);
    if (this.#removed.includes(camera.endpoint) || this.#removed.includes(place)) return undefined;
    const all = [...this.#channels.values()];
    const known =
      all.find((channel) => channel.stored.endpoint === camera.endpoint) ??
      all.find((channel) => hostPortOf(channel.stored.deviceUri) === place);
    known?.rediscovered(camera);
    if (known !== undefined || this.#life.signal.aborted) return undefined;
    if (all.length >= MAX_CHANNELS) {
      this.#parts.log.warn('more cameras than channels', { limit: MAX_CHANNELS });
      return undefined;
    }
    return this.#create(camera, undefined);
  }

  #create(camera: DiscoveredCamera, login: Login | undefined): Channel {
    const { endpoint, deviceUri, name, hardware } = camera;
    const known = { ...NO_FACTS, name, model: hardware };
    const stored: StoredChannel = { id: `cam-${this.#nextNumber}`, endpoint, deviceUri, name: '', known };
    this.#nextNumber += 1;
    const channel = new Channel(this.#channelParts, stored, login);
    this.#channels.set(stored.id, channel);
    this.#changed(channel, false);
    return channel;
  }

  #channel(id: string): Channel {
    const channel = this.#channels.get(id);
    if (channel === undefined) throw noSuchCamera(id);
    return channel;
  }

  #changed(channel: Channel, isStored: boolean): void {
    if (this.#channels.get(channel.id) !== channel) return;
    this.#views = undefined;
    if (isStored) this.#save().catch((error: unknown) => this.#parts.log.error('cameras could not be saved', { error }));
    const view = channel.view();
    // Every sign of life moves lastSeenAt; that alone is nothing to wake anyone for.
    const content = JSON.stringify({ ...view, lastSeenAt: 0 });
    const before = this.#announced.get(view.id);
    if (before === content) return;
    this.#announced.set(view.id, content);
    this.#tell(view, before === undefined ? 'added' : 'changed');
  }

  #tell(view: CameraView, kind: 'added' | 'changed' | 'removed'): void {
    for (const listener of this.#listeners) listener(view, kind);
  }

  #save(): Promise<void> {
    return this.#saving.run('document', () => {
      const channels = [...this.#channels.values()].map((channel) => channel.stored);
      const document: ChannelDocument = { version: 1, nextNumber: this.#nextNumber, channels, removed: this.#removed };
      return this.#parts.store.save(document);
    });
  }

  #planSearch(delayMs: number): void {
    if (this.#life.signal.aborted || this.#parts.discovery === undefined) return;
    this.#timer?.cancel();
    const search = (): void => void this.discover().catch((error: unknown) => this.#parts.log.warn('search for cameras failed', { error }));
    this.#timer = this.#parts.clock.after(delayMs, search, true);
  }
}
