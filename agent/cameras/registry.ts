import type {
  CameraDriver,
  CameraEvent,
  CameraSource,
  CameraTarget,
  DiscoveredCamera,
  Login,
  PtzDriver,
  VideoEncoderOptions,
} from '../../drivers/port.js';
import type { TestStep } from '../contract/camera-views.js';
import { AgentError } from '../kernel/errors.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import type { Service } from '../kernel/service.js';
import { hostPortOf, parseCameraAddress, wiredChannel, wiredUri } from './address.js';
import { analogueCamera } from './analogue.js';
import { CameraTest } from './camera-test.js';
import { Channel, type ChannelParts } from './channel.js';
import { planEncoder } from './encoder-plan.js';
import { Movers } from './movers.js';
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
import { cameraError, namedInSiteFile, noSuchCamera, notOffered } from './reasons.js';
import { CameraSearch } from './search.js';
import { cameraTiming } from './timing.js';
import { NO_FACTS } from './view.js';

/** A flood of made-up answers must not become a flood of channels; no recorder we know has more. */
const MAX_CHANNELS = 128;
const MAX_REMOVED = 256;
const START_SPREAD_MS = 20;
const NAME = /^[^\p{Cc}\p{Zl}\p{Zp}]{1,80}$/u;

/** Words by which a removed source is known again: a camera that was added by its address gets its lasting endpoint only later. */
const sourceKeys = ({ endpoint, deviceUri }: Pick<StoredChannel, 'endpoint' | 'deviceUri'>, token: string): readonly string[] =>
  [endpoint, hostPortOf(deviceUri)].map((word) => `${word}#${token}`);

type NewsListener = (id: string, event: CameraEvent) => void;
type Listener = (changed: CameraView, kind: 'added' | 'changed' | 'removed') => void;

/** The cameras of this recorder: finds them, keeps them, knows how each one is. See Cameras for what it offers. */
export class CameraRegistry implements Cameras, Service {
  readonly name = 'cameras';
  readonly #parts: CameraRegistryParts;
  readonly #channelParts: ChannelParts;
  readonly #channels = new Map<string, Channel>();
  readonly #movers: Movers;
  readonly #search: CameraSearch;
  readonly #listeners = new Set<Listener>();
  readonly #newsListeners = new Set<NewsListener>();
  readonly #announced = new Map<string, string>();
  readonly #saving = new KeyedQueue();
  readonly #life = new AbortController();
  #views: readonly CameraView[] | undefined;
  #nextNumber = 1;
  #removed: readonly string[] = [];

