import type { HeldGrant } from '../contract/stored.js';
import type { Clock } from '../kernel/clock.js';

/** The end of each grant by the clock that cannot be turned: a recorder that lost its battery must not turn ten minutes into years. */
export class GrantClock {
  readonly #clock: Clock;
  readonly #endsMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins to count for this grant: never longer than it was given for. */
  start({ grant, receivedAt }: HeldGrant): void {
    const lastsMs = grant.exp - Math.max(this.#clock.now(), receivedAt);
    this.#endsMs.set(grant.id, this.#clock.monotonicMs() + Math.max(0, lastsMs));
  }

  /** Whether its time has gone by in this run. One that was never started has no time. */
  isOutlived(id: string): boolean {
    return this.#clock.monotonicMs() >= (this.#endsMs.get(id) ?? 0);
  }

  /** Forgets all but these. */
  keepOnly(grants: readonly HeldGrant[]): void {
    const ids = new Set(grants.map((held) => held.grant.id));
    for (const id of this.#endsMs.keys()) if (!ids.has(id)) this.#endsMs.delete(id);
  }
}
