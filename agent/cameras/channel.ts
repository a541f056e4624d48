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
import { type Inspection, inspectCamera } from './inspection.js';
import type { CameraRegistryParts, CameraTiming, CameraView, StoredChannel, StreamKind } from './ports.js';
import { cameraError, explain, noSuchStream, notPermitted, notUsable, type ReasonContext } from './reasons.js';
import { type CameraEvent, type CameraStatus, isReturn, nextProbeMs, nextStatus, UNKNOWN } from './state.js';
import { channelView } from './view.js';

/** More wrong logins than these, and the camera locks an account. */
const MAX_GROUP_LOGINS = 3;

/** What every channel is made with; the same for all. */
export interface ChannelParts extends Pick<CameraRegistryParts, 'connector' | 'serialPtz' | 'groupLogins' | 'clock' | 'log'> {
  readonly random: () => number;
  readonly timing: CameraTiming;
  /** What is stored or seen of this channel changed. `isStored` tells that it must be saved. */
  readonly onChange: (channel: Channel, isStored: boolean) => void;
}

/** One camera's life: signs of life, inspection, logins in turn, and every operation on it. Channels never wait for each other. */
export class Channel {
  readonly #parts: ChannelParts;
  #stored: StoredChannel;
  #ownLogin: Login | undefined;
  /** The login of the current connection; undefined also when every known one was refused. */
  #login: Login | undefined;
  readonly #refused = new Set<Login>();
  #acceptedLogin: Login | undefined;
  #driver: CameraDriver | undefined;
  #status: CameraStatus = UNKNOWN;
  #seen: Inspection | undefined;
  #inspectedAtMs = 0;
  #timer: Timer | undefined;
  #checking: Promise<void> | undefined;
  /** Rises when address or login change from outside: what a check begun before then finds no longer counts. */
  #epoch = 0;
  readonly #life = new AbortController();

