/** Who listens to the camera's events: pull points with their queues, and consumers that are notified. */
import { type EventMessage, isTopicWanted } from './camera-events.js';

/** One subscription; a consumer's address makes it a base subscription. */
export interface Subscription {
  readonly id: string;
  readonly filter: string;
  readonly consumer: string | undefined;
  endsAt: number;
  readonly queue: EventMessage[];
  wake: (() => void) | undefined;
  /** The reference header of the first pull. */
  pinned: string | undefined;
}

/** Above this the oldest messages of a pull point are lost. */
const MAX_QUEUE = 100;

/** All subscriptions. `now` is a clock in ms; `notify` sends a message to a consumer. */
export class PullPoints {
  readonly #open = new Map<string, Subscription>();
  readonly #now: () => number;
  readonly #notify: (consumer: string, message: EventMessage) => void;
  #made = 0;
  most = 0;

  constructor(now: () => number, notify: (consumer: string, message: EventMessage) => void) {
    this.#now = now;
    this.#notify = notify;
  }

  get count(): number {
    this.#expire();
    return this.#open.size;
  }

  /** A new one that lives `forMs`. */
  create(forMs: number, filter: string, consumer: string | undefined, first: readonly EventMessage[]): Subscription {
    this.#made += 1;
    const id = String(this.#made);
    const made: Subscription = {
      id,
      filter,
      consumer,
      endsAt: this.#now() + forMs,
      queue: [],
      wake: undefined,
      pinned: undefined,
    };
    this.#open.set(id, made);
    this.most = Math.max(this.most, this.count);
    this.deliver(made, first);
    return made;
  }

  get(id: string | undefined): Subscription | undefined {
    this.#expire();
    return id === undefined ? undefined : this.#open.get(id);
  }

  remove(subscription: Subscription): void {
    this.#open.delete(subscription.id);
    subscription.wake?.();
  }

  /** Everything ends without a word. */
  clear(): void {
    for (const one of [...this.#open.values()]) this.remove(one);
  }

  deliver(to: Subscription, messages: readonly EventMessage[]): void {
    const wanted = messages.filter((message) => isTopicWanted(message.topic, to.filter));
    if (to.consumer !== undefined) {
      for (const message of wanted) this.#notify(to.consumer, message);
      return;
    }
    to.queue.push(...wanted);
    to.queue.splice(0, Math.max(0, to.queue.length - MAX_QUEUE));
    if (wanted.length > 0) to.wake?.();
  }

  broadcast(message: EventMessage): void {
    this.#expire();
    for (const one of this.#open.values()) this.deliver(one, [message]);
  }

  /** What is there, or what comes within `timeoutMs`; empty when nothing came or the subscription ended. A second pull ends the first. */
  async pull(from: Subscription, limit: number, timeoutMs: number, onGone: (act: () => void) => void): Promise<readonly EventMessage[]> {
    from.wake?.();
    if (from.queue.length === 0 && timeoutMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        timer.unref();
        from.wake = () => {
          clearTimeout(timer);
          resolve();
        };
        onGone(() => from.wake?.());
      });
      from.wake = undefined;
    }
    return from.queue.splice(0, limit);
  }

  #expire(): void {
    const now = this.#now();
    for (const one of [...this.#open.values()]) if (one.endsAt <= now) this.remove(one);
  }
}
