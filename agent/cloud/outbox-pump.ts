import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import type { OutboxStore, QueuedMessage } from '../store/outbox-store.js';
import type { CloudLink } from './link.js';

/** Messages on their way at once; brokers allow 20 to 100. */
const WINDOW = 20;
const EXPIRE_PERIOD_MS = 60_000;

/** Carries what waits in the durable outbox to the broker, in order, and forgets a message only when the broker has it. */
export class OutboxPump implements Service {
  readonly name = 'outbox-pump';
  readonly #outbox: OutboxStore;
  readonly #link: CloudLink;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onTheWay = new Set<number>();
  readonly #ends: (() => void)[] = [];
  #isRunning = false;
  #isAskedAgain = false;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(outbox: OutboxStore, link: CloudLink, clock: Clock, log: Log) {
    this.#outbox = outbox;
    this.#link = link;
    this.#clock = clock;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#ends.push(this.#outbox.onEnqueued(() => this.#pump()));
    this.#ends.push(this.#link.onOnline((isOnline) => isOnline && this.#pump()));
    const timer = this.#clock.every(EXPIRE_PERIOD_MS, () => {
      this.#outbox.expire().catch((error: unknown) => this.#log.warn('old messages could not be removed', { error }));
    });
    this.#ends.push(() => timer.cancel());
    this.#pump();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const end of this.#ends.splice(0)) end();
    await this.#running;
  }

  #pump(): void {
    if (this.#isStopped) return;
    if (this.#isRunning) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isRunning = true;
    this.#running = this.#carry()
      .catch((error: unknown) => this.#log.warn('the outbox could not be read', { error }))
      .finally(() => {
        this.#isRunning = false;
        if (!this.#isAskedAgain) return;
        this.#isAskedAgain = false;
        this.#pump();
      });
  }

  async #carry(): Promise<void> {
    while (this.#link.isOnline && !this.#isStopped) {
      const waiting = (await this.#outbox.peek(WINDOW)).filter((message) => !this.#onTheWay.has(message.id));
      if (waiting.length === 0) return;
      const arrived = await Promise.all(waiting.map((message) => this.#send(message)));
      // What did not arrive waits for the next connection; asking again at once would only spin.
      if (!arrived.every((isThere) => isThere)) return;
    }
  }

  async #send(message: QueuedMessage): Promise<boolean> {
    this.#onTheWay.add(message.id);
    try {
      await this.#link.publish(message.topic, message.payload, { retain: message.retain });
      await this.#outbox.markSent(message.id);
      return true;
    } catch (error) {
      if (error instanceof AgentError && error.code === 'cloud.refused') return await this.#giveUp(message, error);
      this.#log.debug('a message waits for the next connection', { topic: message.topic, error });
      return false;
    } finally {
      this.#onTheWay.delete(message.id);
    }
  }

  /** What the broker will never take must not stop what comes after it. */
  async #giveUp(message: QueuedMessage, error: AgentError): Promise<boolean> {
    this.#log.warn('the broker does not take a message: it is dropped', { topic: message.topic, error });
    await this.#outbox.markSent(message.id);
    return true;
  }
}