  constructor(parts: CameraRegistryParts) {
    this.#parts = parts;
    const { serialPtz, groupLogins, clock, log, random = Math.random } = parts;
    this.#movers = new Movers(parts);
    this.#search = new CameraSearch({
      ...{ discovery: parts.discovery, timing: cameraTiming(parts.timing), clock, log },
      hasCameras: () => this.#channels.size > 0,
      meet: (found) => this.#meetAll(found),
    });
    this.#channelParts = {
      ...{ serialPtz, groupLogins, clock, log, random, timing: cameraTiming(parts.timing) },
      connector: { connect: (target) => this.#connect(target) },
      onChange: (channel, isStored) => this.#changed(channel, isStored),
      leader: (channel) => this.#leaderOf(channel),
      onSources: (channel, sources) => this.#meetSources(channel, sources),
      onNews: (channel, news) => this.#news(channel, news),
    };
  }

  /** Resolves when the known channels are loaded; asking them and searching for others goes on by itself. */
  async start(): Promise<void> {
    const document = await this.#parts.store.load();
    this.#nextNumber = document?.nextNumber ?? 1;
    this.#removed = document?.removed ?? [];
    for (const stored of document?.channels ?? []) {
      // Cameras by wire are what the site file names now.
      if (wiredChannel(stored.deviceUri) !== undefined && this.#analogueName(stored.id) === undefined) continue;
      this.#channels.set(stored.id, new Channel(this.#channelParts, stored, await this.#parts.store.loadLogin(stored.id)));
    }
    this.#addAnalogue();
    for (const [index, channel] of [...this.#channels.values()].entries()) channel.start(index * START_SPREAD_MS);
    this.#search.plan(0);
  }

  async stop(): Promise<void> {
    this.#search.stop();
    this.#life.abort();
    await this.#movers.stopAll();
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
    return this.#movers.of(this.#channel(id));
  }

  async test(id: string, signal?: AbortSignal): Promise<readonly TestStep[]> {
    const channel = this.#channel(id);
    const { streams, clock, serialPtz } = this.#parts;
    const { deviceUri, source } = channel.stored;
    const driver = channel.connectBeside();
    const isWired = wiredChannel(deviceUri) !== undefined;
    const test = new CameraTest({ driver, isWired, context: channel.context, source, serialPtz: serialPtz(id), streams, clock });
    try {
      return await test.run(signal === undefined ? this.#life.signal : AbortSignal.any([signal, this.#life.signal]));
    } catch (error) {
      throw cameraError(error, channel.context);
    } finally {
      driver.close();
      // Whatever was found out now holds for the channel too.
      void channel.inspectNow();
    }
  }

  streamFailed(uri: string): void {
    for (const channel of this.#channels.values()) if (channel.hasStream(uri)) void channel.inspectNow();
  }

  onEvent(listener: NewsListener): () => void {
    this.#newsListeners.add(listener);
    return () => this.#newsListeners.delete(listener);
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
    const holder = this.#leaderOf(channel) ?? channel;
    await this.#parts.store.saveLogin(holder.id, login);
    holder.setLogin(login);
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
    if (this.#analogueName(id) !== undefined) throw namedInSiteFile(id);
    const view = channel.view();
    const { endpoint, deviceUri, source } = channel.stored;
    const [heir] = this.#sameDevice(channel).filter((other) => other !== channel);
    const isLeader = this.#leaderOf(channel) === undefined;
    this.#channels.delete(id);
    this.#movers.forget(id);
    this.#announced.delete(id);
    this.#views = undefined;
    const gone = heir === undefined ? [endpoint, hostPortOf(deviceUri)] : sourceKeys(channel.stored, source ?? '');
    this.#removed = [...new Set([...this.#removed, ...gone])].slice(-MAX_REMOVED);
    await channel.stop();
    await this.#parts.store.saveLogin(id, undefined);
    if (isLeader && heir !== undefined && channel.ownLogin !== undefined) await this.setLogin(heir.id, channel.ownLogin);
    await this.#save();
    this.#tell(view, 'removed');
  }

  async check(id: string): Promise<CameraView> {
    const channel = this.#channel(id);
    await channel.check(true);
    return channel.view();
  }

  discover(): Promise<readonly string[]> {
    return this.#search.now();
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #meetAll(found: readonly DiscoveredCamera[]): Promise<readonly string[]> {
    const fresh = found.flatMap((camera) => this.#meet(camera) ?? []);
    if (fresh.length === 0) return [];
    this.#parts.log.info('new cameras', { count: fresh.length });
    await this.#save();
    for (const [index, channel] of fresh.entries()) channel.start(index * START_SPREAD_MS);
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
    if (known !== undefined) for (const channel of this.#sameDevice(known)) channel.rediscovered(camera);
    if (known !== undefined || this.#life.signal.aborted) return undefined;
    if (all.length >= MAX_CHANNELS) {
      this.#parts.log.warn('more cameras than channels', { limit: MAX_CHANNELS });
      return undefined;
    }
    return this.#create(camera, undefined);
  }

  #create(camera: DiscoveredCamera, login: Login | undefined, source?: string): Channel {
    const { endpoint, deviceUri, name, hardware } = camera;
    const known = { ...NO_FACTS, name, model: hardware };
    const own = source === undefined ? {} : { source };
    const stored: StoredChannel = { id: `cam-${this.#nextNumber}`, endpoint, deviceUri, name: '', known, ...own };
    this.#nextNumber += 1;
    const channel = new Channel(this.#channelParts, stored, login);
    this.#channels.set(stored.id, channel);
    this.#changed(channel, false);
    return channel;
  }

  /** The channels that show one device, in their order. */
  #sameDevice({ stored: { endpoint } }: Channel): readonly Channel[] {
    return [...this.#channels.values()].filter((channel) => channel.stored.endpoint === endpoint);
  }

  #leaderOf(channel: Channel): Channel | undefined {
    if (channel.stored.source === undefined) return undefined;
    const [first] = this.#sameDevice(channel);
    return first === channel ? undefined : first;
  }

  /** A device with several video sources: each that has a picture is a channel. */
  #meetSources(channel: Channel, sources: readonly CameraSource[]): void {
    const shown = sources.filter(({ streams }) => streams.length > 0);
    const [first] = shown;
    if (shown.length < 2 || first === undefined) return;
    if (channel.stored.source === undefined) channel.becomeSource(first.token);
    const { endpoint, deviceUri, known } = channel.stored;
    const taken = new Set(this.#sameDevice(channel).map(({ stored }) => stored.source));
    const isRemoved = (token: string): boolean => sourceKeys(channel.stored, token).some((key) => this.#removed.includes(key));
    const fresh = shown.filter(({ token }) => !taken.has(token) && !isRemoved(token));
    for (const [index, { token, name }] of fresh.entries()) {
      if (this.#channels.size >= MAX_CHANNELS) return void this.#parts.log.warn('more cameras than channels', { limit: MAX_CHANNELS });
      this.#create({ endpoint, deviceUri, name, hardware: known.model }, undefined, token).start(index * START_SPREAD_MS);
    }
    if (fresh.length > 0) this.#saveSoon();
  }

  /** Events come over the device's first channel and are told of the one they are about. */
  #news(channel: Channel, news: CameraEvent): void {
    const about = this.#sameDevice(channel).find(({ stored }) => stored.source !== undefined && stored.source === news.source) ?? channel;
    about.heard(news);
    for (const listener of this.#newsListeners) listener(about.id, news);
  }

  #connect(target: CameraTarget): CameraDriver {
    const channel = wiredChannel(target.deviceUri);
    if (channel === undefined) return this.#parts.connector.connect(target);
    const { serialPtz, serialState } = this.#parts;
    return analogueCamera({ gear: () => serialPtz(channel), state: () => serialState?.(channel) });
  }

  #analogueName(id: string): string | undefined {
    return this.#parts.analogue?.find(({ channel }) => channel === id)?.name;
  }

  #addAnalogue(): void {
    for (const { channel: id, name } of this.#parts.analogue ?? []) {
      const uri = wiredUri(id);
      const taken = this.#channels.get(id);
      if (taken !== undefined && taken.stored.deviceUri !== uri) {
        this.#parts.log.warn('the site file gives a channel to a camera by wire that a camera in the network has', { camera: id });
      }
      this.#nextNumber = Math.max(this.#nextNumber, Number(/\d+$/.exec(id)?.[0] ?? 0) + 1);
      if (taken !== undefined) continue;
      const stored: StoredChannel = { id, endpoint: uri, deviceUri: uri, name: '', known: { ...NO_FACTS, name } };
      this.#channels.set(id, new Channel(this.#channelParts, stored, undefined));
    }
  }

  #channel(id: string): Channel {
    const channel = this.#channels.get(id);
    if (channel === undefined) throw noSuchCamera(id);
    return channel;
  }

  #changed(channel: Channel, isStored: boolean): void {
    if (this.#channels.get(channel.id) !== channel) return;
    this.#views = undefined;
    if (isStored) this.#saveSoon();
    const view = channel.view();
    // Every sign of life moves lastSeenAt; that alone is nothing to wake anyone for.
    const content = JSON.stringify({ ...view, lastSeenAt: 0 });
    const before = this.#announced.get(view.id);
    if (before === content) return;
    this.#announced.set(view.id, content);
    this.#tell(view, before === undefined ? 'added' : 'changed');
    // What follows it takes its state from it.
    if (channel.stored.source !== undefined && this.#leaderOf(channel) === undefined)
      for (const other of this.#sameDevice(channel)) if (other !== channel) void other.check();
  }

  #tell(view: CameraView, kind: 'added' | 'changed' | 'removed'): void {
    for (const listener of this.#listeners) listener(view, kind);
  }

  #saveSoon(): void {
    this.#save().catch((error: unknown) => this.#parts.log.error('cameras could not be saved', { error }));
  }

  #save(): Promise<void> {
    return this.#saving.run('document', () => {
      const channels = [...this.#channels.values()].map((channel) => channel.stored);
      const document: ChannelDocument = { version: 1, nextNumber: this.#nextNumber, channels, removed: this.#removed };
      return this.#parts.store.save(document);
    });
  }
}
