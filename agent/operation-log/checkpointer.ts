import type { Clock, Timer } from '../kernel/clock.js';
import type { RateLimitedLog } from '../kernel/log.js';
import { type LogState, merkleRoot, toHex } from './chain.js';
import { sha256 } from './people.js';
import type { CheckpointSigner, LogStore, SignedCheckpoint, StoredCheckpoint } from './ports.js';

const EVERY_ROWS = 64;
const EVERY_MS = 60_000;

/** What checkpoints are made with. */
export interface CheckpointerParts {
  readonly store: LogStore;
  readonly signer: CheckpointSigner;
  readonly clock: Clock;
  readonly log: RateLimitedLog;
  readonly device: string;
}

/**
 * Signs the state of the log every 64 rows, every minute with new rows, and at once after a security event, and tells the
 * listeners, who carry it to the witnesses. A checkpoint that cannot be made is tried again with the next row or minute.
 */
export class Checkpointer {
  readonly #parts: CheckpointerParts;
  readonly #listeners = new Set<(checkpoint: SignedCheckpoint) => void>();
  #timer: Timer | undefined;
  #newest: LogState | undefined;
  #signedSize = 0;
  #isUrgent = false;
  #running: Promise<void> | undefined;

  constructor(parts: CheckpointerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.every(EVERY_MS, () => void this.flush());
  }

  stop(): Promise<void> {
    this.#timer?.cancel();
    return this.flush();
  }

  onCheckpoint(listener: (checkpoint: SignedCheckpoint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A commit made this state. */
  note(state: LogState, isSecurity: boolean): void {
    this.#newest = state;
    this.#isUrgent ||= isSecurity;
    void this.#pump();
  }

  /** Resolves when the state as of now is signed and stored, or it turned out that it cannot be. */
  flush(): Promise<void> {
    this.#isUrgent = true;
    return this.#pump();
  }

  #pump(): Promise<void> {
    if (this.#running !== undefined) return this.#running;
    const due = this.#due();
    if (due === undefined) return Promise.resolve();
    this.#running = this.#makeAllDue(due);
    return this.#running;
  }

  async #makeAllDue(first: LogState): Promise<void> {
    let next: LogState | undefined = first;
    while (next !== undefined) {
      this.#isUrgent = false;
      // What came in meanwhile is looked at before this counts as done, so that nobody waits for a state left out.
      next = (await this.#make(next)) ? this.#due() : undefined;
    }
    this.#running = undefined;
  }

  #due(): LogState | undefined {
    const fresh = (this.#newest?.size ?? 0) - this.#signedSize;
    // A wish to sign is fulfilled when there is nothing to sign: the next row is not meant by it.
    if (fresh <= 0) this.#isUrgent = false;
    return fresh > 0 && (this.#isUrgent || fresh >= EVERY_ROWS) ? this.#newest : undefined;
  }

  async #make(state: LogState): Promise<boolean> {
    const { store, signer, clock, log, device } = this.#parts;
    try {
      const made = await checkpointOf(state, { signer, device, at: clock.now() });
      await store.putCheckpoint(made);
      this.#signedSize = state.size;
      const { size, at, jws } = made;
      const told: SignedCheckpoint = { v: 1, device, size, head: toHex(made.head), root: toHex(made.root), at, jws };
      for (const listener of this.#listeners) listener(told);
      return true;
    } catch (error) {
      log.warn('checkpoint', 'a checkpoint of the operation log could not be made', { size: state.size, error });
      return false;
    }
  }
}

/** The signed statement about this state, ready to be stored. Rejects as the signer does. */
export async function checkpointOf(
  state: LogState,
  by: { readonly signer: CheckpointSigner; readonly device: string; readonly at: number },
): Promise<StoredCheckpoint> {
  const { signer, device, at } = by;
  const root = merkleRoot(sha256, state);
  const jws = await signer.sign({ v: 1, device, size: state.size, head: toHex(state.head), root: toHex(root), at });
  return { size: state.size, head: state.head, root, peaks: state.peaks, at, jws };
}
