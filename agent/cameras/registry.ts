import {
  type CameraDriver,
  type CameraEvent,
  type CameraTarget,
  type DiscoveredCamera,
  DriverError,
  type Login,
  type RecordingDriver,
  type VideoEncoderOptions,
} from '../../drivers/port.js';
import type { SearchWish, TestStep } from '../contract/camera-views.js';
import { AgentError } from '../kernel/errors.js';
import type { Service } from '../kernel/service.js';
import { hostOf, hostPortOf, isLasting, isSameEndpoint, parseCameraAddress, wiredChannel } from './address.js';
import { analogueCamera } from './analogue.js';
import { CameraTest } from './camera-test.js';
import { Channel } from './channel.js';
import type { ChannelParts } from './channel-parts.js';
import { planEncoder } from './encoder-plan.js';
import { Greetings } from './greetings.js';
import { Looks } from './looks.js';
import { Movers } from './movers.js';
import { CameraNotes } from './notes.js';
import type {
  CameraRegistryParts,
  Cameras,
  CameraView,
  EncoderChange,
  EncoderPatch,
  ResolvedStream,
  SearchResult,
  StreamKind,
} from './ports.js';
import type { GuardedPtz } from './ptz.js';
import { cameraError, namedInSiteFile, noSuchCamera, notOffered } from './reasons.js';
import { Roster } from './roster.js';
import { CameraSearch, type MeetHow } from './search.js';
import { isMissing } from './state.js';
import { type Picture, takePicture } from './take-picture.js';
import { cameraTiming } from './timing.js';

/** Between two looks at one camera because of greetings. */
const LOOK_GAP_MS = 5_000;
/** The same for whether a camera is where it was: that is several questions. */
const WHERE_GAP_MS = 30_000;
/** A camera says goodbye before it goes. */
const BYE_MS = 1_000;
const NAME = /^[^\p{Cc}\p{Zl}\p{Zp}]{1,80}$/u;

type NewsListener = (id: string, event: CameraEvent) => void;
type Listener = (changed: CameraView, kind: 'added' | 'changed' | 'removed') => void;

/** The cameras of this recorder: finds them, keeps them, knows how each one is. See Cameras for what it offers. */
export class CameraRegistry implements Cameras, Service {
  readonly name = 'cameras';
  readonly #parts: CameraRegistryParts;
  readonly #roster: Roster;
  readonly #movers: Movers;
  readonly #search: CameraSearch;
  readonly #greetings: Greetings;
  readonly #looks: Looks;
  readonly #whereabouts: Looks;
  readonly #notes: CameraNotes;
  readonly #listeners = new Set<Listener>();
  readonly #newsListeners = new Set<NewsListener>();
  readonly #announced = new Map<string, string>();
  readonly #life = new AbortController();
  #views: readonly CameraView[] | undefined;

