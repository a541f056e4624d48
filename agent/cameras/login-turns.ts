import type { Login } from '../../drivers/port.js';

/** More wrong logins than these, and the camera locks an account. */
const MAX_GROUP_LOGINS = 3;

/** Which login is tried next at one camera: its own, else those of the group in turn, each at most once until something changes. */
export class LoginTurns {
  readonly #group: readonly Login[];
  readonly #refused = new Set<Login>();
  #own: Login | undefined;
  #accepted: Login | undefined;
  /** Whether the accepted one had its second chance since it was accepted last. */
  #isForgiven = false;

  constructor(group: readonly Login[], own: Login | undefined) {
    this.#group = group.slice(0, MAX_GROUP_LOGINS);
    this.#own = own;
  }

  /** Set by a person for this camera. */
  get own(): Login | undefined {
    return this.#own;
  }

  /** With it the camera was read last. */
  get accepted(): Login | undefined {
    return this.#accepted;
  }

  set accepted(login: Login | undefined) {
    this.#accepted = login;
    this.#isForgiven = false;
  }

  /** The one that a sentence about this camera names when none is in use. */
  get lastTried(): Login | undefined {
    return this.#accepted ?? [...this.#refused].at(-1);
  }

  /** Another own login: what was refused before no longer counts. */
  replace(own: Login | undefined): void {
    this.#own = own;
    this.#refused.clear();
    this.accepted = undefined;
  }

  /** Undefined when every known one was refused, or there is none. */
  next(): Login | undefined {
    const candidates = this.#own === undefined ? this.#group : [this.#own];
    const untried = candidates.filter((login) => !this.#refused.has(login));
    return untried.find((login) => login === this.#accepted) ?? untried[0];
  }

  refuse(login: Login): void {
    this.#refused.add(login);
  }

  /** Lets all that were refused be tried again; whether there were any. */
  forgive(): boolean {
    const hadAny = this.#refused.size > 0;
    this.#refused.clear();
    return hadAny;
  }

  /**
   * The same for the one that was accepted before the camera went away: it may have been reset in between. Once only: a camera whose password
   * was changed and whose network comes and goes would lock its account.
   */
  forgiveAccepted(): boolean {
    if (this.#accepted === undefined || this.#isForgiven) return false;
    this.#isForgiven = this.#refused.delete(this.#accepted);
    return this.#isForgiven;
  }
}
