import { type CameraEvent, type CameraEventHandlers, DriverError, type EventSource } from '../port.js';
import { askPullPoint, askStates, askSubscribe, askUnsubscribe, LIFETIME_MS, type Subscription } from './events-messages.js';
import { askKinds } from './events-properties.js';
import { openReceiver } from './events-receiver.js';
import { type RunEnd, runPull, runPushed } from './events-run.js';
import { CONFIRM_MS, EventStates } from './events-state.js';
import { meaningOf, type Notification } from './events-topics.js';
import type { LinkCall, OnvifLink } from './link.js';
import { isLacking, pause } from './patience.js';

/** Waits between attempts to listen again: half fixed, half random, doubling up to the ceiling. */
export const RESUBSCRIBE = { firstMs: 1_000, ceilingMs: 60_000 } as const;
const UNSUBSCRIBE_MS = 3_000;
/** A subscription that ran out after so long was a good one: the next is made at once. */
const GOOD_MS = 10_000;
/** So many pull points in a row that died young: the camera is asked to send its events instead. */
const MOST_YOUNG_DEATHS = 3;
/** A camera that says so often that it has no events is believed; right after a start it may say so for a while. */
const MOST_LACKING = 5;

/** One way of listening, under way. */
interface Listener {
  readonly subscription: Subscription;
  run(signal: AbortSignal): Promise<RunEnd>;
  /** Frees what is on our side. */
  close(): Promise<void>;
}

const isFinal = (error: DriverError): boolean => error.code === 'camera.unauthorized' || error.code === 'camera.locked_out';

/** Listens to one camera until closed, whatever the camera does meanwhile. */
class Listening {
  readonly #link: OnvifLink;
  readonly #handlers: CameraEventHandlers;
  readonly #random: () => number;
  readonly #states = new EventStates();
  readonly #over = new AbortController();
  #current: Subscription | undefined;
  #timer: { cancel(): void } | undefined;
  #isTending = false;
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  #youngDeaths = 0;
  #life: Promise<void> = Promise.resolve();

  constructor(link: OnvifLink, handlers: CameraEventHandlers, random: () => number) {
    this.#link = link;
    this.#handlers = handlers;
    this.#random = random;
  }

