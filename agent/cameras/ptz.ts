import { type CallOptions, DriverError, type PtzDriver, type PtzPosition, type PtzPreset, type PtzVelocity } from '../../drivers/port.js';
import { type Clock, delay, type Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';

/** A movement that is not asked for again within this time is stopped: whoever steers may have vanished. Below one second. */
const HOLD_MS = 900;
/** One that is held is asked for again well before. */
const RENEW_MS = 400;
const STOP_TRIES = 3;
const STOP_RETRY_MS = 200;

const clamp = (value: number): number => (Number.isFinite(value) ? Math.max(-1, Math.min(1, value)) : 0);

/** What a guard is made with. */
export interface MotionGuardParts {
  /** Looked up for every command, because gear comes and goes; throws an AgentError when there is none now. */
  readonly driver: () => PtzDriver;
  readonly clock: Clock;
  readonly log: Log;
}

/** What moves behind a guard. */
export interface GuardedPtz extends PtzDriver {
  /**
   * Moves for `forMs` and stops. Resolves when it stands, or within 0.4 s when somebody else stops or moves it meanwhile: theirs is the last word. Rejects
   * as `move` does, with the stop sent.
   */
  holdFor(velocity: PtzVelocity, forMs: number): Promise<void>;
}

/**
 * The only way a camera is moved. The stop is armed before the movement is sent; a movement asked for while another is on its way
 * replaces it; a stop overtakes everything and is repeated behind a movement that was already under way.
 */
export class MotionGuard implements GuardedPtz {
  readonly #parts: MotionGuardParts;
  #timer: Timer | undefined;
  #wanted: { velocity: PtzVelocity; signal: AbortSignal } | undefined;
  #sending: Promise<void> | undefined;
  #interrupt = new AbortController();
  /** Rises with every movement asked for, so that a stop knows whether it is still the last word. */
  #moves = 0;
  /** Rises with every stop asked for, so that who holds a movement knows that it is not wanted any more. */
  #stops = 0;
  #isOver = false;
  #retry: Timer | undefined;

  constructor(parts: MotionGuardParts) {
    this.#parts = parts;
  }

  /** Whether a movement was asked for and not stopped yet. */
  get isMoving(): boolean {
    return this.#timer !== undefined;
  }

  /** Speeds outside -1..1 are clamped; all zero is a stop. Rejects with what the driver rejects with. */
  async move(velocity: PtzVelocity, options: CallOptions): Promise<void> {
    const speed = { pan: clamp(velocity.pan), tilt: clamp(velocity.tilt), zoom: clamp(velocity.zoom) };
    if (speed.pan === 0 && speed.tilt === 0 && speed.zoom === 0) return this.stop(options);
    this.#mayMove();
    this.#moves += 1;
    this.#arm();
    this.#wanted = { velocity: speed, signal: options.signal };
    this.#sending ??= this.#sendWanted().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async holdFor(velocity: PtzVelocity, forMs: number): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = new AbortController();
    const endsMs = clock.monotonicMs() + forMs;
    const stops = this.#stops;
    let moves = this.#moves;
    const isLastWord = (): boolean => stops === this.#stops && moves === this.#moves;
    try {
      for (let leftMs = forMs; leftMs > 0 && isLastWord(); leftMs = endsMs - clock.monotonicMs()) {
        const moving = this.move(velocity, { signal });
        moves = this.#moves;
        await moving;
        if (isLastWord()) await delay(clock, Math.min(RENEW_MS, leftMs));
      }
    } finally {
      if (isLastWord()) await this.stop({ signal });
    }
  }

  async stop(options: CallOptions): Promise<void> {
    this.#stops += 1;
    try {
      await this.#stopNow(options);
    } catch (error) {
      // Whoever asked hears that it failed, and the camera may still be moving: it is asked again all the same.
      this.#again(STOP_TRIES);
      throw error;
    }
  }

  /** Nothing is moved nor tried again any more; a stop still goes out. */
  end(): void {
    this.#isOver = true;
    this.#retry?.cancel();
  }

  async goto(presetToken: string, options: CallOptions): Promise<void> {
    const { goto } = this.#able('goto', 'presets');
    await this.#drive((driver) => goto.call(driver, presetToken, options));
  }

  async home(options: CallOptions): Promise<void> {
    const { home } = this.#able('home', 'home');
    await this.#drive((driver) => home.call(driver, options));
  }

  async absolute(position: PtzPosition, options: CallOptions): Promise<void> {
    const { absolute } = this.#able('absolute', 'absolute positions');
    await this.#drive((driver) => absolute.call(driver, position, options));
  }

  async presets(options: CallOptions): Promise<readonly PtzPreset[]> {
    const driver = this.#able('presets', 'list of presets');
    return driver.presets(options);
  }

  async setPreset(name: string, options: CallOptions & { readonly token?: string }): Promise<string> {
    const driver = this.#able('setPreset', 'presets that can be stored');
    return driver.setPreset(name, options);
  }

  async removePreset(presetToken: string, options: CallOptions): Promise<void> {
    const driver = this.#able('removePreset', 'presets that can be removed');
    return driver.removePreset(presetToken, options);
  }

  async setHome(options: CallOptions): Promise<void> {
    const driver = this.#able('setHome', 'home that can be stored');
    return driver.setHome(options);
  }

  /** @throws DriverError driver.aborted; and whatever the lookup of the gear throws. */
  #mayMove(): void {
    if (this.#isOver) throw new DriverError('driver.aborted', 'nothing is moved any more');
    this.#parts.driver();
  }

  /** The gear now, when it has this member. @throws DriverError camera.unsupported */
  #able<Member extends keyof PtzDriver>(member: Member, what: string): PtzDriver & Required<Pick<PtzDriver, Member>> {
    const driver = this.#parts.driver();
    if (driver[member] === undefined) throw new DriverError('camera.unsupported', `it has no ${what}`);
    return driver as PtzDriver & Required<Pick<PtzDriver, Member>>;
  }

  /** A movement that ends by itself: the stop that was armed for the one before must not cut it short. */
  async #drive(act: (driver: PtzDriver) => Promise<void>): Promise<void> {
    this.#mayMove();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wanted = undefined;
    this.#moves += 1;
    const underway = this.#sending;
    this.#interrupt.abort();
    this.#interrupt = new AbortController();
    await underway?.catch(() => undefined);
    await act(this.#parts.driver());
  }

  async #stopNow(options: CallOptions): Promise<void> {
    const driver = this.#parts.driver();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wanted = undefined;
    const underway = this.#sending;
    const moves = this.#moves;
    this.#interrupt.abort();
    this.#interrupt = new AbortController();
    await driver.stop(options);
    if (underway === undefined) return;
    await underway.catch(() => undefined);
    // The movement may have reached the camera after the stop. Unless someone steers again by now, stop it once more.
    if (moves === this.#moves) await driver.stop(options);
  }

  async #sendWanted(): Promise<void> {
    for (let next = this.#wanted; next !== undefined; next = this.#wanted) {
      this.#wanted = undefined;
      const interrupt = this.#interrupt.signal;
      try {
        await this.#parts.driver().move(next.velocity, { signal: AbortSignal.any([next.signal, interrupt]) });
      } catch (error) {
        // Overtaken by a stop: that is no failure of the movement.
        if (!interrupt.aborted) throw error;
      }
    }
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(HOLD_MS, () => void this.#stopForgotten(STOP_TRIES));
  }

  async #stopForgotten(triesLeft: number): Promise<void> {
    const moves = this.#moves;
    try {
      await this.#stopNow({ signal: new AbortController().signal });
    } catch (error) {
      this.#parts.log.warn('a movement could not be stopped', { error, triesLeft: triesLeft - 1 });
      if (triesLeft > 1 && moves === this.#moves) this.#again(triesLeft - 1);
    }
  }

  #again(triesLeft: number): void {
    const moves = this.#moves;
    const retry = (): void => {
      if (moves === this.#moves) void this.#stopForgotten(triesLeft);
    };
    this.#retry?.cancel();
    if (!this.#isOver) this.#retry = this.#parts.clock.after(STOP_RETRY_MS, retry, true);
  }
}
