import type { PtzDriver } from '../../../drivers/port.js';
import type { Clock, Timer } from '../../kernel/clock.js';
import type { Log } from '../../kernel/log.js';
import type { Call } from '../call.js';

/** A movement that nobody renews is over by then (agent/cameras/ptz.ts stops it after 900 ms). */
const WATCH_MS = 1_000;
/** What ends a permission without a word (its hour, its badge) is noticed within this time. */
const LOOK_MS = 100;
const STOP_TRIES = 3;
const STOP_RETRY_MS = 200;
const STOP_DEADLINE_MS = 5_000;

/** What is needed to stop a movement whose permission ended. */
export interface MotionWatchParts {
  /** Looked up when it is needed, because gear comes and goes; throws an AgentError when there is none now. */
  readonly ptz: (cam: string) => PtzDriver;
  /** Called after every change of a permission. Returns the way to stop. */
  readonly onPermissionsChange: (listener: () => void) => () => void;
  readonly clock: Clock;
  readonly log: Log;
}

interface Motion {
  readonly call: Pick<Call, 'recheck'>;
  readonly endsMs: number;
}

/**
 * A movement outlives the command that began it, by up to a second. It is watched for that long: with the permission of whoever moved the camera
 * last, its movement ends too, at once and not when it would have stopped by itself.
 */
export class MotionWatch {
  readonly #parts: MotionWatchParts;
  readonly #motions = new Map<string, Motion>();
  #timer: Timer | undefined;
  #endListening: (() => void) | undefined;

  constructor(parts: MotionWatchParts) {
    this.#parts = parts;
  }

  /** Before the movement is sent: a withdrawal may come while it is on its way. `lastsMs`: by then it is over. */
  began(cam: string, call: Pick<Call, 'recheck'>, lastsMs = WATCH_MS): void {
    this.#motions.set(cam, { call, endsMs: this.#parts.clock.monotonicMs() + lastsMs });
    this.#endListening ??= this.#parts.onPermissionsChange(() => this.#look());
    this.#timer ??= this.#parts.clock.every(LOOK_MS, () => this.#look());
  }

  /** Somebody stopped it. */
  stopped(cam: string): void {
    this.#motions.delete(cam);
    this.#restIfIdle();
  }

  #look(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [cam, { call, endsMs }] of [...this.#motions]) {
      const isOver = !holds(call);
      if (!isOver && nowMs < endsMs) continue;
      this.#motions.delete(cam);
      if (isOver) void this.#stop(cam, STOP_TRIES);
    }
    this.#restIfIdle();
  }

  #restIfIdle(): void {
    if (this.#motions.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#endListening?.();
    this.#endListening = undefined;
  }

  async #stop(cam: string, triesLeft: number): Promise<void> {
    const controller = new AbortController();
    const deadline = this.#parts.clock.after(STOP_DEADLINE_MS, () => controller.abort(), true);
    try {
      await this.#parts.ptz(cam).stop({ signal: controller.signal });
    } catch (error) {
      this.#parts.log.warn('a movement whose permission ended could not be stopped', { cam, error, triesLeft: triesLeft - 1 });
      if (triesLeft > 1 && !this.#motions.has(cam)) this.#parts.clock.after(STOP_RETRY_MS, () => void this.#stop(cam, triesLeft - 1), true);
    } finally {
      deadline.cancel();
    }
  }
}

function holds(call: Pick<Call, 'recheck'>): boolean {
  try {
    call.recheck();
    return true;
  } catch {
    return false;
  }
}
