import {
  type CameraDriver,
  type CameraStream,
  type DiscoveredCamera,
  DriverError,
  type Login,
  type PtzDriver,
} from '../../drivers/port.js';
import type { Timer } from '../kernel/clock.js';
import { hostOf } from './address.js';
import { Alarms } from './alarms.js';
import type { ChannelParts } from './channel-parts.js';
import { EventWatch } from './event-watch.js';
import { type Inspection, inspectCamera, sourceMeant } from './inspection.js';
import { LoginTurns } from './login-turns.js';
import type { CameraView, StoredChannel, StreamKind } from './ports.js';
import { cameraError, explain, noSuchStream, notPermitted, notUsable, type ReasonContext } from './reasons.js';
import { type CameraEvent, type CameraStatus, isAboutCamera, isMissing, isReturn, nextProbeMs, nextStatus, UNKNOWN } from './state.js';
import { asGiven, forgotten, identified, loginSet, retold } from './stored-channel.js';
import { channelView } from './view.js';

/** Between two looks at a login because an operation was refused. */
const DOUBT_MS = 10_000;

/** One camera's life: signs of life, inspection, logins in turn, and every operation on it. Channels never wait for each other. */
export class Channel {
  readonly #parts: ChannelParts<Channel>;
  #stored: StoredChannel;
  readonly #logins: LoginTurns;
  /** The login of the current connection; undefined also when every known one was refused. */
  #login: Login | undefined;
  /** What the camera complains of. Filled from outside: a device's events come over its first channel. */
  readonly alarms = new Alarms();
  readonly #events: EventWatch;
  #driver: CameraDriver | undefined;
  #status: CameraStatus = UNKNOWN;
  #seen: Inspection | undefined;
  #inspectedAtMs = 0;
  #doubtedAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #checking: Promise<void> | undefined;
  /** Rises when address or login change from outside: what a check begun before then finds no longer counts. */
  #epoch = 0;
  readonly #life = new AbortController();

