import { type Signer, signStatement } from '../contract/jws.js';
import type { PublicJwk } from '../contract/shapes.js';
import type { Status } from '../contract/statements.js';
import { type TopicScope, topics } from '../contract/topics.js';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Log } from '../kernel/log.js';
import type { Service } from '../kernel/service.js';
import type { CloudLink } from './link.js';

/** What stands in a status and who signs it; see Status in the contract for each field. */
export interface StatusParts {
  readonly scope: TopicScope;
  readonly signer: Signer;
  readonly key: PublicJwk;
  readonly seal: PublicJwk;
  readonly boot: string;
  readonly version: string;
  readonly isPaired: () => boolean;
  /** Milliseconds since this start: the clock by which commands say when they were made. */
  readonly up: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Changes come in bursts (a discovery, a grant with its log rows): one message tells of all. */
const GATHER_MS = 150;

/** Keeps the recorder's signed status at the relay: on every connection, and when something changed that an app shows. */
export class StatusPublisher implements Service {
  readonly name = 'status';
  readonly #parts: StatusParts;
  readonly #link: () => CloudLink;
  readonly #changes = { permissions: 0, cameras: 0, config: 0, security: 0 };
  #stopListening: (() => void) | undefined;
  #timer: Timer | undefined;

  constructor(parts: StatusParts, link: () => CloudLink) {
    this.#parts = parts;
    this.#link = link;
  }

  async start(): Promise<void> {
    this.#stopListening = this.#link().onOnline((isOnline) => {
      if (isOnline) void this.#publish('online');
    });
  }

  /** Tells the relay that the recorder leaves on purpose. */
  async stop(): Promise<void> {
    this.#stopListening?.();
    this.#timer?.cancel();
    if (this.#link().isOnline) await this.#publish('offline');
  }

  /** The signed status; `offline` is what the broker publishes when the connection breaks. */
  statement(state: Status['state']): Promise<string> {
    const { scope, key, seal, boot, version, isPaired, up, clock, signer } = this.#parts;
    const status: Status = {
      v: 1,
      dev: scope.serial,
      state,
      isPaired: isPaired(),
      boot,
      up: Math.floor(up()),
      version,
      key,
      seal,
      changes: { ...this.#changes },
      at: clock.now(),
    };
    return signStatement('status+jws', status, signer);
  }

  /** Something an app shows has changed. */
  changed(what: keyof Status['changes']): void {
    this.#changes[what] += 1;
    this.#timer ??= this.#parts.clock.after(
      GATHER_MS,
      () => {
        this.#timer = undefined;
        if (this.#link().isOnline) void this.#publish('online');
      },
      true,
    );
  }

  async #publish(state: Status['state']): Promise<void> {
    try {
      await this.#link().publish(topics.status(this.#parts.scope), await this.statement(state), { retain: true });
    } catch (error) {
      this.#parts.log.debug('the status was not published', { error });
    }
  }
}
