import { DriverError, type PtzDriver } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Channel } from './channel.js';
import type { SerialPtz } from './ports.js';
import { type GuardedPtz, MotionGuard } from './ptz.js';
import { cameraError, noPtz, notPermitted, notUsable } from './reasons.js';

/** A camera in motion is stopped before we leave, if it lets us within this time. */
const STOP_MOTION_MS = 1_000;

/** What movement needs of the rest. */
export interface MoversParts {
  readonly serialPtz: SerialPtz;
  readonly clock: Clock;
  readonly log: Log;
}

/** What moves the channels, each behind its guard. Gear on a serial bus wins over the camera's own. */
export class Movers {
  readonly #parts: MoversParts;
  readonly #guards = new Map<string, MotionGuard>();
  #isOver = false;

  constructor(parts: MoversParts) {
    this.#parts = parts;
  }

  /** Errors come out as AgentError. @throws AgentError cameras.no_ptz */
  of(channel: Channel): GuardedPtz {
    const { id } = channel;
    const { serialPtz, clock, log } = this.#parts;
    const driver = (): PtzDriver => {
      const serial = serialPtz(id);
      if (serial !== undefined) return serial;
      // Each press would be one more wrong login, and the camera locks its account.
      if (channel.status.state === 'unauthorized') throw notUsable(channel.status.reason);
      const own = channel.onvifPtz;
      if (own === undefined) throw noPtz(id);
      return own;
    };
    driver();
    const guard = this.#guards.get(id) ?? new MotionGuard({ driver, clock, log });
    this.#guards.set(id, guard);
    if (this.#isOver) guard.end();
    const told = async <T>(act: Promise<T>): Promise<T> => {
      try {
        return await act;
      } catch (error) {
        if (error instanceof DriverError && error.code === 'camera.unauthorized') {
          await channel.doubted();
          if (channel.status.state === 'online') throw notPermitted(channel.login?.user ?? '');
        }
        throw cameraError(error, channel.context);
      }
    };
    return {
      move: (velocity, options) => told(guard.move(velocity, options)),
      stop: (options) => told(guard.stop(options)),
      holdFor: (velocity, forMs) => told(guard.holdFor(velocity, forMs)),
      goto: (token, options) => told(guard.goto(token, options)),
      home: (options) => told(guard.home(options)),
      absolute: (position, options) => told(guard.absolute(position, options)),
      presets: (options) => told(guard.presets(options)),
      setPreset: (name, options) => told(guard.setPreset(name, options)),
      removePreset: (token, options) => told(guard.removePreset(token, options)),
      setHome: (options) => told(guard.setHome(options)),
    };
  }

  forget(id: string): void {
    this.#guards.get(id)?.end();
    this.#guards.delete(id);
  }

  /** Stops whatever moves, as far as it lets us, and moves nothing any more. Never rejects. */
  async stopAll(): Promise<void> {
    this.#isOver = true;
    const giveUp = new AbortController();
    const timer = this.#parts.clock.after(STOP_MOTION_MS, () => giveUp.abort(), true);
    const moving = [...this.#guards.values()].filter((guard) => guard.isMoving);
    for (const guard of this.#guards.values()) guard.end();
    await Promise.allSettled(moving.map((guard) => guard.stop({ signal: giveUp.signal })));
    timer.cancel();
  }
}