  constructor(parts: CameraRegistryParts) {
    this.#parts = parts;
    const { serialPtz, groupLogins, clock, log, discovery, random = Math.random } = parts;
    const timing = cameraTiming(parts.timing);
    this.#movers = new Movers(parts);
    this.#notes = new CameraNotes({ note: (note) => parts.note?.(note), clock, log });
    this.#looks = new Looks({ clock, gapMs: LOOK_GAP_MS });
    this.#whereabouts = new Looks({ clock, gapMs: WHERE_GAP_MS });
    const channelParts: ChannelParts<Channel> = {
      ...{ serialPtz, groupLogins, clock, log, random, timing },
      connector: { connect: (target) => this.#connect(target) },
      onChange: (channel, isStored) => this.#changed(channel, isStored),
      onSeen: () => {
        this.#views = undefined;
      },
      leader: (channel) => this.#roster.leaderOf(channel),
      onSources: (channel, sources) => this.#roster.meetSources(channel, sources),
      onNews: (channel, news) => this.#news(channel, news),
      onDeaf: (channel) => this.#deaf(channel),
      onMoved: ({ id, context }, fromHost) => parts.note?.({ kind: 'moved', channel: id, fromHost, toHost: context.host }),
    };
    this.#roster = new Roster({
      ...{ store: parts.store, analogue: parts.analogue ?? [], log },
      makeChannel: (stored, login) => new Channel(channelParts, stored, login),
      onCreated: (channel) => this.#changed(channel, false),
      onElsewhere: (channel, camera) => this.#whereabouts.ask(channel.id, 0, () => void this.#follow(channel, camera)),
      onStranger: (channel) => this.#whereabouts.ask(channel.id, 0, () => void channel.inspectNow()),
      isOver: () => this.#life.signal.aborted,
    });
    this.#greetings = new Greetings({
      ...{ discovery, log },
      onHello: (camera) => this.#greeted(camera),
      onBye: (endpoint) => this.#left(endpoint),
    });
    this.#search = new CameraSearch({
      ...{ discovery, timing, clock, log },
      isComplete: () => this.#isComplete(),
      meet: (found, how) => this.#meet(found, how),
      onRound: () => this.#greetings.renew(),
    });
  }

  /** Resolves when the known channels are loaded; asking them and searching for others goes on by itself. */
  async start(): Promise<void> {
    await this.#roster.load();
    this.#roster.startAll();
    this.#search.plan(0);
  }

  async stop(): Promise<void> {
    this.#search.stop();
    this.#looks.stop();
    this.#whereabouts.stop();
    this.#life.abort();
    await this.#movers.stopAll();
    await Promise.all([this.#greetings.stop(), ...this.#roster.all.map((channel) => channel.stop())]);
    await this.#roster.saved();
  }

  list(): readonly CameraView[] {
    this.#views ??= this.#roster.all.map((channel) => channel.view());
    return this.#views;
  }

  find(id: string): CameraView | undefined {
    return this.list().find((view) => view.id === id);
  }

  loginInUse(id: string): Login | undefined {
    const channel = this.#roster.get(id);
    return channel?.asGiven(channel.login);
  }

  async resolveStream(id: string, kind: StreamKind, signal?: AbortSignal): Promise<ResolvedStream> {
    const channel = this.#channel(id);
    const { profileToken } = await channel.stream(kind);
    const known = channel.uris.get(profileToken);
    const uri = known ?? (await channel.use(signal, (driver, both) => driver.streamUri(profileToken, { signal: both })));
    return { uri, allowedHost: channel.context.host, login: channel.login, profileToken };
  }

  async picture(id: string, signal?: AbortSignal): Promise<Picture> {
    const channel = this.#channel(id);
    const hasSub = channel.view().streams.some(({ kind }) => kind === 'sub');
    const { profileToken } = await channel.stream(hasSub ? 'sub' : 'main');
    return channel.use(signal, (driver, both) => takePicture(driver, profileToken, { signal: both }), { isAside: true });
  }

  /** Works with the recordings that the camera keeps itself. Rejects with AgentError; `cameras.unsupported` where it keeps none. */
  async withRecordings<T>(
    id: string,
    signal: AbortSignal | undefined,
    work: (recordings: RecordingDriver, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const act = async (driver: CameraDriver, both: AbortSignal): Promise<T> => {
      const { recordings } = (await driver.capabilities?.({ signal: both })) ?? {};
      if (recordings === undefined) throw new DriverError('camera.unsupported', 'the camera keeps no recordings');
      return work(recordings, both);
    };
    return this.#channel(id).use(signal, act, { isAside: true });
  }

  /** Profile and address of the stream as far as they are known now; empty when nothing is. */
  streamSource(id: string, kind: StreamKind): string {
    return this.#roster.get(id)?.source(kind) ?? '';
  }

  async synchronize(id: string, kind: StreamKind, signal?: AbortSignal): Promise<void> {
    const channel = this.#channel(id);
    const { profileToken } = await channel.stream(kind);
    await channel.use(signal, (driver, both) => driver.synchronize(profileToken, { signal: both }));
  }

  ptz(id: string): GuardedPtz {
    return this.#movers.of(this.#channel(id));
  }

  async test(id: string, signal?: AbortSignal): Promise<readonly TestStep[]> {
    const channel = this.#channel(id);
    const { streams, clock, serialPtz } = this.#parts;
    const { deviceUri, source, known } = channel.stored;
    const driver = channel.connectBeside();
    const isWired = wiredChannel(deviceUri) !== undefined;
    const isHeard = (): boolean => (this.#roster.leaderOf(channel) ?? channel).isHeard;
    const seen = { context: channel.context, source, serial: known.serial, isHeard };
    const test = new CameraTest({ driver, isWired, ...seen, serialPtz: serialPtz(id), streams, clock });
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
    for (const channel of this.#roster.all) if ([...channel.uris.values()].includes(uri)) void channel.inspectNow();
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
    channel.change({ name: trimmed });
    await this.#roster.save();
    return channel.view();
  }

  async setLogin(id: string, login: Login | undefined): Promise<CameraView> {
    const channel = this.#channel(id);
    const holder = this.#roster.leaderOf(channel) ?? channel;
    await this.#parts.store.saveLogin(holder.id, login);
    holder.setLogin(login);
    await channel.check(true);
    return channel.view();
  }

  async add(address: string, login: Login | undefined): Promise<CameraView> {
    const { deviceUri, login: inAddress } = parseCameraAddress(address);
    const wanted = login ?? inAddress;
    const { channel, isNew } = this.#roster.wanted(deviceUri, wanted);
    // Whoever names the address means the camera that is there now.
    if (!isNew) for (const each of this.#roster.sameDevice(channel)) each.acceptAnother();
    if (!isNew && wanted !== undefined) return this.setLogin(channel.id, wanted);
    if (wanted !== undefined) await this.#parts.store.saveLogin(channel.id, wanted);
    await this.#roster.save();
    await channel.check();
    return channel.view();
  }

  async remove(id: string): Promise<void> {
    const channel = this.#channel(id);
    if (this.#roster.isByWire(id)) throw namedInSiteFile(id);
    const view = channel.view();
    const [heir] = this.#roster.sameDevice(channel).filter((other) => other !== channel);
    const inherited = this.#roster.leaderOf(channel) === undefined ? channel.asGiven(channel.ownLogin) : undefined;
    this.#roster.remove(channel);
    for (const kept of [this.#movers, this.#looks, this.#whereabouts, this.#notes]) kept.forget(id);
    this.#announced.delete(id);
    this.#views = undefined;
    await channel.stop();
    await this.#parts.store.saveLogin(id, undefined);
    if (heir !== undefined && inherited !== undefined) await this.setLogin(heir.id, inherited);
    await this.#roster.save();
    this.#tell(view, 'removed');
  }

  async check(id: string): Promise<CameraView> {
    const channel = this.#channel(id);
    await channel.check(true);
    return channel.view();
  }

  discover(wish: SearchWish = {}, signal?: AbortSignal): Promise<SearchResult> {
    return this.#search.ask(wish, signal);
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #meet(found: readonly DiscoveredCamera[], how: MeetHow): Promise<SearchResult> {
    const result = await this.#roster.meet(found, how);
    if (!how.isAsked) for (const channel of result.found) this.#parts.note?.({ kind: 'appeared', channel });
    return result;
  }

  /**
   * A camera says that it is there: one that is known is looked at; one that is not is taken in while somebody searches. Its name is not taken from
   * here: anybody could have it written anew all day.
   */
  #greeted(camera: DiscoveredCamera): void {
    const channel = this.#roster.known(camera);
    if (channel !== undefined) {
      this.#looks.ask(channel.id, 0, () => void channel.check());
      const isElsewhere = hostPortOf(channel.stored.deviceUri) !== hostPortOf(camera.deviceUri);
      if (isElsewhere) this.#whereabouts.ask(channel.id, 0, () => void this.#follow(channel, { ...camera, name: '' }));
    } else if (this.#search.isPersonSearching) {
      this.#meet([camera], { isAsked: true, isByHost: false }).catch((error: unknown) =>
        this.#parts.log.warn('a camera that greeted could not be taken in', { error }),
      );
    }
  }

  /** It says that it leaves, or somebody says so in its name: whether it is gone is seen by asking it. */
  #left(endpoint: string): void {
    const channel = this.#roster.byEndpoint(endpoint);
    if (channel !== undefined) this.#looks.ask(channel.id, BYE_MS, () => void channel.check());
  }

  /**
   * A known camera is said to be at another address. It moves there only when it is not to be had where it was: whoever answers there names itself
   * otherwise, is another camera, or is nobody. Otherwise any device in the network could take its place.
   */
  async #follow(channel: Channel, camera: DiscoveredCamera): Promise<void> {
    const { endpoint, deviceUri } = channel.stored;
    const fromHost = hostOf(deviceUri);
    const { signal } = this.#life;
    const there = await this.#parts.discovery?.probe?.(fromHost, { signal }).catch(() => undefined);
    // Behind one address there may be several cameras: only who has this very one took its place.
    const isInPlace = there !== undefined && hostPortOf(there.deviceUri) === hostPortOf(deviceUri);
    const isStranger = isInPlace && isLasting(there.endpoint) && !isSameEndpoint(there.endpoint, endpoint);
    if (!isStranger) await channel.inspectNow();
    if (signal.aborted || channel.stored.deviceUri !== deviceUri) return;
    for (const each of this.#roster.sameDevice(channel)) each.rediscovered(camera, isStranger);
  }

  #isComplete(): boolean {
    const all = this.#roster.all;
    return all.length > 0 && all.every((channel) => !isMissing(channel.status));
  }

  /** Events come over the device's first channel and are told of the one they are about. */
  #news(channel: Channel, news: CameraEvent): void {
    const source = channel.sourceMeant(news.source);
    const isAbout = ({ stored }: Channel): boolean => stored.source !== undefined && stored.source === source;
    const about = this.#roster.sameDevice(channel).find(isAbout) ?? channel;
    if (about.alarms.heard(news)) this.#changed(about, false);
    this.#notes.heard(about.id, news, about.alarms.now());
    for (const listener of this.#newsListeners) listener(about.id, news);
  }

  #deaf(channel: Channel): void {
    for (const each of this.#roster.sameDevice(channel)) if (each.alarms.clear()) this.#changed(each, false);
  }

  #connect(target: CameraTarget): CameraDriver {
    const channel = wiredChannel(target.deviceUri);
    if (channel === undefined) return this.#parts.connector.connect(target);
    const { serialPtz, serialState } = this.#parts;
    return analogueCamera({ gear: () => serialPtz(channel), state: () => serialState?.(channel) });
  }

  #channel(id: string): Channel {
    const channel = this.#roster.get(id);
    if (channel === undefined) throw noSuchCamera(id);
    return channel;
  }

  #changed(channel: Channel, isStored: boolean): void {
    if (this.#roster.get(channel.id) !== channel) return;
    this.#views = undefined;
    if (isStored) this.#roster.saveSoon();
    const view = channel.view();
    // Every sign of life moves lastSeenAt; that alone is nothing to wake anyone for.
    const content = JSON.stringify({ ...view, lastSeenAt: 0 });
    const before = this.#announced.get(view.id);
    if (before === content) return;
    this.#announced.set(view.id, content);
    this.#tell(view, before === undefined ? 'added' : 'changed');
    if (isMissing(channel.status)) this.#search.missed();
    // What follows it takes its state from it.
    if (channel.stored.source !== undefined && this.#roster.leaderOf(channel) === undefined)
      for (const other of this.#roster.sameDevice(channel)) if (other !== channel) void other.check();
  }

  #tell(view: CameraView, kind: 'added' | 'changed' | 'removed'): void {
    for (const listener of this.#listeners) listener(view, kind);
  }
}
