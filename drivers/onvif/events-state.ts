/**
 * What is known to be on. Cameras repeat themselves, forget to say that something ended, and report one motion under several topics;
 * out of here come changes only, and whatever stays on unconfirmed is switched off. Time is a parameter, monotonic ms.
 */
import type { CameraEvent } from '../port.js';
import type { EventMeaning } from './events-topics.js';

/** A state that is on and was not heard of for so long is asked about. */
export const STALE_MS = 60_000;
/** How long the camera has to confirm it then. */
export const CONFIRM_MS = 10_000;
/** A moment, such as a line being crossed, counts as on for so long. */
export const MOMENT_MS = 5_000;
/** More properties than any camera has; a hostile one must not fill the memory. */
const MOST_PROPERTIES = 512;

interface Property {
  readonly kind: CameraEvent['kind'];
  readonly source: string;
  isOn: boolean;
  heardAtMs: number;
  /** When a moment is over; undefined for a state. */
  endsAtMs: number | undefined;
}

const keyOf = (kind: CameraEvent['kind'], source: string): string => `${kind}\0${source}`;

/** States of one camera's properties, joined by kind and source. */
export class EventStates {
  readonly #properties = new Map<string, Property>();
  readonly #told = new Map<string, boolean>();
  /** How many properties of one kind at one source are on: a flood of events must not look through all of them for each one. */
  readonly #onCounts = new Map<string, number>();

  /** The event to tell of, or undefined when nothing changed. */
  take(meaning: EventMeaning, isInitialized: boolean, atMs: number | null, nowMs: number): CameraEvent | undefined {
    const { kind, source } = meaning;
    const known = this.#properties.get(meaning.property);
    if (known === undefined && this.#properties.size >= MOST_PROPERTIES) return undefined;
    const endsAtMs = meaning.isMoment ? nowMs + MOMENT_MS : undefined;
    if (known !== undefined) this.#switch(known, false);
    const property: Property = { kind, source, isOn: false, heardAtMs: nowMs, endsAtMs };
    this.#properties.set(meaning.property, property);
    this.#switch(property, meaning.isOn);
    return this.#tell(kind, source, atMs, isInitialized);
  }

  /** When there is something to look after again; undefined when nothing is on. */
  nextAtMs(): number | undefined {
    const on = this.#on().map((property) => property.endsAtMs ?? property.heardAtMs + STALE_MS);
    return on.length === 0 ? undefined : Math.min(...on);
  }

  /** Whether something is on that was not heard of for too long. */
  isStale(nowMs: number): boolean {
    return this.#on().some((property) => property.endsAtMs === undefined && nowMs - property.heardAtMs >= STALE_MS);
  }

  /** Ends the moments that are over. */
  endMoments(nowMs: number): readonly CameraEvent[] {
    return this.#clear((property) => property.endsAtMs !== undefined && property.endsAtMs <= nowMs);
  }

  /**
   * Clears what was not heard of since `sinceMs`. Motion that nobody confirms has ended; an input or a fault may stay for days, so it
   * is cleared only by a camera that answered with its states (`hasAnswered`) and left this one out.
   */
  clearUnconfirmed(sinceMs: number, hasAnswered: boolean): readonly CameraEvent[] {
    return this.#clear(
      (property) => property.endsAtMs === undefined && property.heardAtMs < sinceMs && (hasAnswered || property.kind === 'motion'),
    );
  }

  /** Counts what is still on as heard of now, so that it is not asked about at every turn. */
  rest(nowMs: number): void {
    for (const property of this.#on()) if (property.endsAtMs === undefined) property.heardAtMs = nowMs;
  }

  #on(): readonly Property[] {
    return [...this.#properties.values()].filter((property) => property.isOn);
  }

  #switch(property: Property, isOn: boolean): void {
    if (property.isOn === isOn) return;
    property.isOn = isOn;
    const key = keyOf(property.kind, property.source);
    this.#onCounts.set(key, (this.#onCounts.get(key) ?? 0) + (isOn ? 1 : -1));
  }

  #clear(isOver: (property: Property) => boolean): readonly CameraEvent[] {
    const over = this.#on().filter(isOver);
    for (const property of over) this.#switch(property, false);
    return over.flatMap(({ kind, source }) => this.#tell(kind, source, null, false) ?? []);
  }

  /** One kind at one source is on while any of its properties is. */
  #tell(kind: CameraEvent['kind'], source: string, atMs: number | null, isInitialized: boolean): CameraEvent | undefined {
    const key = keyOf(kind, source);
    const isOn = (this.#onCounts.get(key) ?? 0) > 0;
    const before = this.#told.get(key);
    if (before === isOn) return undefined;
    this.#told.set(key, isOn);
    return { kind, isOn, source, atMs, isInitial: isInitialized && before === undefined };
  }
}
