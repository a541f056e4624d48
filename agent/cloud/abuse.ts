import type { OperationName } from '../contract/operations.js';
import { AgentError } from '../kernel/errors.js';
import { isStranger, type Sender } from './actor.js';
import type { Origin } from './call.js';
import { RateLimit, SlidingCount } from './rate.js';

/** So many refusals of one key within `withinMs` make it wait for `lastsMs`. */
export const COOL_DOWN = { refusals: 5, withinMs: 60_000, lastsMs: 600_000 } as const;
/** Changes and questions of configuration per key and hour. */
export const CONFIG_PER_HOUR = 300;
/** Between two pictures that are opened on one recorder; the owner has his own count. */
export const OPEN_PERIOD_MS = 2_000;
/** Still pictures of one recorder, the owner's and those of all others: a list of cameras at once, then one every 2 s. */
export const STILLS = { perSecond: 0.5, burst: 8 } as const;
/** What takes a place among the pictures that are open at once. */
const OPENS: ReadonlySet<OperationName> = new Set(['live.open', 'playback.open', 'playback.export']);
/** Cool-downs that are remembered; a key that escapes by making others could as well use those. */
const MOST_COOL_DOWNS = 1024;

/**
 * Refusals that mean: somebody tries doors. What an honest app runs into is not among them (a restart, a clock, a permission that ended, a sign-in
 * that is due, a limit, a camera that is off), and nothing that a relay could provoke in another's name by sending old letters again.
 */
const PROBING =
  /^(message\.|signature\.|permissions\.(not_granted|no_scope|other_camera|other_recorder|not_owner|no_badge|other_badge|badge_too_long)$)/;

/**
 * How much one sender may ask for, and what happens to one who keeps trying what is not allowed. Everything counts by keys that were verified, so
 * that nobody can use up what belongs to another. Time comes in; nothing here waits.
 */
export class Abuse {
  readonly #commands = new RateLimit(10, 20);
  /** All applicants of one way in together: anyone can make a key, so a limit per key would limit nobody. */
  readonly #strangers = new RateLimit(2, 30);
  /** Each application and each invitation is rows in the log for good: a stranger must not fill the disk with them. */
  readonly #applications = new RateLimit(1 / 60, 30);
  readonly #invitations = new RateLimit(1 / 60, 10);
  readonly #config = new SlidingCount(CONFIG_PER_HOUR, 3_600_000);
  readonly #opens = new RateLimit(1000 / OPEN_PERIOD_MS, 1);
  readonly #stills = new RateLimit(STILLS.perSecond, STILLS.burst);
  readonly #refusals = new SlidingCount(COOL_DOWN.refusals - 1, COOL_DOWN.withinMs);
  readonly #coolUntilMs = new Map<string, number>();

  /** Before a command's number is taken. @throws AgentError command.cool_down | command.too_many */
  admit(op: OperationName, sender: Sender, from: Origin, nowMs: number): void {
    const coolMs = (this.#coolUntilMs.get(sender.kid) ?? 0) - nowMs;
    // The owner is told, and never locked out: least of all from withdrawing.
    if (coolMs > 0 && sender.kind !== 'owner') throw coolDown(coolMs);
    const isWithin =
      this.#commands.take(sender.kid, nowMs) &&
      (!isStranger(sender) || this.#strangers.take(from.source, nowMs)) &&
      (op !== 'permissions.apply' || this.#applications.take(from.source, nowMs)) &&
      (sender.kind !== 'bearer' || this.#invitations.take(from.source, nowMs));
    if (!isWithin) throw tooMany('command.too_many', 'Too many commands at once.', 2_000);
  }

  /**
   * In the tick in which an act that is allowed begins.
   * @throws AgentError command.too_many_changes | live.too_many_opens | cameras.too_many_pictures
   */
  begin(op: OperationName, sender: Sender, nowMs: number): void {
    if (sender.kind !== 'owner' && op.startsWith('config.')) {
      const waitMs = this.#config.take(sender.kid, nowMs);
      if (waitMs > 0) throw tooMany('command.too_many_changes', `At most ${CONFIG_PER_HOUR} questions about settings in an hour.`, waitMs);
    }
    if (OPENS.has(op)) {
      const who = sender.kind === 'owner' ? 'owner' : 'others';
      const waitMs = this.#opens.waitMs(who, nowMs);
      if (!this.#opens.take(who, nowMs))
        throw tooMany('live.too_many_opens', 'Somebody opened a picture of this recorder a moment ago.', waitMs);
    }
    if (op === 'cameras.snapshot') {
      const who = sender.kind === 'owner' ? 'owner' : 'others';
      const waitMs = this.#stills.waitMs(who, nowMs);
      if (!this.#stills.take(who, nowMs)) throw tooMany('cameras.too_many_pictures', 'Many pictures were asked for a moment ago.', waitMs);
    }
  }

  /** Counts a refusal against the verified key that provoked it; true when its cool-down begins with it. */
  refused(kid: string, code: string, nowMs: number): boolean {
    if (!PROBING.test(code) || (this.#coolUntilMs.get(kid) ?? 0) > nowMs) return false;
    if (this.#refusals.take(kid, nowMs) === 0) return false;
    this.#refusals.forget(kid);
    this.#coolUntilMs.delete(kid);
    if (this.#coolUntilMs.size >= MOST_COOL_DOWNS) this.#coolUntilMs.delete(this.#coolUntilMs.keys().next().value ?? '');
    this.#coolUntilMs.set(kid, nowMs + COOL_DOWN.lastsMs);
    return true;
  }
}

function coolDown(leftMs: number): AgentError {
  const minutes = Math.ceil(leftMs / 60_000);
  return new AgentError({
    code: 'command.cool_down',
    say: 'Too many things that are not allowed were tried with this device.',
    fix: `Wait ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}; ask the site owner for what you need.`,
    retryable: true,
    detail: { retryS: Math.ceil(leftMs / 1000) },
  });
}

function tooMany(code: string, say: string, waitMs: number): AgentError {
  const retryS = Math.max(1, Math.ceil(waitMs / 1000));
  return new AgentError({ code, say, fix: `Try again in ${retryS} s.`, retryable: true, detail: { retryS } });
}
