import type { CameraSource, DiscoveredCamera, Login } from '../../drivers/port.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import type { Log } from '../kernel/log.js';
import { hostOf, hostPortOf, isLasting, isSameEndpoint, wiredChannel, wiredUri } from './address.js';
import type { Channel } from './channel.js';
import type { AnalogueChannel, ChannelDocument, ChannelStore, SearchResult, StoredChannel } from './ports.js';
import type { MeetHow } from './search.js';
import { NO_FACTS } from './view.js';

/** A flood of made-up answers must not become a flood of channels; no recorder we know has more. */
const MAX_CHANNELS = 128;
const MAX_REMOVED = 256;
/** Channels are asked for the first time so far apart. */
const START_SPREAD_MS = 20;

/** What the roster is made with. */
export interface RosterParts {
  readonly store: ChannelStore;
  readonly analogue: readonly AnalogueChannel[];
  readonly makeChannel: (stored: StoredChannel, login: Login | undefined) => Channel;
  /** A channel is new and stands in the roster. */
  readonly onCreated: (channel: Channel) => void;
  /** A camera is seen at another address than its channel has. */
  readonly onElsewhere: (channel: Channel, camera: DiscoveredCamera) => void;
  /** At the address of a channel answers a device that names itself otherwise. */
  readonly onStranger: (channel: Channel) => void;
  /** Nothing is made any more. */
  readonly isOver: () => boolean;
  readonly log: Log;
}

/** Words by which a removed source is known again: a camera that was added by its address gets its lasting endpoint only later. */
const sourceKeys = ({ endpoint, deviceUri }: Pick<StoredChannel, 'endpoint' | 'deviceUri'>, token: string): readonly string[] =>
  [endpoint, hostPortOf(deviceUri)].map((word) => `${word}#${token}`);

/** Which channels there are, which camera each of them is, and which cameras are not to come back. Kept over restarts. */
export class Roster {
  readonly #parts: RosterParts;
  readonly #channels = new Map<string, Channel>();
  readonly #saving = new KeyedQueue();
  #nextNumber = 1;
  #removed: readonly string[] = [];

  constructor(parts: RosterParts) {
    this.#parts = parts;
  }

