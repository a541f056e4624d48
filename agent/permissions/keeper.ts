import type { PermissionState } from '../contract/stored.js';
import { KeyedQueue } from '../kernel/keyed-queue.js';
import type { ClosedSession, PermissionStore } from './ports.js';
import { NO_PERMISSIONS } from './state.js';

/** A change as a judgement of its own: takes the state as it is and gives the next, or throws why not. `isAgain`: it was judged before. */
export type Change = (state: PermissionState, isAgain: boolean) => PermissionState;

/**
 * The state in memory and on disk. Memory decides. What narrows it counts at once and is durable before it is confirmed; what widens it is durable
 * before it counts. Whatever narrows the state while a wider one is being written wins: the change is judged again on what is left.
 */
export class StateKeeper {
  readonly #store: PermissionStore;
  readonly #onChange: () => readonly ClosedSession[];
  readonly #queue = new KeyedQueue();
  #state = NO_PERMISSIONS;
  #isDirty = false;

  /** `onChange` is called in the tick in which the state in memory has changed; it ends what does not hold any more and tells which. */
  constructor(store: PermissionStore, onChange: () => readonly ClosedSession[]) {
    this.#store = store;
    this.#onChange = onChange;
  }

  get state(): PermissionState {
    return this.#state;
  }

  /** Whether the disk may say more than memory: a save has failed, or is still to come. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  async load(): Promise<void> {
    this.#state = (await this.#store.load()) ?? NO_PERMISSIONS;
  }

  /** Counts before this returns. `settle` makes it durable. */
  narrow(next: PermissionState): readonly ClosedSession[] {
    this.#state = next;
    this.#isDirty = true;
    return this.#onChange();
  }

  /** Resolves when the state as it is now (or narrower) is durable. */
  settle(): Promise<void> {
    return this.#queue.run('state', () => this.#save());
  }

  /** Resolves when the change is durable and in force. Rejects with what the change threw, or the store. */
  widen(change: Change): Promise<readonly ClosedSession[]> {
    return this.#queue.run('state', async () => {
      let before = this.#state;
      let next = change(before, false);
      await this.#write(next);
      while (this.#state !== before) {
        before = this.#state;
        next = await this.#judgedAgain(change, before);
        await this.#write(next);
      }
      this.#state = next;
      this.#isDirty = false;
      return this.#onChange();
    });
  }

  /** What was written a moment ago may be more than is allowed now: a change that does not hold any more is overwritten before it is refused. */
  async #judgedAgain(change: Change, state: PermissionState): Promise<PermissionState> {
    try {
      return change(state, true);
    } catch (refusal) {
      await this.#save();
      throw refusal;
    }
  }

  async #save(): Promise<void> {
    const saved = this.#state;
    await this.#write(saved);
    if (this.#state === saved) this.#isDirty = false;
  }

  async #write(state: PermissionState): Promise<void> {
    try {
      await this.#store.save(state);
    } catch (error) {
      // Nobody knows what a failed write has left behind.
      this.#isDirty = true;
      throw error;
    }
  }
}
