import { DriverError } from '../port.js';
import type { ServiceName } from './services.js';

/** The two media services: Media2 knows H.265, the older one is what every camera has. */
export type MediaName = 'media' | 'media2';

/** What one service answers when it is not there, half there or broken: reason enough to ask the other one. */
const MISSING: ReadonlySet<string> = new Set(['camera.unsupported', 'camera.refused', 'camera.bad_answer', 'camera.not_onvif']);

/** Whether an error says that the camera does not do this here, rather than that it is away or that we may not. */
export const isMissing = (error: unknown): error is DriverError => error instanceof DriverError && MISSING.has(error.code);

/** Which of a camera's media services is asked first; remembers which one answered. */
export class MediaChoice {
  #order: readonly MediaName[];

  constructor(has: (service: ServiceName) => boolean) {
    this.#order = (['media2', 'media'] as const).filter(has);
  }

  /**
   * Runs `work` with the service that answered last, and with the other one when the camera does not do it there. What both refuse
   * rejects with the more telling of the two errors.
   */
  async either<T>(work: (service: MediaName) => Promise<T>): Promise<T> {
    const [first, second] = this.#order;
    if (first === undefined) throw new DriverError('camera.unsupported', 'the camera has no media service');
    try {
      return await work(first);
    } catch (error) {
      if (second === undefined || !isMissing(error)) throw error;
      const made = await work(second).catch((other: unknown) => {
        throw isMissing(other) && other.code === 'camera.unsupported' ? error : other;
      });
      // Refused values tell nothing of the service; broken or absent, it is not asked first again.
      if (error.code !== 'camera.refused') this.#order = [second, first];
      return made;
    }
  }
}
