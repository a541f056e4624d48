import { type DriverClock, DriverError } from '../port.js';
import { askPull, askRenew, type Pulled, type Subscription } from './events-messages.js';
import type { Notification } from './events-topics.js';
import type { OnvifLink } from './link.js';
import { isLacking, pause } from './patience.js';

/** How long the camera may hold one round of pulling. */
export const PULL_MS = 20_000;
/** After that and this much more the connection is taken for dead, whatever the network says: half-open ones never end by themselves. */
export const PULL_MARGIN_MS = 10_000;
const MESSAGE_LIMIT = 50;
/** A round that comes back at once without anything is not repeated sooner: some cameras know no waiting, and freeze under polling. */
const EMPTY_ROUND_MS = 1_000;
const FULL_ROUND_MS = 100;

/** Why a subscription ended: we closed it, it ran out and is to be made anew, or it broke. */
export type RunEnd = 'closed' | 'expired' | DriverError;

/** Who gets the notifications. */
export type Deliver = (notifications: readonly Notification[]) => void;

/** Keeps one subscription alive. */
class Term {
  readonly #link: OnvifLink;
  readonly #subscription: Subscription;
  readonly #clock: DriverClock;
  #mayRenew = true;
  #endsMs: number;

  constructor(link: OnvifLink, subscription: Subscription) {
    this.#link = link;
    this.#clock = link.clock;
    this.#subscription = subscription;
    this.#endsMs = this.#clock.monotonicMs() + subscription.lifetimeMs;
  }

  leftMs(): number {
    return this.#endsMs - this.#clock.monotonicMs();
  }

  /** The camera's word on how long it lives; a camera that says "no longer" while it answers is not believed. */
  heard(leftMs: number | undefined): void {
    if (leftMs !== undefined && leftMs > 0) this.#endsMs = this.#clock.monotonicMs() + leftMs;
  }

  /** Renews when half of it is over. 'expired': it cannot be renewed and will not outlive `neededMs`. */
  async keep(signal: AbortSignal, neededMs: number): Promise<RunEnd | undefined> {
    if (this.leftMs() > this.#subscription.lifetimeMs / 2) return undefined;
    if (this.#mayRenew) {
      try {
        this.heard(await this.#link.run({ signal }, (call) => askRenew(call, this.#subscription)));
        return undefined;
      } catch (error) {
        if (signal.aborted) return 'closed';
        if (!isLacking(error)) return asEnd(error);
        this.#mayRenew = false;
        this.#link.log.info('camera does not renew its event subscription', { camera: this.#link.reached.key, reason: error.message });
      }
    }
    return this.leftMs() > neededMs ? undefined : 'expired';
  }
}

function asEnd(error: unknown): DriverError {
  return error instanceof DriverError ? error : new DriverError('camera.bad_answer', 'the events could not be read', { cause: error });
}

interface Pace {
  waitMs: number;
  limit: number;
}

/** One round; a camera that refuses the first one is asked for less once, because some have limits they do not tell. */
async function pullOnce(link: OnvifLink, subscription: Subscription, pace: Pace, isFirst: boolean, signal: AbortSignal): Promise<Pulled> {
  const round = (): Promise<Pulled> =>
    link.run({ signal }, (call) => askPull(call, subscription, pace.waitMs, pace.limit), pace.waitMs + PULL_MARGIN_MS);
  try {
    return await round();
  } catch (error) {
    const isTooMuch = isFirst && error instanceof DriverError && error.code === 'camera.refused';
    if (!isTooMuch) throw error;
    pace.waitMs = Math.min(pace.waitMs, 5_000);
    pace.limit = 10;
    return round();
  }
}

/** Pulls until `signal` fires, the subscription runs out or something breaks. Never rejects. */
export async function runPull(link: OnvifLink, subscription: Subscription, deliver: Deliver, signal: AbortSignal): Promise<RunEnd> {
  const { clock } = link;
  const term = new Term(link, subscription);
  const pace: Pace = { waitMs: Math.max(1_000, Math.min(PULL_MS, subscription.lifetimeMs / 3)), limit: MESSAGE_LIMIT };
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const startedMs = clock.monotonicMs();
    let pulled: Pulled;
    try {
      pulled = await pullOnce(link, subscription, pace, isFirst, signal);
    } catch (error) {
      return signal.aborted ? 'closed' : asEnd(error);
    }
    deliver(pulled.notifications);
    term.heard(pulled.leftMs);
    const end = await term.keep(signal, pace.waitMs);
    if (end !== undefined) return end;
    const leastMs = pulled.notifications.length === 0 ? EMPTY_ROUND_MS : FULL_ROUND_MS;
    const restMs = startedMs + leastMs - clock.monotonicMs();
    if (restMs > 0) await pause(clock, restMs, signal);
  }
  return 'closed';
}

/** Keeps a subscription alive whose events come to us by themselves. Ends like `runPull`. */
export async function runPushed(link: OnvifLink, subscription: Subscription, signal: AbortSignal): Promise<RunEnd> {
  const term = new Term(link, subscription);
  while (!signal.aborted) {
    await pause(link.clock, Math.max(1_000, term.leftMs() / 2 + 1), signal);
    if (signal.aborted) break;
    const end = await term.keep(signal, subscription.lifetimeMs / 4);
    if (end !== undefined) return end;
  }
  return 'closed';
}
