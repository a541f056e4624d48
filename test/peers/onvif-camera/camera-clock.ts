/** The camera's clock and accounts: what can be set about them over ONVIF. */
import type { Account } from './http-digest.js';

/** What a camera knows about time. `aheadMs` is kept by whoever sets the clock by hand. */
export interface ClockState {
  aheadMs: number;
  zone: string;
  isNtp: boolean;
  servers: readonly string[];
}

export const startClock = (): ClockState => ({ aheadMs: 0, zone: 'UTC0', isNtp: false, servers: [] });

/** Accounts in the order in which they were made; the first one's password is a switch and read from there. */
export class Accounts {
  readonly #further: Account[];
  readonly #main: { readonly user: string; password: () => string; change: (password: string) => void };

  constructor(main: { user: string; password: () => string; change: (password: string) => void }, further: readonly Account[]) {
    this.#main = main;
    this.#further = [...further];
  }

  list(): readonly Account[] {
    return [{ user: this.#main.user, password: this.#main.password(), level: 'Administrator' }, ...this.#further];
  }

  find(user: string): Account | undefined {
    return this.list().find((one) => one.user === user);
  }

  add(account: Account): void {
    this.#further.push(account);
  }

  /** The main account keeps its level, and cannot be removed. */
  change(user: string, change: { password: string | undefined; level: Account['level'] }): void {
    if (user === this.#main.user) {
      if (change.password !== undefined) this.#main.change(change.password);
      return;
    }
    const at = this.#further.findIndex((one) => one.user === user);
    const before = this.#further[at];
    if (before !== undefined) this.#further[at] = { user, password: change.password ?? before.password, level: change.level };
  }

  isMain(user: string): boolean {
    return user === this.#main.user;
  }

  remove(user: string): void {
    const at = this.#further.findIndex((one) => one.user === user);
    if (at >= 0) this.#further.splice(at, 1);
  }
}
