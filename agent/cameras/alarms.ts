import type { CameraEvent } from '../../drivers/port.js';
import type { CameraAlarm } from './ports.js';

const KINDS: ReadonlySet<string> = new Set<CameraAlarm>(['tamper', 'video-loss', 'hardware-failure']);

/** What one camera complains of, from the events it sent. */
export class Alarms {
  readonly #on = new Map<string, CameraAlarm>();
  #now: readonly CameraAlarm[] = [];

  /** Sorted, each once; the same array until something changes. */
  now(): readonly CameraAlarm[] {
    return this.#now;
  }

  /** Takes an event in; whether the complaints are others now. */
  heard({ kind, source, isOn }: CameraEvent): boolean {
    if (!KINDS.has(kind)) return false;
    const key = `${kind} ${source}`;
    if (isOn) this.#on.set(key, kind as CameraAlarm);
    else this.#on.delete(key);
    return this.#settle();
  }

  /** Nothing is known any more: an alarm that nobody takes back must not stay for ever. */
  clear(): boolean {
    this.#on.clear();
    return this.#settle();
  }

  #settle(): boolean {
    const now = [...new Set(this.#on.values())].sort();
    if (now.join() === this.#now.join()) return false;
    this.#now = now;
    return true;
  }
}
