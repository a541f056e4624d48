import type { Clock } from '../kernel/clock.js';
import { AgentError } from '../kernel/errors.js';
import type { Log } from '../kernel/log.js';
import { type Hash, type LogState, toHex } from './chain.js';
import type {
  Checkpoint,
  CheckpointSigner,
  LogProblem,
  LogStore,
  Proofs,
  ProofWish,
  SignedCheckpoint,
  StoredCheckpoint,
  Witness,
  Witnessed,
} from './ports.js';
import { consistencySpans, inclusionSpans, PathMaker, type Span } from './proof.js';
import { cutProblem } from './tip.js';

/** What the conversation with witnesses rests on. */
export interface WitnessParts {
  readonly store: LogStore;
  readonly signer: CheckpointSigner;
  readonly hash: Hash;
  readonly device: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the log stands now. */
  readonly state: () => Promise<LogState>;
  /** Signs that, or turns out to be unable to. */
  readonly seal: () => Promise<void>;
  /** Raises the alarm. */
  readonly onProblem: (problem: LogProblem, witness: Witness) => Promise<void>;
}

const PAGE_ROWS = 512;

/**
 * Those outside who hold checkpoints: compares what they hold with what is here, and proves to them that the log goes on from it. A log whose file
 * was put back by an older one, or rewritten whole, is found out by them alone.
 */
export class Witnesses {
  readonly #parts: WitnessParts;
  readonly #alarmed = new Set<Witness>();

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /** Notes what a witness holds when it fits; else the alarm, once per witness and run. @throws AgentError log.foreign_checkpoint */
  async acknowledge(witness: Witness, jws: string): Promise<LogProblem | null> {
    return this.#compared(witness, await this.opensOwn(jws));
  }

  async witnessed(witness: Witness, jws: string | null): Promise<Witnessed> {
    const { store, seal } = this.#parts;
    const held = jws === null ? null : await this.opensOwn(jws);
    const problem = held === null ? null : await this.#compared(witness, held);
    await seal();
    const checkpoint = await this.latest();
    const { size: beginsAt } = await store.anchor();
    const isProvable = held !== null && checkpoint !== null && held.size >= Math.max(1, beginsAt) && held.size <= checkpoint.size;
    // Rows that go while this is read are missed by the path: then there is none this time.
    const path = isProvable ? await this.#path(consistencySpans(held.size, checkpoint.size), held.size, checkpoint.size) : null;
    return { problem, checkpoint, path, beginsAt };
  }

  async prove({ seq, earlier }: ProofWish): Promise<Proofs> {
    await this.#parts.seal();
    const checkpoint = await this.latest();
    if (checkpoint === null) throw notProvable('Nothing of the log is signed yet.', 'Try again in a minute.');
    const { size } = checkpoint;
    const [stored] = seq === null ? [] : await this.#parts.store.rows({ fromSeq: seq, toSeq: seq, limit: 1 });
    if (seq !== null && (stored === undefined || seq > size)) throw notProvable(`Row ${seq} is not in the log.`, 'Ask for a row that is.');
    const row = stored && {
      seq: stored.seq,
      body: stored.body,
      path: await this.#path(inclusionSpans(stored.seq - 1, size), stored.seq - 1, size),
    };
    const path = earlier === null ? null : await this.#path(consistencySpans(earlier, size), earlier, size);
    return { checkpoint, row: row ?? null, path };
  }

  /** The newest signed checkpoint whose row is there. */
  async latest(): Promise<SignedCheckpoint | null> {
    const newest = await this.#parts.store.fittingCheckpoint((await this.#parts.state()).size);
    if (newest === null) return null;
    const { size, at, jws } = newest;
    return { v: 1, device: this.#parts.device, size, head: toHex(newest.head), root: toHex(newest.root), at, jws };
  }

  /** @throws AgentError log.foreign_checkpoint */
  async opensOwn(jws: string): Promise<Checkpoint> {
    const held = await this.#parts.signer.open(jws).catch((error: unknown) => {
      throw foreignCheckpoint(error);
    });
    if (held.device !== this.#parts.device) throw foreignCheckpoint();
    return held;
  }

  async #compared(witness: Witness, held: Checkpoint): Promise<LogProblem | null> {
    const { store, clock, log, onProblem } = this.#parts;
    const problem = await this.#difference(held);
    if (problem === null) await store.noteAcknowledged(witness, held.size, clock.now());
    else if (!this.#alarmed.has(witness)) {
      this.#alarmed.add(witness);
      log.error('the operation log is not the one that a witness knows', { witness, say: problem.say });
      await onProblem(problem, witness);
    }
    return problem;
  }

  async #difference(held: Checkpoint): Promise<LogProblem | null> {
    const { size } = await this.#parts.state();
    if (held.size > size) return cutProblem(size, held.size);
    const anchor = await this.#parts.store.anchor();
    const [row] = await this.#parts.store.rows({ fromSeq: held.size, toSeq: held.size, limit: 1 });
    const head = held.size === anchor.size ? anchor.head : row?.head;
    // Rows before the anchor are gone on purpose; the anchor is signed itself.
    if (head === undefined || toHex(head) === held.head) return null;
    return { kind: 'checkpoint', seq: held.size, say: `Row ${held.size} is not the one that the witness knows: the log was rewritten.` };
  }

  /** One pass over the leaves, a page at a time, so that nobody else has to wait. */
  async #path(spans: readonly Span[], proven: number, size: number): Promise<readonly string[]> {
    const { store, hash } = this.#parts;
    const base = await this.#base(proven);
    const maker = new PathMaker(hash, base, spans);
    for (let from = base.size + 1; from <= size; from += PAGE_ROWS)
      for (const leaf of await store.leaves(from, Math.min(size, from + PAGE_ROWS - 1))) maker.add(leaf);
    return maker.path().map(toHex);
  }

  /** The newest known state that does not reach beyond what is proven. */
  async #base(proven: number): Promise<Pick<LogState, 'size' | 'peaks'>> {
    const anchor = await this.#parts.store.anchor();
    const near: StoredCheckpoint | null = await this.#parts.store.fittingCheckpoint(proven);
    return near === null || near.size < anchor.size ? anchor : near;
  }
}

function foreignCheckpoint(cause?: unknown): AgentError {
  return new AgentError({
    code: 'log.foreign_checkpoint',
    say: 'This checkpoint was not signed by this recorder.',
    fix: 'Use a checkpoint of this recorder.',
    cause,
  });
}

function notProvable(say: string, fix: string): AgentError {
  return new AgentError({ code: 'log.not_provable', say, fix, retryable: true });
}
