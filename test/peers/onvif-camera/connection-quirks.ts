/** What goes wrong before a request is read: a connection that is cut, a camera that freezes, a header that is not liked. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { HttpProblem } from './login-gate.js';
import type { CameraQuirks } from './quirks.js';

/** How a request goes on: served, its connection cut, or kept waiting for ever. */
export type Fate = 'serve' | 'cut' | 'hang';

/** One camera's patience with its clients. `now` is a clock in ms that does not jump. */
export class ConnectionQuirks {
  readonly #quirks: () => CameraQuirks;
  readonly #now: () => number;
  readonly #used = new WeakSet<Socket>();
  readonly #recent: number[] = [];
  #frozenUntil = 0;
  freezes = 0;

  constructor(quirks: () => CameraQuirks, now: () => number) {
    this.#quirks = quirks;
    this.#now = now;
  }

  /** Asked once for each request, as soon as its head is there. */
  fateOf(request: IncomingMessage): Fate {
    const { closesSilently } = this.#quirks();
    if (closesSilently && this.#used.has(request.socket)) return 'cut';
    this.#used.add(request.socket);
    return this.#isFrozen() ? 'hang' : 'serve';
  }

  /** Throws for a Content-Type that this camera does not like. */
  checkContentType(request: IncomingMessage): void {
    const { needsAction, forbidsAction } = this.#quirks();
    const hasAction = /;\s*action="?[^";]+/i.test(request.headers['content-type'] ?? '');
    if ((needsAction && !hasAction) || (forbidsAction && hasAction)) throw new HttpProblem(400);
  }

  #isFrozen(): boolean {
    const { freezes } = this.#quirks();
    if (freezes === undefined) return false;
    const now = this.#now();
    if (now < this.#frozenUntil) return true;
    this.#recent.push(now);
    while ((this.#recent[0] ?? now) < now - freezes.withinMs) this.#recent.shift();
    if (this.#recent.length <= freezes.requests) return false;
    this.#recent.length = 0;
    this.#frozenUntil = now + freezes.forMs;
    this.freezes += 1;
    return true;
  }
}
