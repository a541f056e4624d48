import type { PtzDriver } from '../../drivers/port.js';
import type { Clock } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Channel } from './channel.js';
import type { SerialPtz } from './ports.js';
import { MotionGuard } from './ptz.js';
import { cameraError, noPtz } from './reasons.js';

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

  constructor(parts: MoversParts) {
    this.#parts = parts;
  }

  /** Errors come out as AgentError. @throws AgentError cameras.no_ptz */
  of(channel: Channel): PtzDriver {
    const { id } = channel;
    const { serialPtz, clock, log } = this.#parts;
    const driver = (): PtzDriver => {
      const found = serialPtz(id) ?? channel.onvifPtz;
      if (found === undefined) throw noPtz(id);
      return found;
    };
    driver();
    const guard = this.#guards.get(id) ?? new MotionGuard({ driver, clock, log });
    this.#guards.set(id, guard);
    const told = async <T>(act: Promise<T>): Promise<T> => {
      try {
        return await act;
      } catch (error) {
        throw cameraError(error, channel.context);
      }
    };
    return {
      move: (velocity, options) => told(guard.move(velocity, options)),
      stop: (options) => told(guard.stop(options)),
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
    this.#guards.delete(id);
  }

  /** Stops whatever moves, as far as it lets us. Never rejects. */
  async stopAll(): Promise<void> {
    const giveUp = new AbortController();
    const timer = this.#parts.clock.after(STOP_MOTION_MS, () => giveUp.abort(), true);
    const moving = [...this.#guards.values()].filter((guard) => guard.isMoving);
    await Promise.allSettled(moving.map((guard) => guard.stop({ signal: giveUp.signal })));
    timer.cancel();
  }
}