  /** Rejects when there are no events to be had; afterwards everything is mended in here. */
  async start(signal: AbortSignal): Promise<void> {
    const abort = (): void => this.#over.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    this.#over.signal.addEventListener('abort', () => signal.removeEventListener('abort', abort), { once: true });
    try {
      this.#life = this.#live(await this.#subscribe());
    } catch (error) {
      this.#over.abort(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#over.abort(new DriverError('driver.aborted', 'listening was closed'));
    await this.#life;
  }

  /** A pull point, or where the camera has none (left) its own sending to us. */
  async #subscribe(): Promise<Listener> {
    const ways = [() => this.#pullPoint(), () => this.#pushed()];
    if (this.#youngDeaths >= MOST_YOUNG_DEATHS) ways.reverse();
    let reason: unknown;
    for (const way of ways) {
      try {
        return await way();
      } catch (error) {
        if (!isLacking(error)) throw error;
        reason ??= error;
      }
    }
    throw reason;
  }

  async #pullPoint(): Promise<Listener> {
    const subscription = await this.#run((call) => askPullPoint(this.#link, call));
    return {
      subscription,
      run: (signal) => runPull(this.#link, subscription, (said) => this.#pulled(said), signal),
      close: () => Promise.resolve(),
    };
  }

  async #pushed(): Promise<Listener> {
    const receiver = await openReceiver(this.#link.reached, (said) => this.#deliver(said));
    try {
      const subscription = await this.#run((call) => askSubscribe(this.#link, call, receiver.uri));
      return { subscription, run: (signal) => runPushed(this.#link, subscription, signal), close: () => receiver.close() };
    } catch (error) {
      await receiver.close();
      throw error;
    }
  }

  /** Listens and listens again; ends only by `close` or with a reason that no waiting mends. Never rejects. */
  async #live(first: Listener): Promise<void> {
    let listener: Listener | undefined = first;
    let attempt = 0;
    while (listener !== undefined) {
      const startedMs = this.#link.clock.monotonicMs();
      this.#current = listener.subscription;
      void this.#askStates();
      const end = await listener.run(this.#over.signal);
      this.#current = undefined;
      await this.#drop(listener, end);
      const livedMs = this.#link.clock.monotonicMs() - startedMs;
      if (livedMs >= LIFETIME_MS / 2) attempt = 0;
      this.#youngDeaths = livedMs < GOOD_MS ? this.#youngDeaths + 1 : 0;
      if (end === 'closed' || this.#finish(end)) break;
      const isAtOnce = end === 'expired' && livedMs >= GOOD_MS;
      const again: { listener: Listener | undefined; attempt: number } = await this.#again(isAtOnce ? -1 : attempt);
      listener = again.listener;
      attempt = again.attempt;
    }
    this.#timer?.cancel();
  }

  /** The next subscription, however long it takes; undefined when listening is over. `attempt` -1 starts without waiting. */
  async #again(from: number): Promise<{ listener: Listener | undefined; attempt: number }> {
    let lacking = 0;
    for (let attempt = from; ; attempt += 1) {
      if (attempt >= 0) await pause(this.#link.clock, this.#waitMs(attempt), this.#over.signal);
      if (this.#over.signal.aborted) return { listener: undefined, attempt };
      try {
        return { listener: await this.#subscribe(), attempt: attempt + 1 };
      } catch (error) {
        const reason = error instanceof DriverError ? error : new DriverError('camera.bad_answer', 'no subscription', { cause: error });
        lacking = reason.code === 'camera.unsupported' ? lacking + 1 : 0;
        this.#link.log.debug('camera gives no events yet', { camera: this.#link.reached.key, reason: reason.code, attempt });
        if (this.#over.signal.aborted || this.#finish(reason, lacking >= MOST_LACKING)) return { listener: undefined, attempt };
      }
    }
  }

  #waitMs(attempt: number): number {
    const ceiling = Math.min(RESUBSCRIBE.ceilingMs, RESUBSCRIBE.firstMs * 2 ** Math.min(attempt, 16));
    return ceiling / 2 + (this.#random() * ceiling) / 2;
  }

  /** True when that was the end, which is then told. */
  #finish(end: RunEnd, isEnough = false): boolean {
    if (!(end instanceof DriverError) || !(isEnough || isFinal(end))) return false;
    this.#over.abort(end);
    this.#handlers.onEnd(end);
    return true;
  }

  /** Gives the subscription back: cameras allow few of them. One that vanished with the camera is not worth the wait. */
  async #drop(listener: Listener, end: RunEnd): Promise<void> {
    await listener.close();
    if (end instanceof DriverError && (end.code === 'camera.unreachable' || isFinal(end))) return;
    const own = new AbortController().signal;
    await this.#link.run({ signal: own }, (call) => askUnsubscribe(call, listener.subscription), UNSUBSCRIBE_MS).catch(() => undefined);
  }

  #run<T>(work: (call: LinkCall) => Promise<T>): Promise<T> {
    return this.#link.run({ signal: this.#over.signal }, work);
  }

  #pulled(notifications: readonly Notification[]): void {
    if (!this.#over.signal.aborted) this.#handlers.onAlive?.();
    this.#deliver(notifications);
  }

  #deliver(notifications: readonly Notification[]): void {
    if (this.#over.signal.aborted) return;
    const nowMs = this.#link.clock.monotonicMs();
    for (const notification of notifications) {
      const meaning = meaningOf(notification);
      if (meaning === undefined) continue;
      const isInitialized = notification.operation.toLowerCase() === 'initialized';
      if (isInitialized) this.#answeredAtMs = nowMs;
      const { cameraAtMs } = notification;
      const atMs = cameraAtMs === undefined ? null : cameraAtMs - this.#link.offsetMs();
      this.#tell([this.#states.take(meaning, isInitialized, atMs, nowMs)]);
    }
    this.#arm();
  }

  #tell(events: readonly (CameraEvent | undefined)[]): void {
    for (const event of events) if (event !== undefined && !this.#over.signal.aborted) this.#handlers.onEvent(event);
  }

  /** Asks for every state; false where the camera cannot or there is no subscription. */
  async #askStates(): Promise<boolean> {
    const subscription = this.#current;
    if (subscription === undefined) return false;
    return this.#run((call) => askStates(call, subscription)).then(
      () => true,
      () => false,
    );
  }

  #arm(): void {
    this.#timer?.cancel();
    const nextAtMs = this.#states.nextAtMs();
    if (nextAtMs === undefined || this.#over.signal.aborted || this.#isTending) return;
    const { clock } = this.#link;
    this.#timer = clock.after(Math.max(0, nextAtMs - clock.monotonicMs()), () => void this.#tend(), true);
  }

  /** Ends moments; asks about states that nobody mentioned for long and clears those that the camera does not confirm. */
  async #tend(): Promise<void> {
    const { clock } = this.#link;
    this.#tell(this.#states.endMoments(clock.monotonicMs()));
    if (this.#states.isStale(clock.monotonicMs())) {
      this.#isTending = true;
      const askedAtMs = clock.monotonicMs();
      if (await this.#askStates()) await pause(clock, CONFIRM_MS, this.#over.signal);
      this.#tell(this.#states.clearUnconfirmed(askedAtMs, this.#answeredAtMs >= askedAtMs));
      this.#states.rest(clock.monotonicMs());
      this.#isTending = false;
    }
    this.#arm();
  }
}

/** Events of the camera; undefined without event service. `random` gives [0, 1) for the waits. Sends nothing yet. */
export function openEvents(link: OnvifLink, random: () => number = Math.random): EventSource | undefined {
  if (!link.has('events')) return undefined;
  return {
    kinds: (options) => link.run(options, (call) => askKinds(link, call)),
    open: async (handlers, { signal }) => {
      const listening = new Listening(link, handlers, random);
      await listening.start(signal);
      return { close: () => listening.close() };
    },
  };
}
