import type { DriverClock, DriverError } from '../port.js';
import type { CameraAccess } from './access.js';
import { readCameraClock, SYSTEM_DATE_AND_TIME } from './device.js';
import { SERVICES } from './services.js';

/** Beyond this a token of the other time may be refused: cameras allow 5 s at the least. */
const DIFFERENT_MS = 2_000;
/** A clock drifts, and a camera that reboots may begin in 1970. */
const FRESH_MS = 5 * 60_000;

/** The one operation the clock needs, as session.ts sends it. */
export interface ClockCall {
  readonly path: string;
  readonly service: string;
  readonly name: string;
  readonly body: string;
}

/** Answer to a call without login: either content or refusal is there. */
export interface OpenAnswer {
  readonly content: unknown;
  /** `camera.unauthorized`, or that it does not have this. */
  readonly refusal: DriverError | undefined;
  /** HTTP date of the answer, ms since 1970. */
  readonly dateAt: number | undefined;
}

/** What the clock is asked through. */
export interface ClockSource {
  readonly hasLogin: boolean;
  callOpenly(call: ClockCall, signal: AbortSignal): Promise<OpenAnswer>;
  call(call: ClockCall, signal: AbortSignal): Promise<unknown>;
}

/** A camera's clock against ours: WS-Security is judged by it. */
export class CameraClock {
  readonly #clock: DriverClock;
  readonly #access: CameraAccess;
  readonly #path: string;
  #saidMs = 0;
  #hasSaid = false;
  #dateMs: number | undefined;
  #askedAtMs: number | undefined;

  constructor(clock: DriverClock, access: CameraAccess, path: string) {
    this.#clock = clock;
    this.#access = access;
    this.#path = path;
  }

  /** Camera's clock minus ours in ms, as it says. */
  get offsetMs(): number {
    return this.#saidMs;
  }

  /** Whether it said a time, and is not known to go by another one. */
  get isKnown(): boolean {
    return this.#hasSaid && this.#access.clockChoice === 'said';
  }

  get isFresh(): boolean {
    return this.#askedAtMs !== undefined && this.#clock.monotonicMs() - this.#askedAtMs < FRESH_MS;
  }

  /** The instant a token made now is dated with. */
  tokenAt(): number {
    const { clockChoice } = this.#access;
    const offsetMs = clockChoice === 'said' ? this.#saidMs : clockChoice === 'date' ? (this.#dateMs ?? 0) : 0;
    return this.#clock.now() + offsetMs;
  }

  /** Asks openly; a camera that refuses even that is asked again with the login and its HTTP date as clock. */
  async ask(source: ClockSource, signal: AbortSignal): Promise<number> {
    const call = { path: this.#path, service: SERVICES.device, name: 'GetSystemDateAndTime', body: SYSTEM_DATE_AND_TIME };
    const sentAt = this.#clock.now();
    const open = await source.callOpenly(call, signal);
    const middleAt = (sentAt + this.#clock.now()) / 2;
    this.#dateMs = open.dateAt === undefined ? undefined : open.dateAt - middleAt;
    let cameraAt = open.refusal === undefined ? readCameraClock(open.content) : undefined;
    if (open.refusal?.code === 'camera.unauthorized') {
      if (!source.hasLogin) throw open.refusal;
      this.#saidMs = this.#dateMs ?? this.#saidMs;
      cameraAt = readCameraClock(await source.call(call, signal));
    }
    cameraAt ??= open.dateAt;
    this.#hasSaid = cameraAt !== undefined;
    if (cameraAt !== undefined) this.#saidMs = Math.round(cameraAt - middleAt);
    this.#askedAtMs = this.#clock.monotonicMs();
    return this.#saidMs;
  }

  /**
   * After a refused token: whether another time is worth one more try. The camera may have set its clock meanwhile, or what it says
   * is local time while it judges by UTC. `before` is the time the refused token bore, minus ours.
   */
  async another(source: ClockSource, before: number, signal: AbortSignal): Promise<boolean> {
    const differs = (offsetMs: number): boolean => Math.abs(offsetMs - before) > DIFFERENT_MS;
    const choice = this.#access.clockChoice;
    try {
      await this.ask(source, signal);
    } catch {
      // The refusal is what the caller must hear of, not this.
      return false;
    }
    if (choice !== 'said' || differs(this.#saidMs)) {
      this.#access.clockChoice = 'said';
      return differs(this.#saidMs);
    }
    const hasDate = this.#dateMs !== undefined && differs(this.#dateMs);
    if (!hasDate && !differs(0)) return false;
    this.#access.clockChoice = hasDate ? 'date' : 'ours';
    return true;
  }
}