  constructor(parts: ChannelParts, stored: StoredChannel, login: Login | undefined) {
    this.#parts = parts;
    this.#stored = stored;
    this.#ownLogin = login;
    this.#login = this.#nextLogin();
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

  /** For sentences about this camera. */
  get context(): ReasonContext {
    return { host: hostOf(this.#stored.deviceUri), login: this.#login ?? this.#acceptedLogin ?? [...this.#refused].at(-1) };
  }

  view(): CameraView {
    const hasSerialPtz = this.#parts.serialPtz(this.id) !== undefined;
    return channelView(this.#stored, this.#status, this.#seen, { hasSerialPtz, hasLogin: this.#ownLogin !== undefined });
  }

  /** Asks the camera for the first time after `delayMs`, and from then on by itself. */
  start(delayMs: number): void {
    this.#plan(delayMs);
  }

  /** Aborts everything under way and closes the connection; resolves when nothing of this channel runs any more. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#life.abort();
    await this.#checking;
    this.#disconnect();
  }

  rename(name: string): void {
    this.#store({ name });
  }

  /** A login of its own: what was refused before no longer counts. */
  setLogin(login: Login | undefined): void {
    this.#ownLogin = login;
    this.#refused.clear();
    this.#acceptedLogin = undefined;
    this.#epoch += 1;
    this.#reconnect();
    this.#parts.onChange(this, true);
  }

  /**
   * Takes up what discovery tells of this camera: its own name, its lasting endpoint when it was added by address, and its new
   * address - but only while it is not to be had at the old one, or any device in the network could take its place.
   */
  rediscovered(camera: DiscoveredCamera): void {
    const isGone =
      this.#status.reason !== undefined && ['cameras.gone', 'cameras.slow', 'cameras.not_onvif'].includes(this.#status.reason.code);
    const isMoved = isGone && camera.deviceUri !== this.#stored.deviceUri;
    const endpoint = /^https?:/i.test(this.#stored.endpoint) ? camera.endpoint : this.#stored.endpoint;
    const known = camera.name === '' ? this.#stored.known : { ...this.#stored.known, name: camera.name };
    this.#store({ endpoint, known, ...(isMoved ? { deviceUri: camera.deviceUri } : {}) });
    if (!isMoved) return;
    this.#parts.log.info('a camera has another address', { camera: this.id, deviceUri: camera.deviceUri });
    this.#epoch += 1;
    this.#reconnect();
    this.#plan(0);
  }

  /** Asks now. `isForced` also tries refused logins again and inspects an online camera. Never rejects. */
  async check(isForced = false): Promise<void> {
    if (isForced) {
      while (this.#checking !== undefined) await this.#checking;
      if (this.#refused.size > 0) {
        this.#refused.clear();
        this.#reconnect();
      }
      this.#inspectedAtMs = Number.NEGATIVE_INFINITY;
    }
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** The stream of that kind of a usable camera; waits for a check under way. Rejects with AgentError. */
  async stream(kind: StreamKind): Promise<CameraStream> {
    if (this.#status.state !== 'online') await (this.#checking ?? (this.#status.state === 'unknown' ? this.check() : undefined));
    if (this.#status.state !== 'online') throw notUsable(this.#status.reason);
    const stream = this.#seen?.streams.find((candidate) => candidate.kind === kind);
    if (stream === undefined) throw noSuchStream(this.id, kind);
    return stream;
  }

  /** The stream's address as last seen; undefined when the camera gave no usable one. */
  knownUri(profileToken: string): string | undefined {
    return this.#seen?.uris.get(profileToken);
  }

  /** One operation on the camera. A failure that tells something of the camera changes its state. Rejects with AgentError. */
  async use<T>(signal: AbortSignal | undefined, work: (driver: CameraDriver, signal: AbortSignal) => Promise<T>): Promise<T> {
    const both = signal === undefined ? this.#life.signal : AbortSignal.any([signal, this.#life.signal]);
    try {
      return await work(this.#connection(), both);
    } catch (error) {
      if (error instanceof DriverError && error.code === 'camera.unauthorized') {
        // Wrong password, or only this operation closed to this user? Asking for what any user may read tells.
        await this.check(true);
        if (this.#status.state === 'online') throw notPermitted(this.#login?.user ?? '');
        throw notUsable(this.#status.reason);
      }
      if (error instanceof DriverError) {
        this.#fail(error);
        this.#plan(nextProbeMs(this.#status, this.#parts.timing, this.#parts.random()));
      }
      throw cameraError(error, this.context);
    }
  }

  async #check(): Promise<void> {
    this.#timer?.cancel();
    const { signal } = this.#life;
    const epoch = this.#epoch;
    const login = this.#login;
    try {
      await this.#connection().clockOffsetMs({ signal });
      this.#apply({ kind: 'answered' });
      if (this.#isInspectionDue()) await this.#inspect();
    } catch (error) {
      if (signal.aborted || epoch !== this.#epoch) return;
      this.#noteRefusal(error, login);
      this.#fail(error);
    } finally {
      this.#plan(epoch === this.#epoch ? nextProbeMs(this.#status, this.#parts.timing, this.#parts.random()) : 0);
    }
  }

  #isInspectionDue(): boolean {
    if (this.#status.state === 'online') return this.#parts.clock.monotonicMs() - this.#inspectedAtMs >= this.#parts.timing.inspectMs;
    // All logins refused: only a person, or the camera's return, changes anything.
    return this.#status.state !== 'unauthorized' || this.#nextLogin() !== undefined;
  }

  async #inspect(): Promise<void> {
    const { signal } = this.#life;
    for (;;) {
      const login = this.#login;
      try {
        const seen = await inspectCamera(this.#connection(), { signal });
        this.#acceptedLogin = login;
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
    this.#refused.add(login);
    this.#disconnect();
    this.#login = this.#nextLogin();
    return true;
  }

  #take(seen: Inspection): void {
    const { identity } = seen;
    const known = { ...identity, name: this.#stored.known.name };
    this.#seen = seen;
    this.#inspectedAtMs = this.#parts.clock.monotonicMs();
    this.#apply({ kind: 'inspected' });
    this.#store({ known });
  }

  #fail(error: unknown): void {
    if (this.#life.signal.aborted) return;
    const reason = explain(error, this.context);
    if (reason.code === 'cameras.failed') this.#parts.log.error('a camera failed in an unexpected way', { camera: this.id, error });
    this.#apply({ kind: 'failed', reason });
  }

  #apply(event: CameraEvent): void {
    const before = this.#status;
    this.#status = nextStatus(before, event, this.#parts.clock.now());
    if (isReturn(before, this.#status) && this.#acceptedLogin !== undefined && this.#refused.delete(this.#acceptedLogin)) this.#reconnect();
    if (before.state !== this.#status.state || before.reason?.code !== this.#status.reason?.code) {
      const { state, reason } = this.#status;
      this.#parts.log.info('camera state', { camera: this.id, state, reason: reason?.code });
    }
    this.#parts.onChange(this, false);
  }

  #store(change: Partial<StoredChannel>): void {
    const next = { ...this.#stored, ...change };
    if (JSON.stringify(next) === JSON.stringify(this.#stored)) return;
    this.#stored = next;
    this.#parts.onChange(this, true);
  }

  #nextLogin(): Login | undefined {
    const candidates = this.#ownLogin === undefined ? this.#parts.groupLogins.slice(0, MAX_GROUP_LOGINS) : [this.#ownLogin];
    const untried = candidates.filter((login) => !this.#refused.has(login));
    return untried.find((login) => login === this.#acceptedLogin) ?? untried[0];
  }

  #connection(): CameraDriver {
    if (this.#life.signal.aborted) throw new DriverError('driver.aborted', 'this channel has ended');
    this.#driver ??= this.#parts.connector.connect({ deviceUri: this.#stored.deviceUri, login: this.#login });
    return this.#driver;
  }

  #disconnect(): void {
    this.#driver?.close();
    this.#driver = undefined;
  }

  #reconnect(): void {
    this.#disconnect();
    this.#login = this.#nextLogin();
    this.#seen = undefined;
    this.#apply({ kind: 'changed' });
  }

  #plan(delayMs: number): void {
    if (this.#life.signal.aborted) return;
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(delayMs, () => void this.check(), true);
  }
}