  /** In the order of their numbers. */
  get all(): readonly Channel[] {
    return [...this.#channels.values()];
  }

  get(id: string): Channel | undefined {
    return this.#channels.get(id);
  }

  /** Reads what was kept and adds the cameras by wire that the site file names. */
  async load(): Promise<void> {
    const { store, makeChannel } = this.#parts;
    const document = await store.load();
    this.#nextNumber = document?.nextNumber ?? 1;
    this.#removed = document?.removed ?? [];
    for (const stored of document?.channels ?? []) {
      // Cameras by wire are what the site file names now.
      if (wiredChannel(stored.deviceUri) !== undefined && !this.isByWire(stored.id)) continue;
      this.#channels.set(stored.id, makeChannel(stored, await store.loadLogin(stored.id)));
    }
    this.#addAnalogue();
  }

  /** Asks every channel for the first time. */
  startAll(): void {
    start(this.all);
  }

  /** Whether the site file says that this channel is a camera by wire. */
  isByWire(id: string): boolean {
    return this.#parts.analogue.some(({ channel }) => channel === id);
  }

  /** The channels that show one device, in their order. */
  sameDevice({ stored: { endpoint } }: Channel): readonly Channel[] {
    return this.all.filter((channel) => channel.stored.endpoint === endpoint);
  }

  /** The first channel of the same device; undefined for that one itself. */
  leaderOf(channel: Channel): Channel | undefined {
    if (channel.stored.source === undefined) return undefined;
    const [first] = this.sameDevice(channel);
    return first === channel ? undefined : first;
  }

  /** The first channel of the device with this lasting endpoint. */
  byEndpoint(endpoint: string): Channel | undefined {
    return this.all.find((channel) => isSameEndpoint(channel.stored.endpoint, endpoint));
  }

  /** The channel of this camera, by its lasting endpoint or else by its address. */
  known({ endpoint, deviceUri }: Pick<DiscoveredCamera, 'endpoint' | 'deviceUri'>): Channel | undefined {
    return this.byEndpoint(endpoint) ?? this.#at(hostPortOf(deviceUri));
  }

  /** A person wants this camera: its channel, or a new one; it no longer counts as removed. */
  wanted(deviceUri: string, login: Login | undefined): { readonly channel: Channel; readonly isNew: boolean } {
    const place = hostPortOf(deviceUri);
    this.#removed = this.#removed.filter((entry) => entry !== place);
    const known = this.#at(place);
    if (known !== undefined) return { channel: known, isNew: false };
    return { channel: this.#create({ endpoint: deviceUri, deviceUri, name: '', hardware: '' }, login), isNew: true };
  }

  /** Takes it off, and its camera does not come back by itself. */
  remove(channel: Channel): void {
    const { endpoint, deviceUri, source } = channel.stored;
    const isLast = this.sameDevice(channel).length === 1;
    this.#channels.delete(channel.id);
    const gone = isLast ? [endpoint, hostPortOf(deviceUri)] : sourceKeys(channel.stored, source ?? '');
    this.#removed = [...new Set([...this.#removed, ...gone])].slice(-MAX_REMOVED);
  }

  /** Takes in what a search found: known cameras tell their news, new ones get a channel. */
  async meet(found: readonly DiscoveredCamera[], how: MeetHow): Promise<SearchResult> {
    const fresh: Channel[] = [];
    const known = new Set<string>();
    let removed = 0;
    for (const camera of found) {
      const channel = this.#knownAs(camera, how);
      if (channel !== undefined) {
        for (const each of this.sameDevice(channel)) known.add(each.id);
        this.#tellNews(channel, camera);
      } else if (this.#isRemoved(camera)) removed += 1;
      else fresh.push(...this.#admit(camera));
    }
    if (fresh.length > 0) {
      this.#parts.log.info('new cameras', { count: fresh.length });
      await this.save();
      start(fresh);
    }
    return { found: fresh.map(({ id }) => id), known: [...known], removed };
  }

  /** A device with several video sources: each that has a picture is a channel. */
  meetSources(channel: Channel, sources: readonly CameraSource[]): void {
    const shown = sources.filter(({ streams }) => streams.length > 0);
    const [first] = shown;
    if (shown.length < 2 || first === undefined) return;
    if (channel.stored.source === undefined) channel.change({ source: first.token });
    const { endpoint, deviceUri, known } = channel.stored;
    const taken = new Set(this.sameDevice(channel).map(({ stored }) => stored.source));
    const isRemoved = (token: string): boolean => sourceKeys(channel.stored, token).some((key) => this.#removed.includes(key));
    const fresh: Channel[] = [];
    for (const { token, name } of shown) {
      if (taken.has(token) || isRemoved(token) || this.#isFull()) continue;
      fresh.push(this.#create({ endpoint, deviceUri, name, hardware: known.model }, undefined, token));
    }
    start(fresh);
    if (fresh.length > 0) this.saveSoon();
  }

  saveSoon(): void {
    this.save().catch((error: unknown) => this.#parts.log.error('cameras could not be saved', { error }));
  }

  /** Resolves when it is durable. */
  save(): Promise<void> {
    return this.#saving.run('document', () => {
      const channels = this.all.map((channel) => channel.stored);
      const document: ChannelDocument = { version: 1, nextNumber: this.#nextNumber, channels, removed: this.#removed };
      return this.#parts.store.save(document);
    });
  }

  /** Resolves when nothing waits to be saved. */
  async saved(): Promise<void> {
    await this.#saving.run('document', () => Promise.resolve());
  }

  #at(place: string): Channel | undefined {
    return this.all.find((channel) => hostPortOf(channel.stored.deviceUri) === place);
  }

  #knownAs(camera: DiscoveredCamera, { isByHost }: MeetHow): Channel | undefined {
    const known = this.known(camera);
    if (known !== undefined || !isByHost) return known;
    return this.all.find((channel) => hostOf(channel.stored.deviceUri) === hostOf(camera.deviceUri));
  }

  #isRemoved({ endpoint, deviceUri }: DiscoveredCamera): boolean {
    const place = hostPortOf(deviceUri);
    return this.#removed.some((entry) => entry === place || isSameEndpoint(entry, endpoint));
  }

  #tellNews(channel: Channel, camera: DiscoveredCamera): void {
    const { endpoint, deviceUri } = channel.stored;
    const isSame = isSameEndpoint(endpoint, camera.endpoint);
    if (!isSame && isLasting(endpoint) && isLasting(camera.endpoint)) {
      this.#parts.onStranger(channel);
      return;
    }
    for (const each of this.sameDevice(channel)) each.rediscovered(camera);
    if (isSame && hostPortOf(camera.deviceUri) !== hostPortOf(deviceUri)) this.#parts.onElsewhere(channel, camera);
  }

  #admit(camera: DiscoveredCamera): readonly Channel[] {
    return this.#parts.isOver() || this.#isFull() ? [] : [this.#create(camera, undefined)];
  }

  #isFull(): boolean {
    const isFull = this.#channels.size >= MAX_CHANNELS;
    if (isFull) this.#parts.log.warn('more cameras than channels', { limit: MAX_CHANNELS });
    return isFull;
  }

  #create(camera: DiscoveredCamera, login: Login | undefined, source?: string): Channel {
    const { endpoint, deviceUri, name, hardware } = camera;
    const known = { ...NO_FACTS, name, model: hardware };
    const own = source === undefined ? {} : { source };
    const stored: StoredChannel = { id: `cam-${this.#nextNumber}`, endpoint, deviceUri, name: '', known, ...own };
    this.#nextNumber += 1;
    const channel = this.#parts.makeChannel(stored, login);
    this.#channels.set(stored.id, channel);
    this.#parts.onCreated(channel);
    return channel;
  }

  #addAnalogue(): void {
    for (const { channel: id, name } of this.#parts.analogue) {
      const uri = wiredUri(id);
      const taken = this.#channels.get(id);
      if (taken !== undefined && taken.stored.deviceUri !== uri) {
        this.#parts.log.warn('the site file gives a channel to a camera by wire that a camera in the network has', { camera: id });
      }
      this.#nextNumber = Math.max(this.#nextNumber, Number(/\d+$/.exec(id)?.[0] ?? 0) + 1);
      if (taken !== undefined) continue;
      const stored: StoredChannel = { id, endpoint: uri, deviceUri: uri, name: '', known: { ...NO_FACTS, name } };
      this.#channels.set(id, this.#parts.makeChannel(stored, undefined));
    }
  }
}

function start(channels: readonly Channel[]): void {
  for (const [index, channel] of channels.entries()) channel.start(index * START_SPREAD_MS);
}
