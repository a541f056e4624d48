import type { Clock } from './clock.js';
import type { Log } from './log.js';
import type { Service } from './service.js';

const DEFAULT_STOP_DEADLINE_MS = 3_000;

/**
 * Starts services in the order given and stops them in reverse, each with a deadline: one that hangs is named and passed over,
 * so that a stop always ends. A service that fails to start stops those before it and the failure is the caller's.
 */
export class Runtime {
  readonly #services: readonly Service[];
  readonly #started: Service[] = [];
  readonly #clock: Clock;
  readonly #log: Log;
  #stopping: Promise<readonly string[]> | undefined;

  constructor(services: readonly Service[], clock: Clock, log: Log) {
    this.#services = services;
    this.#clock = clock;
    this.#log = log;
  }

  async start(): Promise<void> {
    for (const service of this.#services) {
      if (this.#stopping !== undefined) return;
      this.#started.push(service);
      try {
        await service.start();
      } catch (error) {
        await this.stop();
        throw error;
      }
    }
  }

  /** The names of services that did not stop in time; empty is the good case. Later calls share the first one's result. */
  stop(): Promise<readonly string[]> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<readonly string[]> {
    const late: string[] = [];
    for (const service of this.#started.reverse()) {
      if (!(await this.#stopOne(service))) late.push(service.name);
    }
    return late;
  }

  #stopOne(service: Service): Promise<boolean> {
    const deadlineMs = service.stopDeadlineMs ?? DEFAULT_STOP_DEADLINE_MS;
    return new Promise((resolve) => {
      const timer = this.#clock.after(deadlineMs, () => {
        this.#log.error('a service did not stop in time', { service: service.name, deadlineMs });
        resolve(false);
      });
      // Inside the chain: a stop that throws at once is no worse than one that rejects.
      Promise.resolve()
        .then(() => service.stop())
        .then(
          () => resolve(true),
          (error: unknown) => {
            this.#log.error('a service failed while stopping', { service: service.name, error });
            resolve(true);
          },
        )
        .finally(() => timer.cancel());
    });
  }
}