  constructor(parts: ChannelParts<Channel>, stored: StoredChannel, login: Login | undefined) {
    this.#parts = parts;
    this.#stored = stored.loginAt === undefined && login !== undefined ? { ...stored, ...loginSet(stored, login) } : stored;
    this.#logins = new LoginTurns(parts.groupLogins, login);
    this.#login = this.#logins.next();
    this.#events = new EventWatch({
      ...{ clock: parts.clock, log: parts.log, random: parts.random, retryMs: parts.timing.eventsRetryMs },
      onEvent: (news) => parts.onNews(this, news),
      onAlive: () => this.#lives(),
      onRefused: () => void this.doubted(),
      onDeaf: () => parts.onDeaf(this),
    });
  }

  get id(): string {
    return this.#stored.id;
  }

  get stored(): StoredChannel {
    return this.#stored;
  }

  get status(): CameraStatus {
    return this.#status;
  }

  /** The camera's own PTZ, as far as it was seen. */
  get onvifPtz(): PtzDriver | undefined {
    return this.#seen?.ptz;
  }

  get login(): Login | undefined {
    return this.#login;
  }

  /** One of its logins as the device may be given it. */
  asGiven(login: Login | undefined): Login | undefined {
    return asGiven(login, this.#holder, this.#stored.deviceUri);
  }

  /** Set by a person; of a device with several sources only its first channel has it. */
  get ownLogin(): Login | undefined {
    return this.#logins.own;
  }

  /** For sentences about this camera. */
  get context(): ReasonContext {
    return { host: hostOf(this.#stored.deviceUri), login: this.#login ?? this.#logins.lastTried };
  }

  view(): CameraView {
    const hasSerialPtz = this.#parts.serialPtz(this.id) !== undefined;
    const hasLogin = this.#holder.ownLogin !== undefined;
    return channelView(this.#stored, this.#status, this.#seen, { hasSerialPtz, hasLogin, alarms: this.alarms.now() });
  }

  /** Asks the camera for the first time after `delayMs`, and from then on by itself. */
  start(delayMs: number): void {
    this.#plan(delayMs);
  }

  /** Aborts everything under way and closes the connection; resolves when nothing of this channel runs any more. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#life.abort();
    this.#events.follow(undefined);
    await this.#checking;
    this.#disconnect();
  }

  /** What a person calls it, or the video source of the device that it turned out to show. */
  change(change: Partial<Pick<StoredChannel, 'name' | 'source'>>): void {
    this.#store(change);
  }

  /** A login of its own: what was refused before no longer counts. */
  setLogin(login: Login | undefined): void {
    this.#logins.replace(login);
    this.#stored = { ...this.#stored, ...loginSet(this.#stored, login) };
    this.#epoch += 1;
    this.#reconnect();
    this.#parts.onChange(this, true);
  }

  /** Whether its events are listened to now. */
  get isHeard(): boolean {
    return this.#events.isOpen;
  }

  /**
   * Takes up what discovery tells of this camera: its own name, its lasting endpoint when it was added by address, and its new
   * address - but only while it is not to be had at the old one, or any device in the network could take its place. `isElsewhere`: it
   * is known that another device answers there.
   */
  rediscovered(camera: DiscoveredCamera, isElsewhere = false): void {
    const { deviceUri } = this.#stored;
    this.#store(retold(this.#stored, camera, isElsewhere || isMissing(this.#status)));
    if (this.#stored.deviceUri === deviceUri) return;
    this.#parts.log.info('a camera has another address', { camera: this.id, deviceUri: camera.deviceUri });
    this.#parts.onMoved(this, hostOf(deviceUri));
    this.#epoch += 1;
    this.#reconnect();
    this.#plan(0);
  }

  /** A person says that whatever answers at this address is this camera: what was known of the one before no longer counts. */
  acceptAnother(): void {
    if (this.#status.reason?.code !== 'cameras.another_device') return;
    this.#store(forgotten(this.#stored));
  }

  /** Asks now. `isForced` also tries refused logins again and inspects an online camera. Never rejects. */
  async check(isForced = false): Promise<void> {
    if (isForced) {
      await this.#parts.leader(this)?.check(true);
      while (this.#checking !== undefined) await this.#checking;
      if (this.#logins.forgive()) this.#reconnect();
      this.#inspectedAtMs = Number.NEGATIVE_INFINITY;
    }
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Something that used it failed: what is known of it may not be true any more. Refused logins stay refused. Never rejects. */
  inspectNow(): Promise<void> {
    this.#inspectedAtMs = Number.NEGATIVE_INFINITY;
    return this.check();
  }

  /** An operation was refused to this login: whether the login itself is, is found out, though not at every press of a button. Never rejects. */
  async doubted(): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#doubtedAtMs >= DOUBT_MS) {
      this.#doubtedAtMs = nowMs;
      await this.inspectNow();
    }
  }

  /** The video source of the device that an event means by this token; undefined when it is none of them. */
  sourceMeant(token: string): string | undefined {
    return sourceMeant(this.#seen, token);
  }

  /** A second connection, for a test that must not disturb this one. */
  connectBeside(): CameraDriver {
    return this.#connect(this.context.login);
  }

  /** The stream of that kind of a usable camera; waits for a check under way. Rejects with AgentError. */
  async stream(kind: StreamKind): Promise<CameraStream> {
    if (this.#status.state !== 'online') await (this.#checking ?? (this.#status.state === 'unknown' ? this.check() : undefined));
    if (this.#status.state !== 'online') throw notUsable(this.#status.reason);
    const stream = this.#seen?.streams.find((candidate) => candidate.kind === kind);
    if (stream === undefined) throw noSuchStream(this.id, kind);
    return stream;
  }

  /** Addresses of its streams by profile token, as last seen; only those that the camera gave usable ones of. */
  get uris(): Inspection['uris'] {
    return this.#seen?.uris ?? new Map();
  }

  /** Profile and address of the stream as last seen; empty when there is none. */
  source(kind: StreamKind): string {
    const token = this.#seen?.streams.find((candidate) => candidate.kind === kind)?.profileToken;
    return token === undefined ? '' : `${token} ${this.uris.get(token) ?? ''}`;
  }

  /**
   * One operation on the camera. A failure that tells something of the camera changes its state. That of what is `isAside` (stills, its card) only has
   * the camera looked at: it may stream without fault. Rejects with AgentError.
   */
  async use<T>(
    signal: AbortSignal | undefined,
    work: (driver: CameraDriver, signal: AbortSignal) => Promise<T>,
    { isAside = false }: { readonly isAside?: boolean } = {},
  ): Promise<T> {
    const both = signal === undefined ? this.#life.signal : AbortSignal.any([signal, this.#life.signal]);
    try {
      return await work(this.#connection(), both);
    } catch (error) {
      if (error instanceof DriverError && error.code === 'camera.unauthorized') {
        // Wrong password, or only this operation closed to this user? Asking for what any user may read tells.
        await (isAside ? this.doubted() : this.check(true));
        if (this.#status.state === 'online') throw notPermitted(this.#login?.user ?? '');
        throw notUsable(this.#status.reason);
      }
      const failure = cameraError(error, this.context);
      if (error instanceof DriverError && !isAside) {
        this.#fail(error);
        this.#plan(nextProbeMs(this.#status, this.#parts.timing, this.#parts.random()));
      } else if (error instanceof DriverError && isAboutCamera(failure)) void this.doubted();
      throw failure;
    }
  }

  /** A camera that answers where it is listened to need not be asked whether it lives: that is half of what a quiet site costs. */
  #lives(): void {
    if (this.#status.state !== 'online' || this.#checking !== undefined || this.#isInspectionDue()) return;
    this.#apply({ kind: 'answered' });
    this.#plan(nextProbeMs(this.#status, this.#parts.timing, this.#parts.random()));
  }

  async #check(): Promise<void> {
    this.#timer?.cancel();
    const { signal } = this.#life;
    const epoch = this.#epoch;
    const login = this.#login;
    const leader = this.#parts.leader(this);
    try {
      if (leader !== undefined && !this.#follow(leader)) return;
      if (leader === undefined) await this.#connection().clockOffsetMs({ signal });
      this.#apply({ kind: 'answered' });
      if (this.#isInspectionDue()) await this.#inspect();
    } catch (error) {
      if (signal.aborted || epoch !== this.#epoch) return;
      this.#noteRefusal(error, login);
      this.#fail(error);
      // The login is the device's: its first channel finds out, before the others have used up its tries.
      if (this.#status.state === 'unauthorized') void leader?.inspectNow();
    } finally {
      this.#plan(epoch === this.#epoch ? nextProbeMs(this.#status, this.#parts.timing, this.#parts.random()) : 0);
    }
  }

  /** What holds for the whole device is taken from its first channel; false while there is nothing more to ask. */
  #follow(leader: Channel): boolean {
    if (leader.status.state !== 'online') {
      const { state, reason, lastSeenAt } = leader.status;
      this.#become({ state, reason, lastSeenAt, failures: 0 });
      return false;
    }
    if (leader.login !== this.#login) {
      this.#disconnect();
      this.#login = leader.login;
    }
    if (this.#status.state === 'unauthorized') this.#become({ ...UNKNOWN, lastSeenAt: this.#status.lastSeenAt });
    return true;
  }

  #isInspectionDue(): boolean {
    if (this.#status.state === 'online') return this.#parts.clock.monotonicMs() - this.#inspectedAtMs >= this.#parts.timing.inspectMs;
    // All logins refused: only a person, or the camera's return, changes anything.
    return this.#status.state !== 'unauthorized' || this.#logins.next() !== undefined;
  }

  async #inspect(): Promise<void> {
    const { signal } = this.#life;
    for (;;) {
      const login = this.#login;
      try {
        const { source, known, deviceUri } = this.#stored;
        const seen = await inspectCamera(this.#connection(), { source, serial: known.serial, host: hostOf(deviceUri) }, { signal });
        this.#logins.accepted = login;
        this.#take(seen);
        return;
      } catch (error) {
        if (!this.#noteRefusal(error, login) || this.#login === undefined) throw error;
      }
    }
  }

  /** True when it was `login`, still the one in use, that was refused; the connection then stands with the next one, or without any. */
  #noteRefusal(error: unknown, login: Login | undefined): boolean {
    const isLogin = error instanceof DriverError && error.code === 'camera.unauthorized' && error.detail.isPinChanged !== true;
    if (!isLogin || login === undefined || login !== this.#login) return false;
    if (this.#parts.leader(this) !== undefined) return false;
    this.#logins.refuse(login);
    this.#disconnect();
    this.#login = this.#logins.next();
    return true;
  }

  #take(seen: Inspection): void {
    this.#seen = seen;
    this.#inspectedAtMs = this.#parts.clock.monotonicMs();
    this.#apply({ kind: 'inspected' });
    if (!this.#store(identified(this.#stored, seen.identity))) this.#parts.onChange(this, false);
    if (this.#parts.leader(this) !== undefined) return;
    this.#events.follow(seen.events);
    if (seen.sources.length > 1) this.#parts.onSources(this, seen.sources);
  }

  #fail(error: unknown): void {
    if (this.#life.signal.aborted) return;
    const reason = explain(error, this.context);
    if (reason.code === 'cameras.failed') this.#parts.log.error('a camera failed in an unexpected way', { camera: this.id, error });
    this.#apply({ kind: 'failed', reason });
  }

  #apply(event: CameraEvent): void {
    const before = this.#status;
    const after = nextStatus(before, event, this.#parts.clock.now());
    this.#become(after);
    if (!isReturn(before, after)) return;
    // Its subscription may have died with it, and the driver waits ever longer between two tries: the inspection that follows makes a new one.
    this.#events.follow(undefined);
    if (this.#logins.forgiveAccepted()) this.#reconnect();
  }

  #become(status: CameraStatus): void {
    const before = this.#status;
    this.#status = status;
    const { state, reason } = status;
    if (before.state !== state || before.reason?.code !== reason?.code)
      this.#parts.log.info('camera state', { camera: this.id, state, reason: reason?.code });
    if (before.state === state && before.reason === reason) this.#parts.onSeen();
    else this.#parts.onChange(this, false);
  }

  /** Whether anything changed, which is then told. */
  #store(change: Partial<StoredChannel>): boolean {
    const next = { ...this.#stored, ...change };
    if (JSON.stringify(next) === JSON.stringify(this.#stored)) return false;
    this.#stored = next;
    this.#parts.onChange(this, true);
    return true;
  }

  #connection(): CameraDriver {
    if (this.#life.signal.aborted) throw new DriverError('driver.aborted', 'this channel has ended');
    this.#driver ??= this.#connect(this.#login);
    return this.#driver;
  }

  get #holder(): Channel {
    return this.#parts.leader(this) ?? this;
  }

  #connect(login: Login | undefined): CameraDriver {
    const { deviceUri, source } = this.#stored;
    return this.#parts.connector.connect({ deviceUri, login: this.asGiven(login), sourceToken: source });
  }

  #disconnect(): void {
    this.#events.follow(undefined);
    this.#driver?.close();
    this.#driver = undefined;
  }

  #reconnect(): void {
    this.#disconnect();
    this.#login = this.#logins.next();
    this.#seen = undefined;
    this.#apply({ kind: 'changed' });
  }

  #plan(delayMs: number): void {
    if (this.#life.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(delayMs, () => void this.check(), true);
  }
}
