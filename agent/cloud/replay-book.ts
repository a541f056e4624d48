import { isStranger, type Sender } from './actor.js';
import { ReplayWindow } from './replay-window.js';

/**
 * A command can be carried out for 60 s at most (30 s to each side of the moment that it names): a key that was silent for twice as long has no
 * number left that somebody could play again.
 */
export const FORGET_AFTER_MS = 120_000;
/** Keys of one organisation within that time. */
export const MOST_KEYS_PER_ORGANISATION = 128;
/** Keys of all strangers together; their commands are rarer than this many within that time (see Abuse). */
export const MOST_STRANGERS = 1024;

interface Remembered {
  readonly window: ReplayWindow;
  usedMs: number;
}

/**
 * The numbers of the commands that were carried out lately, by key. An organisation can make any number of keys, so each has room of its own: none
 * crowds out another, and the owner's devices always have room. Nothing is forgotten while it matters: rather is a new key refused.
 */
export class ReplayBook {
  readonly #groups = new Map<string, Map<string, Remembered>>();
  #sweptMs = 0;

  /** Keys that are remembered. */
  get size(): number {
    return [...this.#groups.values()].reduce((sum, group) => sum + group.size, 0);
  }

  /** Whether the number could be taken now: `seen` was carried out before or is too old to know; `full`: too many new keys. */
  judge(sender: Sender, n: number, nowMs: number): 'new' | 'seen' | 'full' {
    this.#sweep(nowMs);
    const group = this.#groups.get(groupOf(sender));
    const known = group?.get(sender.kid);
    if (known !== undefined) return known.window.isNew(n) ? 'new' : 'seen';
    return (group?.size ?? 0) < mostOf(sender) ? 'new' : 'full';
  }

  /** Takes a number that was judged `new` in this tick. */
  take(sender: Sender, n: number, nowMs: number): void {
    const name = groupOf(sender);
    const group = this.#groups.get(name) ?? new Map<string, Remembered>();
    const known = group.get(sender.kid) ?? { window: new ReplayWindow(), usedMs: nowMs };
    known.window.take(n);
    known.usedMs = nowMs;
    group.set(sender.kid, known);
    this.#groups.set(name, group);
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < 1_000) return;
    this.#sweptMs = nowMs;
    for (const [name, group] of this.#groups) {
      for (const [kid, { usedMs }] of group) if (nowMs - usedMs > FORGET_AFTER_MS) group.delete(kid);
      if (group.size === 0) this.#groups.delete(name);
    }
  }
}

function groupOf(sender: Sender): string {
  if (sender.kind === 'employee') return `organisation ${sender.organisation}`;
  return isStranger(sender) ? 'strangers' : 'owner';
}

function mostOf(sender: Sender): number {
  if (sender.kind === 'owner') return Number.POSITIVE_INFINITY;
  return isStranger(sender) ? MOST_STRANGERS : MOST_KEYS_PER_ORGANISATION;
}
